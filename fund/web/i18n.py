"""Languages: which one a request speaks, gettext in it, and the command that collects all texts.

``python -m fund.web.i18n extract`` writes ``fund/web/locale/fund.pot`` from every template, Python file and
workflow definition. A translation is ``locale/<language>/LC_MESSAGES/fund.po``; nothing has to be compiled.
"""

import io
import sys
import tomllib
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from gettext import NullTranslations
from pathlib import Path
from typing import IO, Any

from babel import Locale
from babel.messages import extract as babel_extract
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from babel.support import Translations
from markupsafe import Markup

from fund.base.definitions import WORDS

SOURCE = "en"
"""The language that all texts are written in."""
HERE = Path(__file__).parent
SHIPPED = HERE / "locale"
FORMATS = {"en": "en_GB"}
"""Which country's way of writing dates and numbers stands for a language without one."""


@dataclass
class Speech:
    """The language of one request. One object for the whole request, whichever thread works on it."""

    language: str = SOURCE
    folder: Path = field(default=SHIPPED)


_speech: ContextVar[Speech] = ContextVar("speech")


def speech() -> Speech:
    """The language of the request being answered, or English outside of one."""
    return _speech.get(None) or Speech()


def begin(languages: str, folder: Path = SHIPPED) -> Speech:
    """Start a request with the ``Accept-Language`` header ``languages``; the viewer's choice may follow."""
    spoken = Speech(negotiate(languages, available(folder)), folder)
    _speech.set(spoken)
    return spoken


def prefer(locale: str) -> None:
    """Speak ``locale`` for the rest of the request, if there is a catalogue for it."""
    spoken = speech()
    language = locale.replace("_", "-").split("-")[0].lower()
    if language in available(spoken.folder):
        spoken.language = language


@cache
def available(folder: Path = SHIPPED) -> tuple[str, ...]:
    """The languages that can be spoken: English and every one with a catalogue in ``folder``."""
    return (SOURCE, *sorted(path.parent.parent.name for path in folder.glob("*/LC_MESSAGES/fund.po")))


def negotiate(header: str, languages: tuple[str, ...]) -> str:
    """The best of ``languages`` for an ``Accept-Language`` header (RFC 9110, 12.5.4); else English."""
    wanted: list[tuple[float, int, str]] = []
    for place, part in enumerate(header.split(",")[:20]):
        tag, _, quality = part.strip().partition(";q=")
        wanted.append((-_quality(quality), place, tag.split("-")[0].strip().lower()))
    for weight, _place, language in sorted(wanted):
        if weight < 0 and language in languages:
            return language
    return SOURCE


def _quality(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0


class FromWorkflows(NullTranslations):
    """What the files of workflows say in a language (their ``[translations]``), else the text itself."""

    def __init__(self, language: str) -> None:
        super().__init__()
        self.language = language

    def gettext(self, message: str) -> str:
        """The translation that stands beside the text in its file."""
        return WORDS.get(self.language, {}).get(message, message)


@cache
def catalogue(language: str, folder: Path = SHIPPED) -> NullTranslations:
    """The translations into ``language``, then those in files of workflows; where one is missing, the text itself."""
    path = folder / language / "LC_MESSAGES" / "fund.po"
    if not path.is_file():
        return FromWorkflows(language)
    compiled = io.BytesIO()
    with path.open("rb") as source:
        write_mo(compiled, read_po(source, locale=language))
    compiled.seek(0)
    translations = Translations(compiled, domain="fund")
    translations.add_fallback(FromWorkflows(language))
    return translations


def gettext(message: str) -> str:
    """``message`` in the language of the request being answered."""
    spoken = speech()
    return catalogue(spoken.language, spoken.folder).gettext(message) if message else ""


def ngettext(one: str, many: str, count: int) -> str:
    """``one`` or ``many``, by ``count``, in the language of the request being answered."""
    spoken = speech()
    return catalogue(spoken.language, spoken.folder).ngettext(one, many, count)


@dataclass(frozen=True)
class Lazy:
    """A text that is translated when it is shown, so that it can be named once at import."""

    message: str

    def __str__(self) -> str:
        return gettext(self.message)

    def __html__(self) -> str:
        return str(Markup.escape(str(self)))


def lazy(message: str) -> Lazy:
    """Mark ``message`` for translation now and translate it when it is shown."""
    return Lazy(message)


def direction(language: str | None = None) -> str:
    """``ltr`` or ``rtl``: the direction in which ``language`` is written."""
    return str(Locale.parse(language or speech().language).text_direction)


def formats() -> str:
    """The locale by which dates and numbers are written in the language being spoken."""
    language = speech().language
    return FORMATS.get(language, language)


def extract_workflow(
    fileobj: IO[bytes], keywords: object, comment_tags: object, options: object
) -> Iterator[tuple[int, str, str, list[str]]]:
    """Babel extractor: every sentence of a workflow definition that people read."""
    shown = {"label", "applicant_label", "help", "confirm", "otherwise", "reason_label"}

    def sentences(value: Any) -> Iterator[str]:
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(item, dict | list):
                yield from sentences(item)
            elif key in shown and item:
                yield item

    for sentence in sentences(tomllib.loads(fileobj.read().decode())):
        yield 1, "gettext", sentence, []


SOURCES = (
    ("fund", "**.py", "python"),
    ("fund", "**/templates/**.html", "jinja2.ext:babel_extract"),
    ("notifications", "**.py", "python"),
    ("notifications", "**/templates/**.*", "jinja2.ext:babel_extract"),
    ("schema", "**.py", "python"),
    ("workflows", "**.py", "python"),
    ("workflows", "library/**.toml", "fund.web.i18n:extract_workflow"),
)
KEYWORDS = {
    "_": None,
    "_n": None,
    "gettext": None,
    "ngettext": (1, 2),
    "lazy": None,
    "Reason": None,
    "counted": (1, 2),
}


def extract(root: Path) -> Catalog:
    """Every text that people read in the project at ``root``, with where it stands."""
    texts = Catalog(project="fund", charset="utf-8")
    for package, pattern, method in SOURCES:
        found: Iterable[Any] = babel_extract.extract_from_dir(
            root / package,
            method_map=[(pattern, method)],
            options_map={pattern: {"encoding": "utf-8", "newstyle_gettext": "true"}},
            keywords=KEYWORDS,
        )
        for name, line, message, comments, context in found:
            texts.add(message, None, [(f"{package}/{name}", line)], auto_comments=comments, context=context)
    return texts


def main(arguments: list[str]) -> int:
    """``extract``: write ``fund.pot`` beside the translations and say how many texts it holds."""
    if arguments != ["extract"]:
        sys.stderr.write("usage: python -m fund.web.i18n extract\n")
        return 2
    texts = extract(HERE.parent.parent)
    SHIPPED.mkdir(parents=True, exist_ok=True)
    with (SHIPPED / "fund.pot").open("wb") as target:
        write_po(target, texts, width=100, omit_header=False, sort_by_file=True)
    sys.stdout.write(f"{len(texts)} texts in {SHIPPED / 'fund.pot'}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
