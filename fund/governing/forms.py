"""What is sent about workflows: a file, and which versions a round is to change to."""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.datastructures import FormData, QueryParams, UploadFile

from fund.base.migrating import Change, Places
from fund.base.subjects import KINDS
from fund.web.forms import Form
from workflows.compare import successors

MAP = "map"
"""How the names of fields begin that say which state takes a vanished one's place: ``map-application-screening``."""
ROOM_BESIDE_THE_FILE = 10


@dataclass(frozen=True)
class Sent:
    """A workflow as it was sent: a file, or text in its place."""

    data: bytes
    form: Form


async def sent(data: FormData) -> Sent:
    """What was sent. A file, if there is one, stands for itself; else the text."""
    file, text = data.get("file"), data.get("text")
    typed = text if isinstance(text, str) else ""
    if isinstance(file, UploadFile) and file.filename:
        return Sent(await file.read(), Form({}))
    return Sent(typed.encode("utf-8", "replace"), Form({"text": [typed]}))


def shown_again(sent: Sent) -> Form:
    """The form with what was sent as text, so that it can be corrected in place; empty where it is none."""
    text = sent.data.decode("utf-8", "replace")
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
