"""A message becomes a mail: in its reader's language and zone, true at the moment it goes out.

One folder of ``templates`` for each mail: ``subject.txt``, ``body.txt``, ``body.html``. A name that a template
misspells is an error, not an empty place.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.utils import format_datetime
from functools import cache
from gettext import NullTranslations
from pathlib import Path
from typing import Any

from babel import Locale, UnknownLocaleError
from jinja2 import (
    Environment,
    FileSystemLoader,
    StrictUndefined,
    Template,
    TemplateNotFound,
    select_autoescape,
)
from markupsafe import escape
from sqlmodel import Session

from notifications import mime
from notifications.calendar import Entry, Publisher, calendar_file, deadline_key, method_of, sequence
from notifications.edited import Edited, Failure, Saved, in_words
from notifications.telling import Due, Item, Named, Telling, due_as_told, telling
from notifications.translated import OneLanguage, Translated
from notifications.truth import Truth, look_up_all
from notifications.wording import Sandbox, Words, lines, plain, shipped, written

TEMPLATES = Path(__file__).parent / "templates"
PARTS = ("subject.txt", "body.txt", "body.html")
ILLUSTRATIVE = "Demonstration: amounts, dates, people and texts are illustrative."
FORMATS = {"en": "en_GB"}
"""Which country's way of writing dates and numbers stands for a language without one."""

Catalogue = Callable[[str], NullTranslations]
"""The translations into a language; those of English leave every text as it is."""


def template_names(templates: Path = TEMPLATES) -> frozenset[str]:
    """Every mail that there is a folder for."""
    return frozenset(path.parent.name for path in templates.glob("*/subject.txt"))


@dataclass(frozen=True, slots=True)
class MailSettings:
    """What all mails say of the fund. ``address`` is where links begin, without a slash at the end."""

    fund_name: str
    network_name: str
    address: str
    mail_from: str
    contact: str
    demo: bool = False

    @property
    def domain(self) -> str:
        """The domain of Message-IDs and calendar entries."""
        return mime.ascii_domain(self.mail_from).rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail ready to be handed over, and its parts as people read them."""

    recipient: str
    subject: str
    text: str
    html: str
    data: bytes = field(repr=False)
    failure: Failure | None = None
    """Why it says the shipped words, where a manager had saved others."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a mail says: its parts, what they were written with, and why not with the words of a manager."""

    subject: str
    text: str
    html: str
    told: Telling
    due: Due | None
    failure: Failure | None = None


class Composer:
    """Writes mails. Safe to share between threads; templates are compiled once for each language."""

    def __init__(
        self,
        settings: MailSettings,
        catalogue: Catalogue = lambda language: NullTranslations(),
        templates: Path = TEMPLATES,
    ) -> None:
        self.settings = settings
        self._catalogue = catalogue
        self._templates = templates
        self._environment = cache(self._make_environment)
        self.sandbox = cache(self._make_sandbox)
        """Where words are written that people saved, by language."""
        self._edited = Edited(self.sandbox)

    def names(self) -> frozenset[str]:
        """Every mail that there is a folder for."""
        return template_names(self._templates)

    def compose(self, session: Session, message_id: int, now: datetime) -> Mail:
        """The mail of a stored message as it would go out at ``now``."""
        return self.write(self.look_up(session, message_id), now)

    def look_up(self, session: Session, message_id: int) -> Truth:
        """All of the database that ``write`` needs. Raises NoResultFound where there is no such message."""
        (truth,) = self.look_up_all(session, [message_id])
        return truth

    def look_up_all(self, session: Session, ids: Sequence[int]) -> list[Truth]:
        """The same for several messages, in their order."""
        found = look_up_all(session, ids)
        for truth in found:
            self._edited.refresh(session, truth.facts.newest_words)
        return found

    def shipped(self, template: str, language: str = "en") -> Words:
        """The words that come with the product, in one language. Raises LookupError where there is no such mail."""
        return plain(shipped(template, self._templates), self._catalogue(language))

    def write(self, truth: Truth, now: datetime) -> Mail:
        """The mail that tells ``truth``. Raises BadAddress, LookupError, or a jinja2 error for a wrong template."""
        said = self.say(truth, now)
        address = mime.ascii_domain(truth.facts.email or truth.facts.address)
        file = self._calendar(truth, said.told, said.due, now)
        headers = self._headers(truth, address, said.subject, said.told, now)
        data = mime.write(headers, said.text, said.html, truth.facts.mail_id, file)
        return Mail(address, said.subject, _kept(said.text, said.told), said.html, data, said.failure)

    def say(self, truth: Truth, now: datetime, words: Words | None = None, language: str = "") -> Said:
        """What the mail of ``truth`` says: in the words that hold, or only in ``words``; in its reader's language.

        Where the words that a manager saved cannot be used, the shipped ones are. Raises a jinja2 error for ``words``
        that cannot be used, and LookupError where there is no such mail.
        """
        told, due = self.told(truth, now, language)
        if words is not None:
            return Said(*_with(self.sandbox(told.language).compiled(words), told, due), told, due)
        saved = self._edited.get(truth.facts.template, told.language)
        failure = saved if isinstance(saved, Failure) else None
        if isinstance(saved, Saved):
            try:
                return Said(*_with(saved.parts, told, due), told, due)
            except Exception as error:  # people wrote it: the mail goes out all the same
                failure = Failure(saved.id, in_words(error))
        return replace(self.usual(truth, told, due), failure=failure)

    def usual(self, truth: Truth, told: Telling, due: Due | None) -> Said:
        """What the mail says in the shipped words. Raises LookupError where there is no such mail."""
        subject = mime.clean(self._render(truth, "subject.txt", told, due))
        text = _tidy(self._render(truth, "body.txt", told, due))
        html = _tidy(self._render(truth, "body.html", told, due, subject))
        return Said(subject, text, html, told, due)

    def told(self, truth: Truth, now: datetime, language: str = "") -> tuple[Telling, Due | None]:
        """What the mail may tell, and the deadline that it shows; in its reader's language unless one is given."""
        locale = _locale(language or truth.facts.locale or "en")
        translate = self._catalogue(locale.language)
        told = telling(truth, self.settings, locale, translate)
        if truth.parts:
            items = tuple(self._item(part, locale, translate, now) for part in truth.parts)
            weeks = [(part.facts.payload or {}).get("week") for part in truth.parts]
            told = replace(told, items=items, week=mime.clean(str(next(filter(None, weeks), ""))))
        return told, due_as_told(truth, truth.deadline, locale, translate, now)

    def _item(self, part: Truth, locale: Locale, translate: NullTranslations, now: datetime) -> Item:
        """What a mail in a digest would have said: its subject line, the words that came with it, when, and where."""
        due = due_as_told(part, part.deadline, locale, translate, now)
        told = telling(part, self.settings, locale, translate)
        return Item(Named(self._line(part, told, due)), told.reason, due, told.values["link"], told.counts)

    def _line(self, truth: Truth, told: Telling, due: Due | None) -> str:
        """The subject line alone."""
        saved = self._edited.get(truth.facts.template, told.language)
        if isinstance(saved, Saved):
            with suppress(Exception):  # people wrote it: the shipped words stand in its place
                return mime.clean(written(saved.parts["subject"], values(told, due, "subject")))
        return mime.clean(self._render(truth, "subject.txt", told, due))

    def _render(self, truth: Truth, part: str, told: Telling, due: Due | None, subject: str = "") -> str:
        name = f"{truth.facts.template}/{part}"
        try:
            template = self._environment(told.language).get_template(name)
        except TemplateNotFound as error:
            raise LookupError(f"there is no template {error.name}") from None
        return template.render(told.shown(text=part == "body.txt"), due=due, subject=subject)

    def _make_environment(self, language: str) -> Environment:
        environment = OneLanguage(
            loader=FileSystemLoader(self._templates),
            autoescape=select_autoescape(("html",), default=False),
            auto_reload=False,
            undefined=StrictUndefined,
            extensions=[Translated],
            lstrip_blocks=True,
        )
        Translated.into(environment, self._catalogue(language))
        environment.filters["lines"] = lines
        environment.globals["direction"] = _locale(language).text_direction
        return environment

    def _make_sandbox(self, language: str) -> Sandbox:
        return Sandbox(self._templates, self._catalogue(language), _locale(language).text_direction)

    def _headers(
        self, truth: Truth, address: str, subject: str, told: Telling, now: datetime
    ) -> list[tuple[str, str]]:
        settings, facts = self.settings, truth.facts
        headers = [
            ("From", mime.address_header(settings.fund_name, settings.mail_from)),
            ("To", mime.address_header(facts.name or "", address)),
            ("Reply-To", mime.address_header("", settings.contact)),
            ("Subject", mime.text_header(subject)),
            ("Date", format_datetime(now)),
            ("Message-ID", f"<{facts.mail_id}>"),
            ("Auto-Submitted", "auto-generated"),
            ("Content-Language", told.language),
        ]
        if told.stop:
            # RFC 8058: the mail program may post to it without anybody being signed in.
            headers += [
                ("List-Unsubscribe", f"<{told.stop}>"),
                ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
            ]
        if facts.reference:
            # Nobody ever gets the first mail of the thread: it only holds the others together.
            thread = f"<application-{mime.clean(facts.reference)}@{settings.domain}>"
            headers += [("In-Reply-To", thread), ("References", thread)]
        return headers

    def _calendar(
        self, truth: Truth, told: Telling, due: Due | None, now: datetime
    ) -> mime.Attachment | None:
        """The entry of what is due, or what takes away that of what is over; neither for what lies behind.

        Of a digest what takes away, and the days that were moved: an old day in a calendar would be taken for true.
        """
        if truth.facts.calendar_files is False:
            return None
        entries = list(self._entries(truth, told, due, now))
        for part in truth.parts:
            said, its_due = self.told(part, now, told.language)
            entries += self._entries(part, said, its_due if _moved(part) else None, now)
        if not entries:
            return None
        settings = self.settings
        publisher = Publisher(settings.fund_name, settings.domain, settings.contact, told.language)
        file = calendar_file(entries[0], publisher, now, *entries[1:])
        content_type = f"text/calendar; charset=utf-8; method={method_of(entries)}"
        return mime.Attachment("deadline.ics", content_type, file)

    def _entries(self, truth: Truth, told: Telling, due: Due | None, now: datetime) -> Iterator[Entry]:
        if due is not None and due.due_at > now:
            yield self._entry(told, due, over=False)
        locale, translate = _locale(told.language), self._catalogue(told.language)
        for one in truth.over:
            shown = due_as_told(truth, one, locale, translate, now)
            if shown is not None and shown.due_at > now:
                yield self._entry(told, shown, over=True)

    def _entry(self, told: Telling, shown: Due, over: bool) -> Entry:
        """A deadline in the calendar of its reader."""
        said, translate = told.values, self._catalogue(told.language)
        fund = translate.gettext("%(fund)s, a fund of %(network)s") % said
        demo = translate.gettext(ILLUSTRATIVE) if self.settings.demo else ""
        whole = translate.gettext("%(what)s: %(title)s") if said["title"] else "%(what)s"
        return Entry(
            key=deadline_key(shown.deadline_id),
            sequence=sequence(shown.generation, over=over),
            when=shown.due_at,
            changed_at=shown.changed_at,
            summary=mime.clean(whole % {"what": shown.label, "title": said["title"]}),
            description="\n".join(line for line in (fund, said["link"], demo) if line),
            url=said["link"],
            cancelled=over,
        )


def _moved(truth: Truth) -> bool:
    """Whether it tells that a deadline has another day."""
    return bool(truth.facts.template == "deadline_moved")


def _kept(text: str, told: Telling) -> str:
    """A mail as it stays on record: without the key in its link, by which others could choose for its reader."""
    return text.replace(told.stop, f"{told.site}/unsubscribe/…") if told.stop else text


@cache
def _locale(name: str) -> Locale:
    try:
        return Locale.parse(FORMATS.get(name, name).replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return Locale.parse(FORMATS["en"])


def _tidy(text: str) -> str:
    """At most one empty line in a row, and none at either end."""
    lines: list[str] = []
    for line in text.strip().splitlines():
        bare = "" if not line.strip() else line
        if bare or (lines and lines[-1]):
            lines.append(bare)
    return "\n".join(lines) + "\n"


class Unsound(ValueError):
    """The words of a manager came out as no mail that may go: without a subject line, or without the link."""


def values(told: Telling, due: Due | None, part: str, subject: str = "") -> dict[str, Any]:
    """What the words of a part are written with."""
    return told.shown(text=part == "text") | {"due": due, "subject": subject}


def _with(parts: Mapping[str, Template], told: Telling, due: Due | None) -> tuple[str, str, str]:
    """Subject line, text and HTML by these templates. Raises Unsound, TooLong, or a jinja2 error."""
    subject = mime.clean(written(parts["subject"], values(told, due, "subject")))
    text = _tidy(written(parts["text"], values(told, due, "text")))
    html = _tidy(written(parts["html"], values(told, due, "html", subject)))
    link = told.values["link"]
    if not subject or link not in text or escape(link) not in html:
        raise Unsound("the subject line or the link is missing")
    return subject, text, html
