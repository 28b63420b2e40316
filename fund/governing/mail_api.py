"""The words of mails in the JSON API: which mails there are, how each reads, saving and taking back."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from fund.governing import mail_queries, mail_service
from fund.web.deps import DbDep, DemoNote, ManagerDep, NowDep, ReadsEverything, SettingsDep
from fund.web.mails import composer, mail_settings
from fund.web.problems import responses
from notifications.compose import Composer
from notifications.wording import Flaw, Words
from schema.mails import MailTemplate

router = APIRouter(prefix="/api/v1/mail/templates", tags=["mail"])
Name = Annotated[str, Path(max_length=100)]
Seen = Annotated[int, Field(ge=0, lt=2**31)]


class WordsIn(BaseModel):
    """Words of a mail, and the key of the version that was newest when they were written (0 for none)."""

    model_config = ConfigDict(extra="forbid")

    subject: str = Field(max_length=30_000)
    text: str = Field(max_length=30_000)
    html: str = Field(max_length=30_000)
    note: str = Field("", max_length=1000)
    """Why they are changed; kept with the version."""
    seen: Seen


class ResetIn(BaseModel):
    """Going back to the shipped words."""

    model_config = ConfigDict(extra="forbid")

    seen: Seen
    note: str = Field("", max_length=1000)


class FlawOut(BaseModel):
    """Something wrong with words, or worth a look."""

    part: str
    """subject, text or html."""
    line: int
    """From 1; 0 where it concerns the whole part."""
    message: str
    warning: bool
    """It can be saved all the same."""


class UseOut(BaseModel):
    """Who gets a mail, and when."""

    to: str
    when: str


class MailOut(BaseModel):
    """A mail that the fund sends by itself."""

    name: str
    uses: list[UseOut]
    editable: bool
    changed: list[str]
    """The languages in which words of managers hold."""


class VersionOut(BaseModel):
    """A saved version."""

    key: int
    language: str
    shipped: bool
    """From here on the shipped words hold."""
    saved_at: datetime
    by: str
    note: str
    failed_at: datetime | None
    """When a mail could first not be written with it, and went out with the shipped words."""
    failure: str


class MailWhole(MailOut):
    """A mail with its words in one language and every version of them, the latest first."""

    language: str
    subject: str
    text: str
    html: str
    seen: int
    """To be sent with a change."""
    versions: list[VersionOut]


@router.get("", responses=responses(401, 403))
def index(viewer: ReadsEverything, db: DbDep) -> list[MailOut]:
    """Every mail, by name."""
    with db.read() as session:
        return [MailOut.model_validate(_mail(one)) for one in mail_queries.listed(session)]


@router.get("/{name}/{language}", responses=responses(401, 403, 404))
def show(
    name: Name, language: Name, viewer: ReadsEverything, db: DbDep, settings: SettingsDep, note: DemoNote
) -> MailWhole:
    """One mail in one language, with every version."""
    return _whole(db, name, language, _writer(settings, note))


@router.post("/{name}/{language}/check", responses=responses(401, 403, 404, 409, 422))
def check(
    name: Name, language: Name, body: WordsIn, viewer: ManagerDep, db: DbDep, now: NowDep, settings: SettingsDep,
    note: DemoNote,
) -> list[FlawOut]:  # fmt: skip
    """What is wrong or doubtful with words. Saves nothing."""
    with db.read() as session:
        write = _writer(settings, note)
        found = mail_service.examine(session, viewer, write, name, language, _words(body), now)
    return [_flaw(one) for one in found]


@router.put("/{name}/{language}", responses=responses(401, 403, 404, 409, 422))
def save(
    name: Name, language: Name, body: WordsIn, viewer: ManagerDep, db: DbDep, now: NowDep, settings: SettingsDep,
    note: DemoNote,
) -> MailWhole:  # fmt: skip
    """Let the mail go out with these words. For managers; words with errors are refused with all of them."""
    write = _writer(settings, note)
    words = _words(body)
    mail_service.save(db, viewer, write, name, language, words, body.note, seen=body.seen, now=now)
    return _whole(db, name, language, write)


@router.post("/{name}/{language}/reset", responses=responses(401, 403, 404, 409, 422))
def reset(
    name: Name, language: Name, body: ResetIn, viewer: ManagerDep, db: DbDep, now: NowDep, settings: SettingsDep,
    note: DemoNote,
) -> MailWhole:  # fmt: skip
    """Let the mail go out with the shipped words again; what was saved is kept."""
    with db.write() as session:
        mail_service.reset(session, viewer, name, language, body.note, seen=body.seen, now=now)
    return _whole(db, name, language, _writer(settings, note))


def _writer(settings: SettingsDep, note: str) -> Composer:
    return composer(mail_settings(settings, demo=bool(note)))


def _words(body: WordsIn) -> Words:
    return Words(body.subject.strip(), body.text.strip(), body.html.strip())


def _whole(db: DbDep, name: str, language: str, write: Composer) -> MailWhole:
    with db.read() as session:
        mail = mail_queries.known(session, name, language)
        history = mail_queries.history(session, name, language)
    row = mail.saved.get(language)
    words = mail_queries.words_of(row, write.shipped(name, language))
    more = {
        "language": language,
        "seen": row.id or 0 if row else 0,
        "versions": [_version(one.row, one.by) for one in history],
    }
    return MailWhole.model_validate(_mail(mail) | more | words.parts())


def _mail(mail: mail_queries.Listed) -> dict[str, object]:
    return {
        "name": mail.template,
        "uses": [UseOut(to=str(one.to), when=str(one.when)) for one in mail.uses],
        "editable": mail.editable,
        "changed": mail.changed,
    }


def _version(row: MailTemplate, by: str) -> VersionOut:
    return VersionOut.model_validate({**row.model_dump(), "key": row.id, "by": by})


def _flaw(flaw: Flaw) -> FlawOut:
    return FlawOut(part=flaw.part, line=flaw.line, message=mail_service.in_words(flaw), warning=flaw.warning)
