"""People in the JSON API: oneself and one's tokens; for managers the members and people of the network."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, StringConstraints

from fund.base.permissions import Viewer
from fund.people import choices, queries, service, tokens
from fund.people.fields import MemberDraft, PersonDraft
from fund.people.forms import Slug
from fund.web.deps import DbDep, ManagerDep, NowDep, ReadsEverything, RowId, SettingsDep, SignedIn
from fund.web.problems import Listing, Paging, paging, responses
from schema.people import ApiToken, Member, MemberKind, Role

router = APIRouter(prefix="/api/v1", tags=["people"])

Page = Annotated[Paging, Depends(paging(queries.PAGE))]


MemberSlug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+$", max_length=80)]


class In(BaseModel):
    """What is sent: a field that is not known is a mistake worth telling."""

    model_config = ConfigDict(extra="forbid")


class MemberIn(In):
    """A member as a manager describes it. ``country`` is its English name."""

    name: str
    kind: MemberKind
    city: str
    country: str
    zone: str = ""
    """IANA zone; may be left out where the country has just one."""

    def draft(self) -> MemberDraft:
        """For the service."""
        return MemberDraft(self.name, self.kind, self.city, self.country, self.zone)


class MemberOut(BaseModel):
    """A city, organisation or partner of the network."""

    slug: str
    name: str
    kind: MemberKind
    city: str
    country: str
    country_code: str
    zone: str
    joined_at: datetime

    @classmethod
    def of(cls, member: Member) -> "MemberOut":
        """As stored."""
        return cls.model_validate(member.model_dump())


class PersonIn(In):
    """A person as a manager describes them. ``members`` are slugs."""

    email: str
    name: str
    roles: list[Role] = []
    members: list[MemberSlug] = []


class PersonOut(BaseModel):
    """Somebody who signs in, what they are in the fund, and the slugs of the members they act for."""

    id: int
    email: str
    name: str
    locale: str
    zone: str
    roles: list[Role]
    members: list[str]
    disabled_at: datetime | None

    @classmethod
    def of(cls, entry: queries.PersonEntry) -> "PersonOut":
        """As stored."""
        roles, members = list(entry.roles), [member.slug for member in entry.members]
        return cls.model_validate(entry.person.model_dump() | {"roles": roles, "members": members})


class AccountIn(In):
    """What people set about themselves."""

    name: str
    locale: str
    zone: str


class MailChoices(In):
    """How mail comes, and for each kind that nobody has to get whether it comes."""

    digest: bool
    calendar_files: bool
    topics: dict[str, bool]

    @classmethod
    def of(cls, chosen: choices.Choices, viewer: Viewer) -> "MailChoices":
        """As stored."""
        topics = {key: key not in chosen.declined for key in choices.offered(viewer)}
        return cls(digest=chosen.digest, calendar_files=chosen.calendar_files, topics=topics)

    def chosen(self) -> choices.Choices:
        """For the service."""
        declined = frozenset(key for key, comes in self.topics.items() if not comes)
        return choices.Choices(self.digest, self.calendar_files, declined)


class TokenIn(In):
    """What a new token is for."""

    label: str


class TokenOut(BaseModel):
    """A bearer token, without the secret itself."""

    id: int
    label: str
    created_at: datetime
    used_at: datetime | None

    @classmethod
    def of(cls, token: ApiToken) -> "TokenOut":
        """As stored."""
        return cls.model_validate(token.model_dump())


class TokenMade(TokenOut):
    """A new token; ``token`` is told this once."""

    token: str


@router.get("/me", responses=responses(401))
def me(viewer: SignedIn, db: DbDep) -> PersonOut:
    """Whose token or session this is."""
    with db.read() as session:
        return PersonOut.of(queries.person(session, _id(viewer)))


@router.put("/me", responses=responses(401, 422))
def change_me(body: AccountIn, viewer: SignedIn, db: DbDep) -> PersonOut:
    """Change one's own name, language and zone."""
    with db.write() as session:
        service.change_account(session, viewer, body.name, body.locale, body.zone)
        return PersonOut.of(queries.person(session, _id(viewer)))


@router.get("/me/mail", responses=responses(401))
def my_mail(viewer: SignedIn, db: DbDep) -> MailChoices:
    """Which mail one chose to get. What is owed is not among it: it always comes."""
    with db.read() as session:
        return MailChoices.of(choices.choices(session, _id(viewer)), viewer)


@router.put("/me/mail", responses=responses(401, 422))
def change_my_mail(body: MailChoices, viewer: SignedIn, db: DbDep) -> MailChoices:
    """Choose: one mail a day or each by itself, calendar files, and what of the rest is to come."""
    with db.write() as session:
        return MailChoices.of(choices.choose(session, viewer, body.chosen()), viewer)


@router.get("/tokens", responses=responses(401))
def list_tokens(viewer: SignedIn, db: DbDep) -> list[TokenOut]:
    """One's own live tokens, the newest first."""
    with db.read() as session:
        return [TokenOut.of(token) for token in queries.api_tokens(session, _id(viewer))]


@router.post("/tokens", status_code=201, responses=responses(401, 422))
def create_token(body: TokenIn, viewer: SignedIn, db: DbDep, now: NowDep) -> TokenMade:
    """Make a token with one's own rights. The secret is told this once."""
    with db.write() as session:
        row, token = tokens.add(session, _id(viewer), body.label, now)
        return TokenMade(**TokenOut.of(row).model_dump(), token=token)


@router.delete("/tokens/{token_id}", status_code=204, responses=responses(401, 404, 422))
def revoke_token(token_id: RowId, viewer: SignedIn, db: DbDep, now: NowDep) -> None:
    """End one of one's own tokens."""
    with db.write() as session:
        tokens.revoke(session, _id(viewer), token_id, now)


@router.get("/members", responses=responses(401, 403, 422))
def list_members(viewer: ReadsEverything, db: DbDep, page: Page) -> Listing[MemberOut]:
    """The members of the network, by name."""
    with db.read() as session:
        found = queries.members(session)
    shown = found[page.offset : page.offset + page.size]
    return page.listing([MemberOut.of(entry.member) for entry in shown], len(found))


@router.post("/members", status_code=201, responses=responses(401, 403, 422))
def create_member(body: MemberIn, viewer: ManagerDep, db: DbDep, now: NowDep) -> MemberOut:
    """Take a member into the network."""
    with db.write() as session:
        return MemberOut.of(service.add_member(session, viewer, body.draft(), now))


@router.get("/members/{slug}", responses=responses(401, 403, 404, 422))
def member(slug: Slug, viewer: ReadsEverything, db: DbDep) -> MemberOut:
    """One member."""
    with db.read() as session:
        return MemberOut.of(queries.member(session, slug).member)


@router.put("/members/{slug}", responses=responses(401, 403, 404, 422))
def change_member(slug: Slug, body: MemberIn, viewer: ManagerDep, db: DbDep, now: NowDep) -> MemberOut:
    """Change what is known of a member."""
    with db.write() as session:
        return MemberOut.of(service.change_member(session, viewer, slug, body.draft(), now))


@router.get("/people", responses=responses(401, 403, 422))
def list_people(
    viewer: ReadsEverything,
    db: DbDep,
    page: Page,
    q: Annotated[str, Query(max_length=200)] = "",
    role: Role | None = None,
) -> Listing[PersonOut]:
    """Everybody who signs in, by name. ``q`` is a part of the name or the address."""
    with db.read() as session:
        found = queries.people_page(session, q, role or "", page.page)
    items = found.entries if found.number == page.page else []
    return page.listing([PersonOut.of(entry) for entry in items], found.total)


@router.post("/people", status_code=201, responses=responses(401, 403, 422))
def create_person(
    body: PersonIn, viewer: ManagerDep, db: DbDep, now: NowDep, settings: SettingsDep
) -> PersonOut:
    """Let somebody sign in; a mail tells them how."""
    with db.write() as session:
        draft = _draft(body, queries.member_ids(session, body.members))
        added = service.add_person(session, viewer, draft, now, zone=settings.zone)
        return PersonOut.of(queries.entries(session, [added])[0])


@router.get("/people/{person_id}", responses=responses(401, 403, 404, 422))
def person(person_id: RowId, viewer: ReadsEverything, db: DbDep) -> PersonOut:
    """One person."""
    with db.read() as session:
        return PersonOut.of(queries.person(session, person_id))


@router.put("/people/{person_id}", responses=responses(401, 403, 404, 422))
def change_person(person_id: RowId, body: PersonIn, viewer: ManagerDep, db: DbDep, now: NowDep) -> PersonOut:
    """Change a person's name, address, roles and members."""
    with db.write() as session:
        draft = _draft(body, queries.member_ids(session, body.members))
        service.change_person(session, viewer, person_id, draft, now)
        return PersonOut.of(queries.person(session, person_id))


@router.post("/people/{person_id}/disable", responses=responses(401, 403, 404, 422))
def disable_person(person_id: RowId, viewer: ManagerDep, db: DbDep, now: NowDep) -> PersonOut:
    """End a person's access: browsers, tokens, and mail still to go out."""
    with db.write() as session:
        service.disable(session, viewer, person_id, now)
        return PersonOut.of(queries.person(session, person_id))


@router.post("/people/{person_id}/enable", responses=responses(401, 403, 404, 422))
def enable_person(person_id: RowId, viewer: ManagerDep, db: DbDep, now: NowDep) -> PersonOut:
    """Let a person sign in again."""
    with db.write() as session:
        service.enable(session, viewer, person_id, now)
        return PersonOut.of(queries.person(session, person_id))


def _draft(body: PersonIn, members: frozenset[int]) -> PersonDraft:
    return PersonDraft(body.email, body.name, frozenset(body.roles), members)


def _id(viewer: Viewer) -> int:
    assert viewer.person_id is not None
    return viewer.person_id
