"""Words of mails as managers write them: what may stand in them, and writing a mail with them.

What is allowed is listed; all else is refused before it is saved. There are no loops, no sums and no functions in
it, so a mail is never longer than its words with what is put in, and always done at once. It is written in a sandbox
all the same.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from gettext import NullTranslations
from pathlib import Path
from typing import Any

from jinja2 import (
    BaseLoader,
    Environment,
    FileSystemLoader,
    StrictUndefined,
    Template,
    TemplateNotFound,
    nodes,
)
from jinja2 import TemplateSyntaxError as Unreadable
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from schema.wording import gettext_noop as _n

PARTS = {"subject.txt": "subject", "body.txt": "text", "body.html": "html"}
"""The files of a mail, and what their words are called."""
LONGEST = {"subject": 500, "text": 10_000, "html": 20_000}
"""Signs that each part may have as it is written."""
LARGEST = 60_000
"""Signs that a part of a mail may have once it is written out."""
FRAMES = {"text": "_base/body.txt", "html": "_base/body.html"}
"""What each part may be set into: greeting, what is due, the link and the fund's name stand there."""
MACROS = {"subject": "_base/parts.txt", "text": "_base/parts.txt", "html": "_base/parts.html"}
CALLS = {"left", "moment", "quote"}
GETTEXT = {"_", "gettext", "ngettext"}
FILTERS = ("capitalize", "default", "indent", "lines", "lower", "trim", "upper")
WORDED = ("default", "trim")
"""Filters to which words may be given. Indented by words, a text doubles with each line break in them."""
MOST_FILTERS = 4
"""One after the other: each may make a text longer."""
MOST_PLACES = 20
"""Places for values in one text to be translated."""
FRAMED = ("escape", "e", "indent", "lines")
"""What the frames need besides."""
IN_DUE = {"label", "days", "here", "there", "utc"}
IN_WHEN = {"day", "time", "place"}
PLAIN = re.compile(r"(?:[^%]|%%|%\(\w+\)s)*")
"""A text to be translated: values are put in as they are, and cannot be padded to any length."""


TRANS = re.compile(
    r"{%-?\s*trans\s*(?P<how>(?:trimmed)?)\s*-?%}(?P<text>(?:(?!{%).)*){%-?\s*endtrans\s*-?%}", re.DOTALL
)
VALUE = re.compile(r"{{\s*(\w+)\s*}}")
PLACE = re.compile(r"%\((\w+)\)s")
_DEEP = _n("This is nested too deeply to be read")


@dataclass(frozen=True, slots=True)
class Words:
    """What a mail says, as it is written: subject line, text, and HTML of equal worth."""

    subject: str
    text: str
    html: str

    def parts(self) -> dict[str, str]:
        """The words of each part, by its name."""
        return {"subject": self.subject, "text": self.text, "html": self.html}


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something wrong (or, as a ``warning``, doubtful) in a part. ``said`` is English with places for ``values``."""

    part: str
    said: str
    line: int = 0
    """From 1; 0 where it concerns the whole part."""
    values: Mapping[str, str] = field(default_factory=dict)
    warning: bool = False


class TooLong(ValueError):
    """A part of a mail came out longer than ``LARGEST``."""

    def __init__(self) -> None:
        super().__init__(f"it comes out longer than {LARGEST} signs")


def shipped(template: str, folder: Path) -> Words:
    """The words that come with the product. Raises LookupError where there is no such mail."""
    try:
        return Words(*((folder / template / name).read_text("utf-8").strip() for name in PARTS))
    except FileNotFoundError:
        raise LookupError(f"there is no template {template}") from None


def plain(words: Words, translate: NullTranslations) -> Words:
    """The words in one language, as somebody would write them who knows of no other: nothing is left to translate.

    What is said in one way of one thing and in another of many stays as it is.
    """

    def said(found: re.Match[str]) -> str:
        text = " ".join(found["text"].split()) if "trimmed" in found["how"] else found["text"]
        told = translate.gettext(VALUE.sub(r"%(\1)s", text.replace("%", "%%")))
        return PLACE.sub(r"{{ \1 }}", told).replace("%%", "%")

    return Words(*(TRANS.sub(said, text) for text in words.parts().values()))


def lines(value: Any) -> Markup:
    """Text with its line breaks, for HTML."""
    return Markup("<br>\n").join(escape(line) for line in str(value).splitlines())


class Sandbox:
    """Turns words into templates of one language. ``folder`` holds the frames, which are ours."""

    def __init__(self, folder: Path, translate: NullTranslations, direction: str) -> None:
        """``direction`` is in which the language is written, ``ltr`` or ``rtl``."""
        self._of = {html: _environment(folder, translate, direction, html) for html in (False, True)}

    def compiled(self, words: Words) -> dict[str, Template]:
        """A template for each part. Raises jinja2.TemplateSyntaxError."""
        return {part: self._of[part == "html"].from_string(text) for part, text in words.parts().items()}

    def parsed(self, part: str, text: str) -> nodes.Template:
        """The tree of a part. Raises jinja2.TemplateSyntaxError."""
        return self._of[part == "html"].parse(text)


def written(template: Template, values: Mapping[str, Any]) -> str:
    """The template with the values. Raises TooLong, or a jinja2 error."""
    pieces, length = [], 0
    for piece in template.generate(**values):
        length += len(piece)
        if length > LARGEST:
            raise TooLong
        pieces.append(piece)
    return "".join(pieces)


class _Frames(BaseLoader):
    """Finds the frames and nothing else."""

    def __init__(self, folder: Path) -> None:
        self._files = FileSystemLoader(folder)

    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str, Callable[[], bool] | None]:
        """The text of a frame."""
        if template not in {*FRAMES.values(), *MACROS.values()}:
            raise TemplateNotFound(template)
        return self._files.get_source(environment, template)


def _environment(folder: Path, translate: NullTranslations, direction: str, html: bool) -> Environment:
    environment = ImmutableSandboxedEnvironment(
        loader=_Frames(folder),
        autoescape=html,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        lstrip_blocks=True,
        auto_reload=False,
    )
    alias = environment.globals["_"]
    environment.globals.clear()
    environment.globals.update({"_": alias, "direction": direction})
    environment.install_gettext_translations(translate, newstyle=True)  # type: ignore[attr-defined]
    known = {name: environment.filters[name] for name in (*FILTERS, *FRAMED) if name != "lines"}
    environment.filters.clear()
    environment.filters.update(known, lines=lines)
    return environment


def misuses(part: str, text: str, sandbox: Sandbox, names: frozenset[str]) -> Iterator[Flaw]:
    """What stands in a part that may not, by its line. ``names`` are the values that a mail can tell."""
    if len(text) > LONGEST[part]:
        yield Flaw(part, _n("Shorten this to %(limit)s characters"), values={"limit": str(LONGEST[part])})
        return
    try:
        tree = sandbox.parsed(part, text)
    except Unreadable as error:
        yield Flaw(part, _n("This cannot be read: %(why)s"), error.lineno, {"why": error.message or ""})
    except RecursionError:
        yield Flaw(part, _DEEP)
    except ValueError as error:  # a number of thousands of digits
        yield Flaw(part, _n("This cannot be read: %(why)s"), values={"why": str(error)})
    else:
        yield from _misused(part, tree, names)


def _misused(part: str, tree: nodes.Template, names: frozenset[str]) -> list[Flaw]:
    """The first flaw of each line."""
    found: dict[int, Flaw] = {}
    try:
        for flaw in _Grammar(part, names).flaws(tree):
            found.setdefault(flaw.line, flaw)
    except RecursionError:
        return [Flaw(part, _DEEP)]
    return sorted(found.values(), key=lambda flaw: flaw.line)


_OUTSIDE = _n(
    "This stands outside of the blocks, so nobody would read it: write it between %(start)s and %(end)s"
)


class _Grammar:
    """What may stand in one part."""

    FREE = (
        nodes.Output, nodes.TemplateData, nodes.Const, nodes.If, nodes.CondExpr, nodes.Compare, nodes.Operand,
        nodes.And, nodes.Or, nodes.Not, nodes.Keyword, nodes.Block,
    )  # fmt: skip

    def __init__(self, part: str, names: frozenset[str]) -> None:
        self.part, self.names = part, names
        self.macros: set[str] = set()

    def flaws(self, tree: nodes.Template) -> Iterator[Flaw]:
        """Everything that may not stand there."""
        self.macros = {one.target for one in tree.find_all(nodes.Import)}
        if self.part in FRAMES and any(isinstance(one, nodes.Extends) for one in tree.body):
            yield from self._outside(tree)
        line = 1
        for node in tree.find_all(nodes.Node):
            line = node.lineno = node.lineno or line  # what the compiler puts aside has none
            if not isinstance(node, self.FREE):
                yield from self._flaws_of(node)

    def _outside(self, tree: nodes.Template) -> Iterator[Flaw]:
        """What a frame does not take in."""
        for node in tree.body:
            for piece in node.nodes if isinstance(node, nodes.Output) else ():
                if not isinstance(piece, nodes.TemplateData) or piece.data.strip():
                    yield self._flaw(piece, _OUTSIDE, start="{% block says %}", end="{% endblock %}")

    def _flaws_of(self, node: nodes.Node) -> Iterator[Flaw]:
        looks = getattr(self, f"_{type(node).__name__.lower()}", None)
        if looks is None:
            yield self._flaw(node, _n("“%(what)s” cannot be used in a mail"), what=_called(node))
        else:
            yield from looks(node)

    def _flaw(self, node: nodes.Node, said: str, **values: str) -> Flaw:
        return Flaw(self.part, said, node.lineno, values)

    def _name(self, node: nodes.Name) -> Iterator[Flaw]:
        # What the compiler itself puts aside while it translates.
        known = self.names | self.macros | GETTEXT | {"_trans"}
        if node.name not in known:
            yield self._flaw(
                node, _n("“%(what)s” is not known. See the list of what a mail can tell."), what=node.name
            )

    def _assign(self, node: nodes.Assign) -> Iterator[Flaw]:
        ours = isinstance(node.target, nodes.Name) and node.target.name == "_trans"
        # A text put into itself again and again would grow without end.
        if not ours or "_trans" in _names(node.node):
            yield self._flaw(node, _n("“%(what)s” cannot be used in a mail"), what="set")

    def _getattr(self, node: nodes.Getattr) -> Iterator[Flaw]:
        match node.node:
            case nodes.Name(name="due"):
                known = node.attr in IN_DUE
            case nodes.Getattr(node=nodes.Name(name="due"), attr="here" | "there" | "utc"):
                known = node.attr in IN_WHEN
            case nodes.Name(name=name):
                known = name in self.macros and node.attr in CALLS
            case _:
                known = False
        if not known:
            yield self._flaw(
                node,
                _n("“%(what)s” is not known. See the list of what a mail can tell."),
                what=f".{node.attr}",
            )

    def _call(self, node: nodes.Call) -> Iterator[Flaw]:
        plain = node.dyn_args is None and node.dyn_kwargs is None
        match node.node:
            case nodes.Name(name=name) if name in GETTEXT and plain:
                count = 2 if name == "ngettext" else 1
                texts, given = node.args[:count], [*node.args[count:], *node.kwargs]
                fine = bool(texts) and all(_said(one) for one in texts)
                fine = fine and not any(_calls(one) for one in given)
            case nodes.Getattr(node=nodes.Name(name=name)):
                nested = [call.node for one in (*node.args, *node.kwargs) for call in _calls(one)]
                fine = plain and name in self.macros and all(isinstance(one, nodes.Name) for one in nested)
            case _:
                fine = False
        if not fine:
            yield self._flaw(node, _n("“%(what)s” cannot be used in a mail"), what="( )")

    def _filter(self, node: nodes.Filter) -> Iterator[Flaw]:
        given = [*node.args, *(one.value for one in node.kwargs)]
        simple = all(isinstance(one, nodes.Const) and _small(one.value, node.name) for one in given)
        simple = simple and _in_a_row(node) <= MOST_FILTERS
        if node.name not in FILTERS or not simple or node.node is None or node.dyn_args or node.dyn_kwargs:
            yield self._flaw(node, _n("“%(what)s” cannot be used in a mail"), what=f"|{node.name}")

    def _extends(self, node: nodes.Extends) -> Iterator[Flaw]:
        wanted = FRAMES.get(self.part, "")
        if not (isinstance(node.template, nodes.Const) and node.template.value == wanted):
            yield self._flaw(node, _n("“%(what)s” cannot be used in a mail"), what="extends")

    def _import(self, node: nodes.Import) -> Iterator[Flaw]:
        ours = isinstance(node.template, nodes.Const) and node.template.value == MACROS[self.part]
        if not ours or node.target in self.names | GETTEXT:
            yield self._flaw(node, _n("“%(what)s” cannot be used in a mail"), what="import")


def _small(value: object, filter_: str) -> bool:
    if isinstance(value, str):
        return filter_ in WORDED
    return not isinstance(value, int | float) or 0 <= value <= 20


def _in_a_row(node: nodes.Filter) -> int:
    """How many filters stand one after the other, the last of them ``node``."""
    count, before = 1, node.node
    while isinstance(before, nodes.Filter):
        count, before = count + 1, before.node
    return count


def _said(node: nodes.Node) -> bool:
    """Whether it is a text to be translated, with few places for values."""
    if not (isinstance(node, nodes.Const) and isinstance(node.value, str)):
        return False
    return bool(PLAIN.fullmatch(node.value)) and len(PLACE.findall(node.value)) <= MOST_PLACES


def _calls(node: nodes.Node) -> list[nodes.Call]:
    return [*([node] if isinstance(node, nodes.Call) else ()), *node.find_all(nodes.Call)]


def _names(node: nodes.Node) -> set[str]:
    found = [*([node] if isinstance(node, nodes.Name) else ()), *node.find_all(nodes.Name)]
    return {one.name for one in found}


def _called(node: nodes.Node) -> str:
    """What its writer calls it."""
    name = type(node).__name__
    signs = {
        "Add": "+",
        "Sub": "-",
        "Mul": "*",
        "Div": "/",
        "FloorDiv": "//",
        "Mod": "%",
        "Pow": "**",
        "Concat": "~",
    }
    words = {"AssignBlock": "set", "FromImport": "from", "CallBlock": "call", "FilterBlock": "filter", "Getitem": "[ ]",
             "Test": "is"}  # fmt: skip
    return signs.get(name) or words.get(name) or name.lower()
