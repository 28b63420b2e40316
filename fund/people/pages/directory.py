"""For managers, and for auditors to read: the people who can sign in, and the members of the network."""

from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import Response

from fund.base.database import Database
from fund.base.errors import Invalid
from fund.people import forms, labels, queries, record, service
from fund.people.forms import Slug
from fund.web import flash
from fund.web.deps import DbDep, FormDep, ManagerDep, NowDep, ReadsEverything, RowId, SettingsDep
from fund.web.forms import Form
from fund.web.i18n import lazy
from fund.web.page import redirect, render

router = APIRouter()

flash.register("people.person_added", lazy("The person is added. An email tells them how to sign in."))
flash.register("people.person_saved", lazy("The person is saved."))
flash.register("people.person_disabled", lazy("This person can no longer sign in."))
flash.register("people.person_enabled", lazy("This person can sign in again."))
flash.register("people.member_added", lazy("The member is added."))
flash.register("people.member_saved", lazy("The member is saved."))


@router.get("/people")
def people(
    request: Request, viewer: ReadsEverything, db: DbDep, q: str = "", role: str = "", page: int = 1
) -> Response:
    """Everybody who can sign in, searched by name, address and role."""
    role = role if role in labels.ROLES else ""
    with db.read() as session:
        found = queries.people_page(session, q, role, page)
    address = f"/people?q={quote(q)}&role={quote(role)}&page="
    return render(
        request,
        "people/people.html",
        found=found,
        search=Form.of(q=q, role=role),
        roles=labels.ROLES,
        address=address,
    )


@router.get("/people/new")
def new_person(request: Request, viewer: ManagerDep, db: DbDep, member: str = "") -> Response:
    """An empty form for a person, perhaps of a certain member."""
    return _person_page(request, db, Form.of(member=member))


@router.post("/people/new")
def add_person(
    request: Request, viewer: ManagerDep, db: DbDep, now: NowDep, settings: SettingsDep, form: FormDep
) -> Response:
    """Add a person and invite them."""
    try:
        with db.write() as session:
            service.add_person(session, viewer, forms.person_draft(form), now, zone=settings.zone)
    except Invalid as wrong:
        forms.refuse_person(form, wrong)
        return _person_page(request, db, form)
    return redirect("/people", "people.person_added")


@router.get("/people/{person_id}")
def person(request: Request, person_id: RowId, viewer: ReadsEverything, db: DbDep) -> Response:
    """A person's details; a manager may change them."""
    return _person_page(request, db, None, person_id)


@router.post("/people/{person_id}")
def save_person(
    request: Request,
    person_id: RowId,
    viewer: ManagerDep,
    db: DbDep,
    now: NowDep,
    settings: SettingsDep,
    form: FormDep,
) -> Response:
    """Change a person's details, roles and members."""
    try:
        with db.write() as session:
            service.change_person(session, viewer, person_id, forms.person_draft(form), now)
    except Invalid as wrong:
        forms.refuse_person(form, wrong)
        return _person_page(request, db, form, person_id)
    return redirect(f"/people/{person_id}", "people.person_saved")


@router.post("/people/{person_id}/disable")
def disable_person(
    request: Request, person_id: RowId, viewer: ManagerDep, db: DbDep, now: NowDep, settings: SettingsDep
) -> Response:
    """End a person's access."""
    try:
        with db.write() as session:
            service.disable(session, viewer, person_id, now)
    except Invalid as wrong:
        return _person_page(request, db, None, person_id, wrong)
    return redirect(f"/people/{person_id}", "people.person_disabled")


@router.post("/people/{person_id}/enable")
def enable_person(
    person_id: RowId, viewer: ManagerDep, db: DbDep, now: NowDep, settings: SettingsDep
) -> Response:
    """Give a person access again."""
    with db.write() as session:
        service.enable(session, viewer, person_id, now)
    return redirect(f"/people/{person_id}", "people.person_enabled")


def _person_page(
    request: Request,
    db: Database,
    form: Form | None,
    person_id: int | None = None,
    wrong: Invalid | None = None,
) -> Response:
    with db.read() as session:
        entry = None if person_id is None else queries.person(session, person_id)
        changes = [] if person_id is None else record.of_person(session, person_id)
        members = queries.members(session)
    if form is None:
        assert entry is not None
        form = forms.person_form(entry)
    if wrong is not None:
        form.refuse_all(wrong)
    ticked, others = forms.member_options(members, form)
    return render(
        request,
        "people/person.html",
        form=form,
        entry=entry,
        changes=changes,
        roles=forms.role_options(),
        role_names=labels.ROLES,
        ticked=ticked,
        others=others,
    )


@router.get("/members")
def members(request: Request, viewer: ReadsEverything, db: DbDep) -> Response:
    """The members of the network."""
    with db.read() as session:
        found = queries.members(session)
    return render(request, "people/members.html", found=found, kinds=labels.KINDS)


@router.get("/members/new")
def new_member(request: Request, viewer: ManagerDep) -> Response:
    """An empty form for a member."""
    return _member_page(request, Form.of())


@router.post("/members/new")
def add_member(
    request: Request, viewer: ManagerDep, db: DbDep, now: NowDep, settings: SettingsDep, form: FormDep
) -> Response:
    """Take a member into the network."""
    try:
        with db.write() as session:
            added = service.add_member(session, viewer, forms.member_draft(form), now)
    except Invalid as wrong:
        form.refuse_all(wrong)
        return _member_page(request, form)
    return redirect(f"/members/{added.slug}", "people.member_added")


@router.get("/members/{slug}")
def member(request: Request, slug: Slug, viewer: ReadsEverything, db: DbDep) -> Response:
    """A member's details, which a manager may change, and its people."""
    with db.read() as session:
        entry = queries.member(session, slug)
    return _member_page(request, forms.member_form(entry), entry)


@router.post("/members/{slug}")
def save_member(
    request: Request,
    slug: Slug,
    viewer: ManagerDep,
    db: DbDep,
    now: NowDep,
    settings: SettingsDep,
    form: FormDep,
) -> Response:
    """Change a member's details."""
    try:
        with db.write() as session:
            service.change_member(session, viewer, slug, forms.member_draft(form), now)
    except Invalid as wrong:
        form.refuse_all(wrong)
        with db.read() as session:
            return _member_page(request, form, queries.member(session, slug))
    return redirect(f"/members/{slug}", "people.member_saved")


def _member_page(request: Request, form: Form, entry: queries.MemberEntry | None = None) -> Response:
    return render(
        request,
        "people/member.html",
        form=form,
        entry=entry,
        kinds=forms.kind_options(),
        kinds_by_name=labels.KINDS,
        countries=forms.country_options(),
        zones=forms.zone_options(),
    )
