"""Members and people: who may change them, what is refused, and what stays on record."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlmodel import col, select

from fund.base import ledger
from fund.base.database import Database
from fund.base.errors import Conflict, Forbidden, FundError, Invalid, NotFound
from fund.base.permissions import Viewer
from fund.people import fields, places, queries, service
from fund.people.fields import MemberDraft, PersonDraft
from schema.ledger import LedgerEvent
from schema.people import Role
from tests.people.support import (
    APPLICANT,
    KANO,
    MANAGER,
    NOW,
    find,
    make_manager,
    make_member,
    make_person,
    make_reviewer,
    messages,
)

MANAGES = frozenset({Role.MANAGER.value})
REVIEWS = frozenset({Role.REVIEWER.value})


@pytest.fixture
def manager(db: Database) -> Viewer:
    return make_manager(db)


def record(db: Database, chain: str) -> list[tuple[str, int | None, str, dict]]:
    """Action, actor, role and data of each event of a chain."""
    with db.read() as session:
        events = session.exec(
            select(LedgerEvent).where(LedgerEvent.chain == chain).order_by(col(LedgerEvent.seq))
        )
        return [(event.action, event.actor_id, event.actor_role, event.data) for event in events]


def refused_fields(db: Database, change) -> list[str]:
    """The fields that ``change(session)`` was refused for."""
    with pytest.raises(Invalid) as refused, db.write() as session:
        change(session)
    return sorted(refused.value.fields)


def test_the_first_manager_comes_from_the_command_line(db: Database) -> None:
    with db.write() as session:
        first = service.create_manager(session, " Mara@Fund.Example ", now=NOW)
    with db.write() as session:
        again = service.create_manager(session, MANAGER, now=NOW)

    assert (first.id, first.email, first.name) == (again.id, MANAGER, "mara")
    assert record(db, f"person:{first.id}") == [
        ("manager_created", None, "operator", {"roles_added": ["manager"]})
    ]
    with db.read() as session:
        assert queries.viewer_of_person(session, find(session, MANAGER)).is_manager


def test_somebody_known_becomes_a_manager_and_is_enabled(db: Database, manager: Viewer) -> None:
    amina = make_person(db, manager)
    with db.write() as session:
        service.disable(session, manager, amina.person_id, NOW)
    with db.write() as session:
        person = service.create_manager(session, APPLICANT, "Another name", now=NOW)

    assert (person.name, person.disabled_at) == ("Amina", None)
    assert [action for action, *_ in record(db, f"person:{person.id}")] == [
        "person_added",
        "person_disabled",
        "manager_created",
    ]


def test_a_manager_needs_an_address(db: Database) -> None:
    assert refused_fields(db, lambda session: service.create_manager(session, "mara", now=NOW)) == ["email"]


def test_a_member_is_added_with_its_code_and_zone(db: Database, manager: Viewer) -> None:
    member = make_member(
        db, manager, MemberDraft("  Fundación  AlvarAlice ", "organisation", "Cali", "Colombia")
    )

    assert (member.slug, member.name, member.country_code, member.zone) == (
        "fundacion-alvaralice",
        "Fundación AlvarAlice",
        "CO",
        "America/Bogota",
    )
    assert record(db, f"member:{member.id}") == [("member_added", manager.person_id, "manager", {})]


def test_somaliland_is_named_and_published_as_so(db: Database, manager: Viewer) -> None:
    draft = MemberDraft("Center", "organisation", "Hargeisa", "Somaliland")
    member = make_member(db, manager, draft)

    assert (member.country, member.country_code, member.zone) == ("Somaliland", "SO", "Africa/Mogadishu")


def test_members_of_one_name_get_addresses_of_their_own(db: Database, manager: Viewer) -> None:
    def slugs(name: str) -> list[str]:
        cities = ("Amman", "Irbid", "Aqaba")
        drafts = [MemberDraft(name, "organisation", city, "Jordan") for city in cities]
        return [make_member(db, manager, draft).slug for draft in drafts]

    assert slugs("Peace Initiative") == ["peace-initiative", "peace-initiative-2", "peace-initiative-3"]
    assert slugs("شبكة") == ["member", "member-2", "member-3"]


def test_a_button_pressed_twice_adds_one_member(db: Database, manager: Viewer) -> None:
    make_member(db, manager)

    assert refused_fields(db, lambda s: service.add_member(s, manager, KANO, NOW)) == ["name"]


@pytest.mark.parametrize(
    ("draft", "wrong"),
    [
        (MemberDraft("", "", "", ""), ["city", "country", "kind", "name"]),
        (MemberDraft("x" * 201, "village", "Kano", "Atlantis"), ["country", "kind", "name"]),
        (MemberDraft("City", "city", "Cali", "Colombia", "Mars/Base"), ["zone"]),
        (MemberDraft("City", "city", "Guadalajara", "Mexico"), ["zone"]),
    ],
)
def test_what_is_wrong_with_a_member_is_said_all_at_once(
    db: Database, manager: Viewer, draft: MemberDraft, wrong: list[str]
) -> None:
    assert refused_fields(db, lambda session: service.add_member(session, manager, draft, NOW)) == wrong
    with db.read() as session:
        assert queries.members(session) == []


def test_a_member_changes_and_keeps_its_address(db: Database, manager: Viewer) -> None:
    member = make_member(db, manager)
    with db.write() as session:
        service.change_member(session, manager, member.slug, KANO, NOW)
    with db.write() as session:
        draft = MemberDraft("Peace Network", "partner", "Kano", "Nigeria", "Africa/Lagos")
        service.change_member(session, manager, member.slug, draft, NOW)

    with db.read() as session:
        changed = queries.member(session, "peace-initiative").member
    assert (changed.name, changed.kind) == ("Peace Network", "partner")
    assert [action for action, *_ in record(db, f"member:{member.id}")] == ["member_added", "member_changed"]


def test_a_person_is_added_and_invited(db: Database, manager: Viewer) -> None:
    member = make_member(db, manager)
    draft = PersonDraft("Amina@Kano.example", " Amina  Yusuf ", REVIEWS, frozenset({member.id}))
    with db.write() as session:
        person = service.add_person(session, manager, draft, NOW, zone="Europe/Brussels")

    assert (person.email, person.name, person.zone) == (APPLICANT, "Amina Yusuf", "Africa/Lagos")
    assert record(db, f"person:{person.id}") == [
        (
            "person_added",
            manager.person_id,
            "manager",
            {"roles_added": ["reviewer"], "members_added": [member.id]},
        )
    ]
    (mail,) = messages(db)
    assert (mail.kind, mail.template, mail.person_id, mail.path) == (
        "notice",
        "invited",
        person.id,
        "/sign-in",
    )


def test_a_person_without_a_member_lives_in_the_zone_of_the_fund(db: Database, manager: Viewer) -> None:
    with db.write() as session:
        draft = PersonDraft("rui@review.example", "Rui", REVIEWS)
        assert (
            service.add_person(session, manager, draft, NOW, zone="Europe/Brussels").zone == "Europe/Brussels"
        )


@pytest.mark.parametrize(
    ("draft", "wrong"),
    [
        (PersonDraft("", ""), ["email", "name"]),
        (PersonDraft(MANAGER.upper(), "Mara"), ["email"]),
        (PersonDraft(APPLICANT, "Amina", frozenset({"king"})), ["roles"]),
        (PersonDraft(APPLICANT, "Amina", frozenset(), frozenset({99})), ["members"]),
        (PersonDraft(APPLICANT, "\u200b\n\t"), ["name"]),
    ],
)
def test_what_is_wrong_with_a_person_is_said_and_nothing_happens(
    db: Database, manager: Viewer, draft: PersonDraft, wrong: list[str]
) -> None:
    assert refused_fields(db, lambda session: service.add_person(session, manager, draft, NOW)) == wrong
    with db.read() as session:
        assert queries.people_page(session).total == 1
    assert messages(db) == []


def test_roles_and_members_change_and_the_ledger_says_how(db: Database, manager: Viewer) -> None:
    kano, cali = (
        make_member(db, manager),
        make_member(db, manager, MemberDraft("Cali", "city", "Cali", "Colombia")),
    )
    amina = make_person(db, manager, roles=REVIEWS, members=frozenset({kano.id}))
    draft = PersonDraft(APPLICANT, "Amina", frozenset({"auditor"}), frozenset({cali.id}))
    for _ in range(2):
        with db.write() as session:
            service.change_person(session, manager, amina.person_id, draft, NOW)

    with db.read() as session:
        entry = queries.person(session, amina.person_id)
    assert (entry.roles, [member.name for member in entry.members]) == (("auditor",), ["Cali"])
    assert record(db, f"person:{amina.person_id}")[1:] == [
        (
            "person_changed",
            manager.person_id,
            "manager",
            {
                "roles_added": ["auditor"],
                "roles_removed": ["reviewer"],
                "members_added": [cali.id],
                "members_removed": [kano.id],
                "address": False,
            },
        )
    ]
    with db.read() as session:
        assert ledger.verify(session).broken is None


def test_an_address_that_is_taken_is_refused(db: Database, manager: Viewer) -> None:
    amina = make_person(db, manager)
    draft = PersonDraft(MANAGER, "Amina")

    assert refused_fields(db, lambda s: service.change_person(s, manager, amina.person_id, draft, NOW)) == [
        "email"
    ]


def test_the_last_manager_stays(db: Database, manager: Viewer) -> None:
    person_id = manager.person_id
    draft = PersonDraft(MANAGER, "Mara")

    assert refused_fields(db, lambda s: service.change_person(s, manager, person_id, draft, NOW)) == ["roles"]
    assert refused_fields(db, lambda s: service.disable(s, manager, person_id, NOW)) == ["person"]

    second = make_person(db, manager, "second@fund.example", "Second", MANAGES)
    with db.write() as session:
        service.disable(session, manager, second.person_id, NOW)
    assert refused_fields(db, lambda s: service.disable(s, manager, person_id, NOW)) == ["person"]
    with db.write() as session:
        service.enable(session, manager, second.person_id, NOW)
        service.change_person(session, manager, person_id, draft, NOW)
    with db.read() as session:
        assert not queries.viewer_of_person(session, find(session, MANAGER)).is_manager


def test_two_managers_cannot_take_each_others_place_at_once(db: Database, manager: Viewer) -> None:
    second = make_person(db, manager, "second@fund.example", "Second", MANAGES)
    barrier = Barrier(2)

    def disable(actor: Viewer, other: Viewer) -> bool:
        barrier.wait(10)
        try:
            with db.write() as session:
                service.disable(session, actor, other.person_id, NOW)
        except (Invalid, Conflict):
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda pair: disable(*pair), [(manager, second), (second, manager)]))

    assert sorted(done) == [False, True]
    with db.read() as session:
        page = queries.people_page(session, role="manager")
    assert sum(entry.person.disabled_at is None for entry in page.entries) == 1


def test_of_two_with_one_address_at_once_one_is_added(db: Database, manager: Viewer, at_once) -> None:
    def add() -> bool:
        try:
            with db.write() as session:
                service.add_person(session, manager, PersonDraft(APPLICANT, "Amina"), NOW)
        except (Invalid, Conflict):
            return False
        return True

    assert sorted(at_once(4, add)) == [False, False, False, True]
    assert len(messages(db)) == 1


def test_members_of_one_name_at_once_get_addresses_of_their_own(
    db: Database, manager: Viewer, at_once
) -> None:
    cities = iter(("Amman", "Irbid", "Aqaba", "Madaba"))

    def add() -> str:
        try:
            draft = MemberDraft("Peace Initiative", "organisation", next(cities), "Jordan")
            return make_member(db, manager, draft).slug
        except Conflict:
            return ""

    slugs = [slug for slug in at_once(4, add) if slug]

    assert len(slugs) == len(set(slugs)) >= 1


def test_one_person_changed_by_many_at_once_has_a_whole_chain(db: Database, manager: Viewer, at_once) -> None:
    amina = make_person(db, manager)
    roles = iter([REVIEWS, frozenset({"auditor"}), frozenset({"facilitator"}), REVIEWS | {"auditor"}])

    def change() -> bool:
        draft = PersonDraft(APPLICANT, "Amina", frozenset(next(roles)))
        with db.write() as session:
            service.change_person(session, manager, amina.person_id, draft, NOW)
        return True

    assert at_once(4, change) == [True] * 4
    with db.read() as session:
        assert ledger.verify(session).broken is None
    assert len(record(db, f"person:{amina.person_id}")) >= 2


def test_disabling_cancels_mail_that_was_to_go_out(db: Database, manager: Viewer) -> None:
    with db.write() as session:
        person = service.add_person(session, manager, PersonDraft(APPLICANT, "Amina"), NOW)
    for _ in range(2):
        with db.write() as session:
            service.disable(session, manager, person.id, NOW)

    (mail,) = messages(db)
    assert (mail.status, mail.reason) == ("cancelled", "This person can no longer sign in.")
    assert [action for action, *_ in record(db, f"person:{person.id}")] == ["person_added", "person_disabled"]


def test_only_managers_change_members_and_people(db: Database, manager: Viewer) -> None:
    member = make_member(db, manager)
    amina = make_person(db, manager, members=frozenset({member.id}))
    reviewer = make_reviewer(db, manager)
    auditor = make_person(db, manager, "aud@fund.example", "Aud", frozenset({"auditor"}))
    draft = PersonDraft("new@kano.example", "New", MANAGES)
    attempts = [
        lambda session, viewer: service.add_member(session, viewer, KANO, NOW),
        lambda session, viewer: service.change_member(session, viewer, member.slug, KANO, NOW),
        lambda session, viewer: service.add_person(session, viewer, draft, NOW),
        lambda session, viewer: service.change_person(session, viewer, viewer.person_id, draft, NOW),
        lambda session, viewer: service.disable(session, viewer, manager.person_id, NOW),
        lambda session, viewer: service.enable(session, viewer, manager.person_id, NOW),
    ]

    def refused(viewer: Viewer, attempt) -> type[FundError]:
        with pytest.raises(FundError) as error, db.write() as session:
            attempt(session, viewer)
        return error.type

    viewers = (amina, reviewer, auditor, Viewer.anonymous())
    assert {refused(viewer, attempt) for viewer in viewers for attempt in attempts} == {Forbidden}


def test_who_does_not_exist_cannot_be_changed(db: Database, manager: Viewer) -> None:
    draft = PersonDraft(APPLICANT, "Amina")
    for change in (
        lambda s: service.change_person(s, manager, 99, draft, NOW),
        lambda s: service.disable(s, manager, 99, NOW),
        lambda s: service.enable(s, manager, 99, NOW),
        lambda s: service.change_member(s, manager, "nowhere", KANO, NOW),
        lambda s: service.change_account(s, Viewer.anonymous(), "Nobody", "en", "UTC"),
        lambda s: queries.person(s, 99),
        lambda s: queries.member(s, "nowhere"),
    ):
        with pytest.raises(NotFound), db.write() as session:
            change(session)


def test_people_change_their_own_name_language_and_zone(db: Database, manager: Viewer) -> None:
    with db.write() as session:
        service.change_account(session, manager, " Mara  de Vries ", "en", "Europe/Brussels")

    with db.read() as session:
        mara = find(session, MANAGER)
    assert (mara.name, mara.locale, mara.zone) == ("Mara de Vries", "en", "Europe/Brussels")
    wrong = refused_fields(db, lambda s: service.change_account(s, manager, "", "xx", "Mars/Base"))
    assert wrong == ["locale", "name", "zone"]


def test_lists_cost_the_same_with_one_and_with_many(db: Database, manager: Viewer, statements) -> None:
    member = make_member(db, manager)

    def cost() -> list[int]:
        counts = []
        for look in (queries.people_page, queries.members, lambda s: queries.member(s, member.slug)):
            with statements(db) as seen, db.read() as session:
                look(session)
            counts.append(len(seen))
        return counts

    make_person(db, manager, members=frozenset({member.id}))
    with_one = cost()
    for number in range(60):
        make_person(
            db, manager, f"p{number}@kano.example", f"Person {number:02}", REVIEWS, frozenset({member.id})
        )

    assert cost() == with_one == [4, 2, 2]


def test_people_are_found_by_name_address_and_role_page_by_page(db: Database, manager: Viewer) -> None:
    for number in range(60):
        make_person(db, manager, f"p{number}@kano.example", f"Person {number:02}")
    make_reviewer(db, manager)

    def names(**wanted) -> list[str]:
        with db.read() as session:
            return [entry.person.name for entry in queries.people_page(session, **wanted).entries]

    assert names()[:3] == ["Mara", "Person 00", "Person 01"]
    assert names(number=2)[-2:] == ["Person 59", "Rui"]
    assert names(number=99) == names(number=2)
    assert names(search="REVIEW.example") == ["Rui"]
    assert names(search="%") == []
    assert names(role="reviewer") == ["Rui"]
    assert names(role="manager", search="rui") == []


def test_countries_and_zones_cover_the_network() -> None:
    known = places.countries()

    assert {
        name: known[name] for name in ("Belgium", "Colombia", "Kenya", "Mexico", "Nigeria", "Somaliland")
    } == {
        "Belgium": "BE",
        "Colombia": "CO",
        "Kenya": "KE",
        "Mexico": "MX",
        "Nigeria": "NG",
        "Somaliland": "SO",
    }
    assert list(known)[:3] == ["Afghanistan", "Åland Islands", "Albania"]
    assert "European Union" not in known
    assert places.only_zone("Kenya") == "Africa/Nairobi"
    assert places.only_zone("Mexico") == places.only_zone("Atlantis") == ""
    assert places.zone_names()["America/Argentina/Buenos_Aires"] == "Argentina – Buenos Aires (America)"
    assert places.zone_names()["UTC"] == "UTC"


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("City of Mechelen", "city-of-mechelen"),
        ("Fundación ÁÉ", "fundacion-ae"),
        ("--", "member"),
        ("a" * 99, "a" * 60),
    ],
)
def test_a_name_as_it_stands_in_an_address(name: str, slug: str) -> None:
    assert fields.slug(name) == slug
