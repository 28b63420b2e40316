"""Pages about the words of mails: which there are, how each comes out, changing it, and what it said before."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from fund.base.errors import Conflict, Invalid
from fund.base.permissions import Viewer
from fund.governing import mail_forms, mail_queries, mail_service
from fund.web import flash
from fund.web.deps import DbDep, DemoNote, FormDep, ManagerDep, NowDep, ReadsEverything, RowId, SettingsDep
from fund.web.forms import Form
from fund.web.i18n import SOURCE, available, lazy
from fund.web.mails import composer, mail_settings
from fund.web.page import redirect, render
from notifications.checking import known_names, misused
from notifications.compose import Composer, Said
from notifications.wording import LONGEST, Flaw, Words

router = APIRouter(prefix="/mail/templates", include_in_schema=False)
Name = Annotated[str, Query(max_length=100)]
FRAMED = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; frame-ancestors 'self'; sandbox"
"""A mail is shown apart from the page: it may look as it likes and do nothing."""
FRAMING = (
    "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
WRITING = f"{FRAMING}; script-src 'self'"
"""While words are written, a script of ours lets the look at the mail follow them."""
FRAME_ONLY = frozenset({"demo", "direction", "language", "site", "stop"})
"""What only the frame has a use for."""

flash.register("governing.words_saved", lazy("Saved. The mail goes out with these words from now on."))
flash.register("governing.words_reset", lazy("The mail goes out with the words that come with the product."))


def writer(settings: SettingsDep, note: DemoNote) -> Composer:
    """Who writes mails as the worker does."""
    return composer(mail_settings(settings, demo=bool(note)))


@router.get("")
def index(request: Request, viewer: ReadsEverything, db: DbDep) -> Response:
    """Every mail: who gets it and when, and whether its words were changed."""
    with db.read() as session:
        return render(
            request, "governing/mails.html", mails=mail_queries.listed(session), languages=available()
        )


@router.get("/{name}")
def show(
    request: Request, name: str, viewer: ReadsEverything, db: DbDep, now: NowDep, settings: SettingsDep,
    note: DemoNote, language: Name = SOURCE,
) -> Response:  # fmt: skip
    """One mail: how it comes out, its words, what it can tell, and every version."""
    return _page(request, name, language, viewer, db, now, writer(settings, note), None)


@router.post("/{name}")
def save(
    request: Request, name: str, viewer: ManagerDep, db: DbDep, now: NowDep, settings: SettingsDep, note: DemoNote,
    form: FormDep,
) -> Response:  # fmt: skip
    """Let the mail go out with other words, or say what is wrong with them."""
    language, write = form.value("language"), writer(settings, note)
    try:
        mail_service.save(
            db, viewer, write, name, language, mail_forms.words(form), form.value("note"),
            seen=form.version("seen"), now=now,
        )  # fmt: skip
    except Invalid as invalid:
        form.refuse_all(invalid)
        return _page(request, name, language, viewer, db, now, write, form)
    except Conflict as conflict:
        form.refuse("subject", conflict.message)
        return _page(request, name, language, viewer, db, now, write, form, 409)
    return redirect(f"/mail/templates/{name}?language={language}", "governing.words_saved")


@router.post("/{name}/reset")
def reset(name: str, viewer: ManagerDep, db: DbDep, now: NowDep, form: FormDep) -> Response:
    """Let the mail go out with the shipped words again."""
    language = form.value("language")
    with db.write() as session:
        seen = form.version("seen")
        mail_service.reset(session, viewer, name, language, form.value("note"), seen=seen, now=now)
    return redirect(f"/mail/templates/{name}?language={language}", "governing.words_reset")


@router.get("/{name}/look")
def look(
    request: Request, name: str, viewer: ReadsEverything, db: DbDep, now: NowDep, settings: SettingsDep,
    note: DemoNote, language: Name = SOURCE, example: Name = "", version: Annotated[int, Query(ge=0, lt=2**31)] = 0,
) -> Response:  # fmt: skip
    """How the mail comes out with the words that hold, or with those of a version."""
    write = writer(settings, note)
    language = language if language in available() else SOURCE
    with db.read() as session:
        row = mail_queries.mail(session, name).saved.get(language)
        if version:
            row = mail_queries.version(session, name, version)[0].row
        words = mail_queries.words_of(row, write.shipped(name, language))
        truth = mail_queries.example(session, viewer, name, example, now)
        at = mail_queries.moment(session, example, now)
    return _look(request, write, words, truth, language, at, [])


@router.post("/{name}/look")
def try_out(
    request: Request, name: str, viewer: ManagerDep, db: DbDep, now: NowDep, settings: SettingsDep, note: DemoNote,
    form: FormDep,
) -> Response:  # fmt: skip
    """How the mail would come out with words that are not saved, and what is wrong or doubtful with them."""
    write, words, language = writer(settings, note), mail_forms.words(form), form.value("language")
    with db.read() as session:
        flaws = mail_service.examine(session, viewer, write, name, language, words, now)
        truth = mail_queries.example(session, viewer, name, form.value("example"), now)
        at = mail_queries.moment(session, form.value("example"), now)
    wrong = misused(write, name, language, words, now)
    return _look(request, write, None if wrong else words, truth, language, at, flaws)


@router.get("/{name}/versions/{key}")
def version(
    request: Request,
    name: str,
    key: RowId,
    viewer: ReadsEverything,
    db: DbDep,
    settings: SettingsDep,
    note: DemoNote,
) -> Response:
    """What a version changed, who saved it when and why, and how the mail came out with it."""
    write = writer(settings, note)
    with db.read() as session:
        found, before = mail_queries.version(session, name, key)
        newest = mail_queries.mail(session, name).saved[found.row.language]
    shipped = write.shipped(name, found.row.language)
    response = render(
        request,
        "governing/mail_version.html",
        name=name,
        version=found,
        newest=newest,
        differences=mail_queries.differences(
            mail_queries.words_of(before, shipped), mail_queries.words_of(found.row, shipped)
        ),
    )
    response.headers["Content-Security-Policy"] = FRAMING
    return response


@router.post("/{name}/versions/{key}/restore")
def restore(
    name: str, key: RowId, viewer: ManagerDep, db: DbDep, now: NowDep, settings: SettingsDep, note: DemoNote,
    form: FormDep,
) -> Response:  # fmt: skip
    """Let the mail go out with the words of an earlier version."""
    seen = form.version("seen")
    row = mail_service.go_back(db, viewer, writer(settings, note), name, key, seen=seen, now=now)
    return redirect(
        f"/mail/templates/{name}?language={row.language if row else SOURCE}", "governing.words_saved"
    )


def _page(
    request: Request, name: str, language: str, viewer: Viewer, db: DbDep, now: NowDep, write: Composer,
    form: Form | None, status: int | None = None,
) -> Response:  # fmt: skip
    language = language if language in available() else SOURCE
    with db.read() as session:
        mail = mail_queries.mail(session, name)
        row = mail.saved.get(language)
        context: dict[str, Any] = {
            "mail": mail,
            "row": row,
            "history": mail_queries.history(session, name, language),
            "examples": mail_queries.chooseable(session, viewer, name),
        }
    words = mail_queries.words_of(row, write.shipped(name, language))
    response = render(
        request,
        "governing/mail.html",
        status,
        **context,
        words=words,
        form=form or mail_forms.filled(words, row.id or 0 if row else 0, language),
        here_language=language,
        languages=available(),
        names={key: value for key, value in known_names(write, name, now).items() if key not in FRAME_ONLY},
        longest=LONGEST,
    )
    written = mail.editable and viewer.is_manager
    response.headers["Content-Security-Policy"] = WRITING if written else FRAMING
    return response


def _look(
    request: Request, write: Composer, words: Words | None, truth: Any, language: str, now: NowDep,
    flaws: list[Flaw],
) -> Response:  # fmt: skip
    """The mail with these words; without words, which may not be tried, only what is wrong with them."""
    said: Said | None = None
    try:
        said = write.say(truth, now, words, language) if words else None
    except Exception as error:  # the words may be wrong in any way
        flaws = flaws or [Flaw("text", str(error))]
    wrong = [(mail_service.in_words(flaw), flaw.warning) for flaw in flaws]
    safe = said if not any(flaw.part == "html" and not flaw.warning for flaw in flaws) else None
    response = render(
        request, "governing/mail_look.html", said=said, html=safe.html if safe else "", flaws=wrong
    )
    response.headers["Content-Security-Policy"] = FRAMED
    return response
