"""Pages about workflows: their versions, what changes between them, and changing a round under way."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import PlainTextResponse, Response

from fund.base import access
from fund.base.audience import left_to
from fund.base.binding import open_gaps
from fund.base.errors import Conflict, Invalid
from fund.base.migrating import Change, Plan
from fund.base.permissions import Viewer
from fund.base.versions import find, key_of
from fund.governing import forms, queries, service
from fund.web import flash
from fund.web.deps import DbDep, FormDep, ManagerDep, NowDep, ReadsEverything
from fund.web.forms import Form
from fund.web.i18n import lazy, speech
from fund.web.page import redirect, render
from workflows import Definition
from workflows.compare import compare
from workflows.draw import svg

router = APIRouter(include_in_schema=False)
flash.register(
    "governing.accepted",
    lazy("The fund has the new version. Rounds planned from now on follow it; rounds under way keep theirs."),
)
flash.register(
    "governing.accepted_several",
    lazy(
        "The fund has the new versions. Rounds planned from now on follow them; rounds under way keep theirs."
    ),
)
flash.register("governing.changed", lazy("Done. The round follows the workflow as it is shown here."))


@router.get("/workflows")
def index(request: Request, viewer: ReadsEverything, db: DbDep) -> Response:
    """Every version that the fund knows, and for managers the way to give it another."""
    return _index(request, db, Form({}))


@router.post("/workflows")
def accept(
    request: Request,
    viewer: ManagerDep,
    db: DbDep,
    now: NowDep,
    sent: Annotated[forms.Sent, Depends(forms.sent)],
) -> Response:
    """Take files as new versions, or say what is wrong with them."""
    try:
        with db.write() as session:
            given = service.accept_all(session, viewer, sent.files, now)
    except Invalid as invalid:
        return _refused(request, db, forms.shown_again(sent), invalid)
    if len(given) > 1:
        return redirect("/workflows", done="governing.accepted_several")
    return redirect(f"/workflows/{key_of(given[0])}", done="governing.accepted")


@router.get("/workflows/compare")
def compared(request: Request, viewer: ReadsEverything, db: DbDep, old: str = "", new: str = "") -> Response:
    """What changes from one version to another, in words."""
    with db.read() as session:
        before, after = find(session, old), find(session, new)
    return render(
        request,
        "governing/compare.html",
        old=before,
        new=after,
        differences=compare(before, after),
        key_of=key_of,
    )


@router.get("/workflows/{key}")
def show(request: Request, key: str, viewer: ReadsEverything, db: DbDep) -> Response:
    """One version: its picture, its states and moves in words, who follows it."""
    with db.read() as session:
        version = queries.version(session, key)
        others = [one for one in queries.listed(session) if one.definition.name == version.definition.name]
        found = service.examine(session, version.definition.source)
        gaps = [one for one in open_gaps(session) if one.concerns(version.definition)]
    return render(
        request,
        "governing/version.html",
        version=version,
        others=[one for one in others if one.key != key],
        found=found,
        gaps=gaps,
        **_shown(version.definition),
    )


@router.get("/workflows/{key}/file")
def file(key: str, viewer: ReadsEverything, db: DbDep) -> Response:
    """The version's file, word for word."""
    with db.read() as session:
        definition = queries.version(session, key).definition
    name = f"{definition.name}-{definition.version}.toml"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return PlainTextResponse(definition.source, headers=headers, media_type="application/toml; charset=utf-8")


@router.get("/rounds/{slug}/workflow")
def of_round(
    request: Request, slug: str, viewer: ReadsEverything, db: DbDep, kind: str = "application"
) -> Response:
    """What the round follows: for its proposals, or for another kind of thing."""
    with db.read() as session:
        governed = queries.governed(session, viewer, slug)
        bound = governed.of(kind)
        left = left_to(session, governed.round, viewer)
    return render(
        request, "governing/round.html", governed=governed, bound=bound, left=left, **_shown(bound.definition)
    )


@router.get("/rounds/{slug}/workflow/change")
def look(request: Request, slug: str, viewer: ManagerDep, db: DbDep, now: NowDep) -> Response:
    """Choose versions, say where things go, and see what would become of everything. Changes nothing."""
    return _change_page(request, slug, viewer, db, now, forms.of_query(request.query_params))


@router.post("/rounds/{slug}/workflow/change")
def change(
    request: Request, slug: str, viewer: ManagerDep, db: DbDep, now: NowDep, form: FormDep
) -> Response:
    """Do what was seen, if nothing has changed since."""
    asked = forms.asked(form)
    try:
        with db.write() as session:
            wanted = service.chosen(session, asked.wanted)
            fingerprint = form.value("fingerprint")
            service.change(session, viewer, slug, wanted, asked.places, fingerprint=fingerprint, now=now)
    except Conflict as conflict:
        form.refuse("workflow", conflict.message)
        return _change_page(request, slug, viewer, db, now, form, status=409)
    except Invalid as invalid:
        form.refuse_all(invalid)
        return _change_page(request, slug, viewer, db, now, form)
    return redirect(f"/rounds/{slug}/workflow", done="governing.changed")


def _refused(request: Request, db: DbDep, form: Form, invalid: Invalid) -> Response:
    """The page with what is wrong with each file."""
    if not isinstance(invalid, service.Faulty):
        form.refuse_all(invalid)
        return _index(request, db, form)
    for file, summary in invalid.summaries.items():
        form.refuse(service.FILE, f"{file}: {summary}" if file else summary)
    return _index(request, db, form, invalid)


def _index(request: Request, db: DbDep, form: Form, faulty: service.Faulty | None = None) -> Response:
    with db.read() as session:
        listed, gaps = queries.listed(session), open_gaps(session)
    return render(
        request,
        "governing/index.html",
        listed=listed,
        form=form,
        wrong=faulty.by_file() if faulty else [],
        most=service.LARGEST,
        gaps=gaps,
    )


def _shown(definition: Definition) -> dict[str, Any]:
    """A definition as pages show it, in the reader's language where it has words in it."""
    said = definition.said(speech().language)
    return {"said": said, "stages": queries.in_words(said), "picture": svg(said)}


def _change_page(
    request: Request, slug: str, viewer: Viewer, db: DbDep, now: NowDep, form: Form, status: int | None = None
) -> Response:
    with db.read() as session:
        governed = queries.governed(session, viewer, slug)
        access.require_manager_of(session, governed.round, viewer)
        changes = _changes(session, governed, form)
        standing = queries.standing(session, governed.round)
        plan = _plan(session, viewer, slug, form, now) if changes and form.value("look") else None
    compared = [(one, compare(one.old, one.new, states=one.places)) for one in changes]
    return render(
        request,
        "governing/change.html",
        status,
        governed=governed,
        changes=compared,
        standing=standing,
        plan=plan,
        form=form,
        key_of=key_of,
        field=forms.field,
    )


def _changes(session: Any, governed: queries.Governed, form: Form) -> list[Change]:
    """The changes that the form asks for, with what can be meant filled in; none where it names what is none."""
    try:
        wanted = service.chosen(session, forms.asked(form).wanted)
        changes = [Change(one.subject, governed.of(one.subject).definition, one, {}) for one in wanted]
    except Invalid as invalid:
        form.refuse_all(invalid)
        return []
    for one in changes:
        forms.suggest(form, one)
    places = forms.asked(form).places
    return [replace(one, places=places.get(one.kind, {})) for one in changes]


def _plan(session: Any, viewer: Viewer, slug: str, form: Form, now: datetime) -> Plan | None:
    """What would become of everything; None, with what is wrong on the form, where that cannot be said."""
    asked = forms.asked(form)
    try:
        return service.preview(
            session, viewer, slug, service.chosen(session, asked.wanted), asked.places, now
        )
    except Invalid as invalid:
        form.refuse_all(invalid)
        return None
