"""What is sent about workflows: a file, and which versions a round is to change to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.datastructures import FormData, QueryParams, UploadFile
from starlette.requests import Request

from fund.base.migrating import Change, Places
from fund.base.subjects import KINDS
from fund.web.forms import Form
from workflows.compare import successors

MAP = "map"
"""How the names of fields begin that say which state takes a vanished one's place: ``map-application-screening``."""
READ_AT_MOST = 50
"""Files that are read from one form; how many may be given is said where they are taken."""


@dataclass(frozen=True)
class Sent:
    """Workflows as they were sent: files by name, or a text in their place, which has none."""

    files: Sequence[tuple[str, bytes]]


async def sent(request: Request) -> Sent:
    """What was sent as a form: files, if there are any, stand for themselves; else the text."""
    async with request.form(max_files=READ_AT_MOST, max_fields=10) as data:
        return await _sent(data)


async def _sent(data: FormData) -> Sent:
    files = [one for one in data.getlist("file") if isinstance(one, UploadFile) and one.filename]
    if files:
        return Sent([(_plain(one.filename or ""), await one.read()) for one in files])
    text = data.get("text")
    return Sent([("", (text if isinstance(text, str) else "").encode("utf-8", "replace"))])


def _plain(name: str) -> str:
    """A file's name without signs that nobody sees, such as those that turn the words around them."""
    return "".join(sign for sign in name if sign.isprintable())


def shown_again(sent: Sent) -> Form:
    """The form with what was sent as text, so that it can be corrected in place; empty where it is none or several."""
    text = sent.files[0][1].decode("utf-8", "replace") if len(sent.files) == 1 else ""
    return Form({"text": [text if "\0" not in text and "\ufffd" not in text else ""]})


@dataclass(frozen=True)
class Asked:
    """What a round is asked to change to: by kind of thing the key of a version, and places for vanished states."""

    wanted: Mapping[str, str]
    places: Places


def of_query(query: QueryParams) -> Form:
    """The form as it stands in an address."""
    return Form({name: query.getlist(name) for name in query})


def asked(form: Form) -> Asked:
    """What the form asks for."""
    wanted = {kind: form.value(kind) for kind in KINDS if form.value(kind)}
    places: dict[str, dict[str, str]] = {}
    for name in form.typed:
        start, _, rest = name.partition("-")
        kind, _, state = rest.partition("-")
        if start == MAP and kind in wanted and form.value(name):
            places.setdefault(kind, {})[state] = form.value(name)
    return Asked(wanted, places)


def field(kind: str, state: str) -> str:
    """The name of the field that says which state takes the place of a vanished one."""
    return f"{MAP}-{kind}-{state}"


def suggest(form: Form, change: Change) -> None:
    """Fill in the places that can only be meant, where nothing was said yet."""
    for state, place in successors(change.old, change.new).items():
        form.typed.setdefault(field(change.kind, state), [place])
