"""Saving the words of mails: checked, as versions, on record."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from fund.base import access, ledger
from fund.base.database import Database
from fund.base.errors import Conflict, Invalid, MoveRefused
from fund.base.permissions import Viewer
from fund.base.turns import take_turn
from fund.governing import mail_queries
from fund.web.i18n import available
from fund.web.i18n import gettext as _
from notifications.checking import check
from notifications.compose import Composer
from notifications.wording import Flaw, Words
from schema.mails import MailTemplate
from schema.people import Role

LONGEST_NOTE = 500


class Faulty(Invalid):
    """Words that no mail can be written with. ``flaws`` say why, by part and line; the doubtful are among them."""

    def __init__(self, flaws: Sequence[Flaw]) -> None:
        self.flaws = flaws
        wrong = [flaw for flaw in flaws if not flaw.warning]
        super().__init__(
            {
                part: " ".join(in_words(flaw) for flaw in wrong if flaw.part == part)
                for part in {f.part for f in wrong}
            }
        )


def in_words(flaw: Flaw) -> str:
    """A flaw for people, with its line where it has one."""
    said = _(flaw.said) % flaw.values if flaw.values else _(flaw.said)
    sentence = said if said.endswith(".") else f"{said}."
    return _("Line %(line)s: %(what)s") % {"line": flaw.line, "what": sentence} if flaw.line else sentence


def examine(
    session: Session,
    viewer: Viewer,
    composer: Composer,
    template: str,
    language: str,
    words: Words,
    now: datetime,
) -> list[Flaw]:
    """What is wrong or doubtful with the words, tried with recent messages and invented ones. Writes nothing.

    Raises NotFound, MoveRefused for a mail whose words are put together from other things, Invalid for a language
    that the fund does not speak.
    """
    if not mail_queries.mail(session, template).editable:
        raise MoveRefused([_("This mail is put together from other things. Change those.")])
    if language not in available():
        raise Invalid({"language": _("The fund does not speak this language")})
    truths = mail_queries.recent(session, viewer, template, now)
    return check(composer, template, language, words, truths, now)


def save(
    database: Database,
    viewer: Viewer,
    composer: Composer,
    template: str,
    language: str,
    words: Words,
    note: str,
    *,
    seen: int,
    now: datetime,
) -> MailTemplate:
    """Let the mail go out with these words from now on, and keep why. The same words again change nothing.

    They are tried on many messages first, which takes its time: nobody else's writing waits for that.
    ``seen`` is the key of the version that was newest when they were written; 0 for none. Raises Forbidden for others
    than managers, Conflict where somebody saved another version since, Faulty for what is wrong with the words, Invalid
    for a note that is too long, and what ``examine`` raises.
    """
    access.require_manager(viewer)
    with database.read() as session:
        newest = _newest(session, template, language, seen)
        if (
            newest is not None
            and mail_queries.words_of(newest, composer.shipped(template, language)) == words
        ):
            return newest
        flaws = examine(session, viewer, composer, template, language, words, now)
    if any(not flaw.warning for flaw in flaws):
        raise Faulty(flaws)
    line = _checked(note)
    with database.write() as session:
        _turn(session)
        _newest(session, template, language, seen)
        return _record(session, viewer, template, language, words, line, now)


def reset(
    session: Session, viewer: Viewer, template: str, language: str, note: str, *, seen: int, now: datetime
) -> MailTemplate | None:
    """Let the mail go out with the shipped words again; what was saved is kept. None where they hold already.

    Raises Forbidden, NotFound, Conflict, and Invalid for a note that is too long.
    """
    access.require_manager(viewer)
    mail_queries.mail(session, template)
    _turn(session)
    newest = _newest(session, template, language, seen)
    if newest is None or newest.shipped:
        return newest
    return _record(session, viewer, template, language, None, _checked(note), now)


def go_back(
    database: Database,
    viewer: Viewer,
    composer: Composer,
    template: str,
    key: int,
    *,
    seen: int,
    now: datetime,
) -> MailTemplate | None:
    """Save the words of an earlier version again, checked anew. Raises what ``save`` and ``reset`` raise."""
    with database.read() as session:
        row = mail_queries.version(session, template, key)[0].row
    note = _("Back to the version of %(day)s") % {"day": row.saved_at.date().isoformat()}
    if row.shipped:
        with database.write() as session:
            return reset(session, viewer, template, row.language, note, seen=seen, now=now)
    words = mail_queries.words_of(row, composer.shipped(template, row.language))
    return save(database, viewer, composer, template, row.language, words, note, seen=seen, now=now)


def _turn(session: Session) -> None:
    """One saves at a time, so that keys rise in the order in which they hold."""
    take_turn(session, "words of mails")


def _newest(session: Session, template: str, language: str, seen: int) -> MailTemplate | None:
    """The newest version. Raises Conflict where it is not the one that was seen."""
    found = mail_queries.history(session, template, language)
    newest = found[0].row if found else None
    if (newest.id if newest else 0) != seen:
        raise Conflict(
            _("Somebody saved other words of this mail since you began. Look at them, then save yours.")
        )
    return newest


def _checked(note: str) -> str:
    line = " ".join(note.split())
    if len(line) > LONGEST_NOTE:
        raise Invalid({"note": _("Shorten this to %(limit)s characters") % {"limit": LONGEST_NOTE}})
    return line


def _record(
    session: Session,
    viewer: Viewer,
    template: str,
    language: str,
    words: Words | None,
    note: str,
    now: datetime,
) -> MailTemplate:
    """A new version with these words, or with the shipped ones where there are None."""
    said = words or Words("", "", "")
    row = MailTemplate(
        template=template, language=language, subject=said.subject, text=said.text, html=said.html,
        shipped=words is None, saved_at=now, saved_by_id=viewer.person_id or 0, note=note,
    )  # fmt: skip
    session.add(row)
    session.flush()
    ledger.append(
        session,
        chain=f"mail_template:{template}",
        actor=viewer,
        role=Role.MANAGER.value,
        subject_kind="mail_template",
        subject_id=row.id or 0,
        action="mail_words_reset" if words is None else "mail_words_saved",
        now=now,
        data={"template": template, "language": language},
        note=note,
    )
    return row
