"""Whether the words of a mail can be used: what may not stand in them, and how they come out with many messages."""

import re
import traceback
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

from jinja2 import Template, UndefinedError

from notifications.compose import Composer, Said, values
from notifications.mime import clean
from notifications.truth import SHOWS_NEXT, Truth, invent
from notifications.wording import FRAMES, Flaw, Words, misuses, written
from schema.wording import gettext_noop as _n

FIXED = frozenset({"digest", "newsletter", "weekly_overview"})
"""Mails that are put together from other things; a manager edits those."""
DATED = frozenset({"colleague", "deadline_moved", "escalation", "overdue", "reminder"})
"""Mails about the deadline that they come with."""
TAGS = frozenset(
    {
        "a", "abbr", "b", "bdi", "blockquote", "body", "br", "code", "dd", "div", "dl", "dt", "em", "h1", "h2", "h3",
        "head", "hr", "html", "i", "li", "meta", "ol", "p", "small", "span", "strong", "table", "tbody", "td", "th",
        "thead", "title", "tr", "u", "ul",
    }
)  # fmt: skip
ATTRIBUTES = frozenset(
    {
        "charset",
        "class",
        "colspan",
        "content",
        "dir",
        "href",
        "lang",
        "name",
        "role",
        "rowspan",
        "style",
        "title",
    }
)
"""What mails are made of: nothing that runs, and nothing that is fetched."""
FETCHES = re.compile(r"url\s*\(|@import|expression\s*\(|javascript:|data:|\\", re.IGNORECASE)
UNCLOSED = re.compile(r"<[^<>]*(?:<|\Z)")
"""A tag that does not end: read differently everywhere, and very slowly where there are many."""
SCHEMES = ("https://", "http://", "mailto:", "#")


def examples(template: str, now: datetime) -> list[Truth]:
    """Invented messages: first one as it usually is, then others that tell nothing or come on another day."""
    due = {
        "id": 1, "label": "Hand in the report", "due_at": now + timedelta(days=9), "zone": "Europe/Brussels",
        "generation": 1, "opened_at": now, "owner_role": "applicant",
    }  # fmt: skip
    own = {"template": template, "kind": "notice", "payload": {}, "path": "/applications/PIF-0000", "mail_id": "x",
           "address": "ana@example.org", "zone": "America/Bogota"}  # fmt: skip
    whole, answer = own | FULL, due | {"due_at": now + timedelta(days=16), "owner_role": "manager"}
    days = [{"due_at": now + timedelta(days=count)} for count in (1, 0, -3)]
    usual = (invent(whole, due, answer), invent(whole, None, answer))
    return [
        *(usual if template in DATED or template in SHOWS_NEXT else reversed(usual)),
        invent(own, due),
        invent(own, None),
        invent(own | {"zone": "UTC", "name": "<b>Ana</b> & Co"}, due | {"zone": "UTC"}),
        *(invent(whole, due | day) for day in days),
    ]


FULL: dict[str, Any] = {
    "name": "Ana Example", "email": "ana@example.org", "reference": "PIF-0000", "title": "Safe routes to school",
    "member": "City of Example", "round": "Example round", "reviewer": "Rita Reviewer", "report_kind": "final",
    "amount_minor": 1_200_000, "currency": "USD", "starts_on": date(2022, 1, 1), "ends_on": date(2022, 9, 30),
    "decision_on": date(2021, 12, 15),
    "payload": {"reason": "First line of the reason.\nSecond line.", "what": "Hand in the report", "code": "123456",
                "minutes": 15, "role": "reviewer", "before": "2021-09-30",
                "week": "2021-09-27T07:00:00Z"},
}  # fmt: skip


def known_names(composer: Composer, template: str, now: datetime) -> dict[str, str]:
    """What the mail can tell, by the name under which words say it, as it is in an invented message."""
    told, _due = composer.told(examples(template, now)[0], now)
    shown = told.shown(text=False)
    return {name: str(value) for name, value in shown.items() if isinstance(value, str | bool)}


def check(
    composer: Composer, template: str, language: str, words: Words, truths: Sequence[Truth], now: datetime
) -> list[Flaw]:
    """Everything that is wrong or doubtful with the words, in ``language``; tried with ``truths`` and invented ones.

    Raises LookupError where there is no such mail.
    """
    found = [
        Flaw(part, _n("Write this part too: the mail goes out as text and as HTML"))
        for part, text in words.parts().items()
        if not text.strip()
    ]
    found += misused(composer, template, language, words, now)
    return found or _tried(composer, template, language, words, truths, now)


def misused(composer: Composer, template: str, language: str, words: Words, now: datetime) -> list[Flaw]:
    """What stands in the words that may not. No mail is written with such words: it might never be done.

    Raises LookupError where there is no such mail.
    """
    names = frozenset(known_names(composer, template, now)) | {"due"}
    sandbox = composer.sandbox(language)
    known = {part: names | ({"subject"} if part == "html" else set()) for part in words.parts()}
    return [
        flaw for part, text in words.parts().items() for flaw in misuses(part, text, sandbox, known[part])
    ]


def _tried(
    composer: Composer, template: str, language: str, words: Words, truths: Sequence[Truth], now: datetime
) -> list[Flaw]:
    """How the words come out with each message that the shipped words can tell of; each flaw once."""
    try:
        templates = composer.sandbox(language).compiled(words)
    except Exception as error:  # nested deeper than can be compiled
        return [Flaw("text", _n("This cannot be read: %(why)s"), values={"why": str(error)})]
    found: dict[tuple[str, str, int], Flaw] = {}
    for truth in [*examples(template, now), *truths]:
        usual = _usual(composer, truth, language, now)
        for flaw in _one(composer, usual, templates) if usual else ():
            found.setdefault((flaw.part, flaw.said, flaw.line), flaw)
    return sorted(found.values(), key=lambda flaw: (flaw.warning, flaw.part, flaw.line))


def _usual(composer: Composer, truth: Truth, language: str, now: datetime) -> Said | None:
    """The mail in the shipped words; None where they cannot tell of such a message either: there is never one."""
    try:
        return composer.usual(truth, *composer.told(truth, now, language))
    except UndefinedError:
        return None


def _one(composer: Composer, usual: Said, templates: Mapping[str, Template]) -> list[Flaw]:
    """What is wrong with the mail of one message, next to the same in the shipped words."""
    came: dict[str, str] = {}
    for part, template in templates.items():
        try:
            came[part] = written(template, values(usual.told, usual.due, part, came.get("subject", "")))
        except Exception as error:
            return [Flaw(part, _n("This cannot be written: %(why)s"), _line(error), {"why": str(error)})]
    if open_tag := UNCLOSED.search(came["html"]):
        return [_strange(open_tag[0][:20])]
    return [
        *_subject(came["subject"]),
        *_bodies(composer, usual, came),
        *_markup(came["html"], usual),
        *_alike(came),
    ]


def _line(error: Exception) -> int:
    """The line of the words in which it happened; 0 where that is not known."""
    frames = traceback.extract_tb(error.__traceback__)
    return next(
        (one.lineno or 0 for one in reversed(frames) if one.filename in ("<template>", "<unknown>")), 0
    )


def _subject(line: str) -> Iterator[Flaw]:
    if not clean(line):
        yield Flaw("subject", _n("The subject line is empty with some messages"))
    elif len(line.strip().splitlines()) > 1:
        yield Flaw("subject", _n("The subject is one line"))
    elif len(line.strip()) > 200:
        yield Flaw("subject", _n("The subject line comes out longer than people read"), warning=True)


def _bodies(composer: Composer, usual: Said, came: dict[str, str]) -> Iterator[Flaw]:
    """What every mail has to say: the link, the code where there is one, when it is due, and where it comes from."""
    told = usual.told
    for part in FRAMES:
        said = _read(came[part]) if part == "html" else came[part]
        if told.values["link"] not in (came[part] if part == "text" else _links(came[part])):
            yield Flaw(part, _n("The link is missing: {{ link }}, or the frame that holds it"))
        code = told.values["code"]
        if code and code in usual.text and code not in said:
            yield Flaw(part, _n("The code is missing: {{ code }}"))
        if composer.settings.demo and "emonstration" in usual.text and "emonstration" not in said:
            yield Flaw(part, _n("A demonstration has to say that it is one"))
        if usual.due and usual.due.here.day in usual.text and usual.due.here.day not in said:
            yield Flaw(part, _n("It does not say by when it is due"), warning=True)
        if composer.settings.fund_name not in said:
            yield Flaw(part, _n("It does not name the fund"), warning=True)


def _markup(html: str, usual: Said) -> Iterator[Flaw]:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    yield from map(_strange, reader.strange)
    if usual.told.values["link"] in reader.links and not reader.links[usual.told.values["link"]].strip():
        yield Flaw("html", _n("The link has no words: fill the block link_label"))


def _strange(what: str) -> Flaw:
    return Flaw("html", _n("“%(what)s” may not stand in a mail"), values={"what": what})


def _alike(came: dict[str, str]) -> Iterator[Flaw]:
    """Sentences of the text that the HTML does not have."""
    shown = _read(came["html"])
    for line in came["text"].splitlines():
        bare = " ".join(line.split()).removesuffix(":").strip("\u2068\u2069 ")
        if len(bare) > 3 and "://" not in bare and bare not in shown:
            said = _n("The text says this, the HTML does not: %(what)s")
            yield Flaw("html", said, values={"what": bare[:100]}, warning=True)
            return


class _Reader(HTMLParser):
    """Reads HTML as a mail program does: its words, its links, and what may not stand in it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self.links: dict[str, str] = {}
        self.strange: list[str] = []
        self._into = ""
        self._quiet = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at a tag and what it carries."""
        given = {name: value or "" for name, value in attrs}
        if tag not in TAGS or (tag == "meta" and "http-equiv" in given):
            self.strange.append(f"<{tag}>")
        for name, value in given.items():
            scheme = name != "href" or value.lower().strip().startswith(SCHEMES)
            if name not in ATTRIBUTES or not scheme or (name == "style" and FETCHES.search(value)):
                self.strange.append(f"{name}=")
        if tag == "a":
            self._into = given.get("href", "")
            self.links.setdefault(self._into, "")
        self._quiet = tag == "title"
        if tag in ("br", "td", "p", "div", "li", "tr", "blockquote"):
            self.words.append(" ")

    def handle_comment(self, data: str) -> None:
        """Not every program sees the end of a comment at the same place, and some read what stands in it."""
        self.strange.append("<!--")

    def handle_decl(self, decl: str) -> None:
        """Nothing is declared but that it is HTML."""
        if decl.lower() != "doctype html":
            self.strange.append("<!")

    def unknown_decl(self, data: str) -> None:
        """Read as a comment by some."""
        self.strange.append("<![")

    def handle_pi(self, data: str) -> None:
        """The same."""
        self.strange.append("<?")

    def handle_endtag(self, tag: str) -> None:
        """Words after a link are not the link's."""
        self._into = "" if tag == "a" else self._into
        self._quiet = self._quiet and tag != "title"

    def handle_data(self, data: str) -> None:
        """Words that people read."""
        if not self._quiet:
            self.words.append(data)
        if self._into:
            self.links[self._into] += data


def _read(html: str) -> str:
    """The words of an HTML mail, in one line."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return " ".join("".join(reader.words).split())


def _links(html: str) -> set[str]:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return set(reader.links)
