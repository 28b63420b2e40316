"""Saving the words of mails: checked, as versions, on record. Each use case works in the caller's unit of work."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from fund.base import access, ledger
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
    session: Session,
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

    ``seen`` is the key of the version that was newest when they were written; 0 for none. Raises Forbidden for others
    than managers, Conflict where somebody saved another version since, Faulty for what is wrong with the words, Invalid
    for a note that is too long, and what ``examine`` raises.
    """
    access.require_manager(viewer)
    newest = _newest(session, template, language, seen)
    if mail_queries.words_of(newest, composer.shipped(template, language)) == words and newest is not None:
        return newest
    flaws = examine(session, viewer, composer, template, language, words, now)
    if any(not flaw.warning for flaw in flaws):
        raise Faulty(flaws)
    row = MailTemplate(
        template=template, language=language, subject=words.subject, text=words.text, html=words.html,
        saved_at=now, saved_by_id=viewer.person_id or 0, note=_checked(note),
    )  # fmt: skip
    return _record(session, viewer, row, "mail_words_saved", now)


def reset(
    session: Session, viewer: Viewer, template: str, language: str, note: str, *, seen: int, now: datetime
) -> MailTemplate | None:
    """Let the mail go out with the shipped words again; what was saved is kept. None where they hold already.

    Raises Forbidden, NotFound, Conflict, and Invalid for a note that is too long.
    """
    access.require_manager(viewer)
    mail_queries.mail(session, template)
    newest = _newest(session, template, language, seen)
    if newest is None or newest.shipped:
        return newest
    row = MailTemplate(
        template=template, language=language, subject="", text="", html="", shipped=True,
        saved_at=now, saved_by_id=viewer.person_id or 0, note=_checked(note),
    )  # fmt: skip
    return _record(session, viewer, row, "mail_words_reset", now)


def go_back(
    session: Session, viewer: Viewer, composer: Composer, template: str, key: int, *, seen: int, now: datetime
) -> MailTemplate | None:
    """Save the words of an earlier version again, checked anew. Raises what ``save`` and ``reset`` raise."""
    found, _before = mail_queries.version(session, template, key)
    note = _("Back to the version of %(day)s") % {"day": found.row.saved_at.date().isoformat()}
    if found.row.shipped:
        return reset(session, viewer, template, found.row.language, note, seen=seen, now=now)
    words = mail_queries.words_of(found.row, composer.shipped(template, found.row.language))
    return save(session, viewer, composer, template, found.row.language, words, note, seen=seen, now=now)


def _newest(session: Session, template: str, language: str, seen: int) -> MailTemplate | None:
    """The newest version, once nobody else is saving one: so that keys rise in the order in which they hold."""
    take_turn(session, "words of mails")
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


def _record(session: Session, viewer: Viewer, row: MailTemplate, action: str, now: datetime) -> MailTemplate:
    session.add(row)
    session.flush()
    ledger.append(
        session,
        chain=f"mail_template:{row.template}",
        actor=viewer,
        role=Role.MANAGER.value,
        subject_kind="mail_template",
        subject_id=row.id or 0,
        action=action,
        now=now,
        data={"template": row.template, "language": row.language},
        note=row.note,
    )
    return row
