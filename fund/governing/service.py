"""Accepting versions of workflows and changing rounds to them. Each use case works in the caller's unit of work.

``viewer`` is None where the command line acts; it stands in the ledger as the operator.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from fund.base import access, definitions, ledger, migrating, versions
from fund.base.errors import Conflict, Forbidden, Invalid, InvalidFiles, NotFound
from fund.base.fit import misfits
from fund.base.migrating import Places, Plan
from fund.base.permissions import Viewer
from fund.base.turns import take_turn
from fund.people.service import OPERATOR
from fund.rounds import queries as rounds
from fund.web.i18n import gettext as _
from fund.web.i18n import ngettext
from notifications.compose import template_names
from schema.applications import Application
from schema.people import Role
from schema.rounds import Round
from workflows import Definition, DefinitionError, Finding, Level
from workflows.check import check_text
from workflows.include import placed

LARGEST = 400_000
"""Bytes that a workflow's file may have. The longest that we ship has some forty thousand."""
MOST_FILES = 10
"""How many files come together at most. There are six kinds of workflow."""
FILE = "file"
"""The field that a file's errors stand beside."""


class Faulty(InvalidFiles):
    """Files that are no workflows which the fund could take.

    ``found`` holds by file what the checker found, warnings among it, and ``wrong`` what else is wrong with one. The
    only file is called "".
    """

    def __init__(
        self, found: Mapping[str, Sequence[Finding]], wrong: Mapping[str, str] | None = None
    ) -> None:
        self.found = found
        self.summaries = {file: _summary(findings) for file, findings in found.items()} | dict(wrong or {})
        said = {file: [text, *_errors(found.get(file, ()))] for file, text in self.summaries.items()}
        super().__init__(
            {file or FILE: " ".join([*([f"{file}:"] * bool(file)), *texts]) for file, texts in said.items()},
            {file or FILE: findings for file, findings in found.items()},
        )

    def by_file(self) -> list[tuple[str, str, "Examined"]]:
        """Each file by name, what is wrong with it in a sentence, and what the checker found."""
        return [
            (file, said, Examined(None, self.found.get(file, ()))) for file, said in self.summaries.items()
        ]


def _errors(findings: Sequence[Finding]) -> list[str]:
    return [str(one) for one in findings if one.level is Level.ERROR]


def _summary(findings: Sequence[Finding]) -> str:
    number = len(_errors(findings))
    return ngettext(
        "The file has an error, so nothing was stored.",
        "The file has %(num)s errors, so nothing was stored.",
        number,
    ) % {"num": number}


@dataclass(frozen=True)
class Examined:
    """A text that was looked at: its definition if it is one without errors, and everything that was found."""

    definition: Definition | None
    findings: Sequence[Finding]

    def of(self, level: str) -> list[Finding]:
        """The findings of one level: error or warning."""
        return [one for one in self.findings if one.level == level]


def text_of(data: bytes) -> str:
    """The text of a file. Raises Invalid for an empty one, one that is too large, and one that is no text."""
    if not data.strip():
        raise Invalid({FILE: _("Choose a file, or paste its text. What you sent is empty.")})
    if len(data) > LARGEST:
        large = _("The file has %(bytes)s bytes; a workflow may have %(most)s.")
        raise Invalid({FILE: large % {"bytes": f"{len(data):,}", "most": f"{LARGEST:,}"}})
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Invalid({FILE: _("This is no text file (UTF-8). A workflow's file ends in .toml.")}) from error
    if "\0" in text:
        raise Invalid({FILE: _("This is no text file (UTF-8). A workflow's file ends in .toml.")})
    return text


def examine(session: Session, text: str, beside: Sequence[Definition] = ()) -> Examined:
    """Look at a text with all that the fund knows: other workflows, its mails, what it can do. Writes nothing.

    ``beside`` are definitions that come together with it, of which it may speak.
    """
    family = versions.known(session) | {one.digest: one for one in beside}
    found = check_text(text, templates=template_names(), family=family)
    try:
        definition = Definition.parse(text)
    except DefinitionError:
        return Examined(None, found)
    found = sorted([*found, *placed(misfits(definition), text)])
    return Examined(None if any(one.level is Level.ERROR for one in found) else definition, found)


def examine_all(session: Session, files: Sequence[tuple[str, bytes]]) -> dict[str, Sequence[Finding]]:
    """What is wrong or doubtful in each of files (name, content) that may speak of each other. Writes nothing.

    Raises Invalid for too many and for the only one that holds no text, Faulty for several of which one holds none.
    """
    _few(files)
    if len(files) == 1:
        [(name, data)] = files
        return {name: examine(session, text_of(data)).findings}
    texts, wrong = _texts(_apart(files))
    if wrong:
        raise Faulty({}, wrong)
    beside = _readable_of(texts)
    return {file: examine(session, text, beside).findings for file, text in texts.items()}


def acceptable(session: Session, text: str, beside: Sequence[Definition] = ()) -> Definition:
    """The text as a definition that the fund could take as a new version. Writes nothing.

    Raises Faulty for one with errors, Invalid for one that is known already or no later than what is known.
    """
    examined = examine(session, text, beside)
    if examined.definition is None:
        raise Faulty({"": examined.findings})
    if problem := _no_later(session, examined.definition):
        raise Invalid({FILE: problem})
    return examined.definition


def accept(
    session: Session, viewer: Viewer | None, text: str, now: datetime, beside: Sequence[Definition] = ()
) -> Definition:
    """Take a text as a new version. Rounds planned from now on follow it; rounds under way keep theirs.

    Whoever comes while another gives a version waits, and sees it then. Raises Forbidden for others than managers, and
    what ``acceptable`` raises.
    """
    _begin(session, viewer)
    return _take(session, viewer, acceptable(session, text, beside), now)


def _begin(session: Session, viewer: Viewer | None) -> None:
    if viewer is not None:
        access.require_manager(viewer)
    take_turn(session, "versions of workflows")


def _take(session: Session, viewer: Viewer | None, definition: Definition, now: datetime) -> Definition:
    key = definitions.store(session, definition, now)
    ledger.append(
        session,
        chain=f"workflow:{definition.name}",
        actor=viewer,
        role=Role.MANAGER.value if viewer else OPERATOR,
        subject_kind="workflow",
        subject_id=key,
        action="accepted",
        now=now,
        data={"name": definition.name, "version": definition.version, "digest": definition.digest},
    )
    return definition


def accept_all(
    session: Session, viewer: Viewer | None, files: Sequence[tuple[str, bytes]], now: datetime
) -> list[Definition]:
    """Take files (name, content) that may speak of each other as new versions: all of them, or none.

    Raises Forbidden for others than managers; Faulty with all that is wrong with each file; Invalid where there are
    too many, or only one, and it is empty, too large, no text, or no later than what is known.
    """
    _begin(session, viewer)
    _few(files)
    if len(files) == 1:
        return [_take(session, viewer, acceptable(session, text_of(files[0][1])), now)]
    sound = _sound_together(session, _apart(files))
    return [_take(session, viewer, definition, now) for definition in sound]


def _few(files: Sequence[tuple[str, bytes]]) -> None:
    if len(files) > MOST_FILES:
        raise Invalid({FILE: _("Choose %(most)s files at most") % {"most": MOST_FILES}})


def _apart(files: Sequence[tuple[str, bytes]]) -> dict[str, bytes]:
    """The files by names that tell them apart."""
    found: dict[str, bytes] = {}
    for number, (name, data) in enumerate(files, start=1):
        called = name or f"file ({number})"
        while called in found:
            called += f" ({number})"
        found[called] = data
    return found


def _sound_together(session: Session, files: Mapping[str, bytes]) -> list[Definition]:
    """The definitions in files that come together. Raises Faulty with all that is wrong with each."""
    found: dict[str, Sequence[Finding]] = {}
    sound: dict[str, Definition] = {}
    texts, wrong = _texts(files)
    beside = _readable_of(texts)
    for file, text in texts.items():
        try:
            sound[file] = acceptable(session, text, beside)
        except Faulty as faulty:
            found[file] = faulty.found[""]
        except Invalid as invalid:
            wrong[file] = invalid.message
    wrong |= {file: _("Another of the files holds a version of this workflow.") for file in _twins(sound)}
    if found or wrong:
        raise Faulty(found, wrong)
    return list(sound.values())


def _texts(files: Mapping[str, bytes]) -> tuple[dict[str, str], dict[str, str]]:
    """The texts of files, and what is wrong with those that hold none."""
    texts: dict[str, str] = {}
    wrong: dict[str, str] = {}
    for file, data in files.items():
        try:
            texts[file] = text_of(data)
        except Invalid as invalid:
            wrong[file] = invalid.message
    return texts, wrong


def _readable_of(texts: Mapping[str, str]) -> list[Definition]:
    """The definitions in texts that are some, for the others to speak of."""
    return [one for text in texts.values() if (one := _readable(text))]


def _twins(sound: Mapping[str, Definition]) -> list[str]:
    """Files whose workflow another file before them has already."""
    names = [one.name for one in sound.values()]
    return [file for number, file in enumerate(sound) if names[number] in names[:number]]


def _readable(text: str) -> Definition | None:
    """The definition in a text, whatever the checker says of it; None where there is none."""
    try:
        return Definition.parse(text)
    except DefinitionError:
        return None


def _no_later(session: Session, definition: Definition) -> str:
    """Why the definition cannot come after those that are known, or nothing."""
    everything = versions.known(session)
    if definition.digest in everything:
        same = _("The fund has this very file already: version %(version)s of “%(name)s”.")
        return same % {"version": definition.version, "name": definition.name}
    before = [one for one in everything.values() if one.name == definition.name]
    if not before:
        return ""
    latest = max(before, key=lambda one: one.version)
    if latest.subject != definition.subject:
        other = _("“%(name)s” moves the subject %(subject)s. Give the new workflow a name of its own.")
        return other % {"name": latest.name, "subject": latest.subject}
    if definition.version <= latest.version:
        lower = _(
            "The fund has version %(latest)s of “%(name)s”. Raise the file's version above it; it says %(version)s."
        )
        return lower % {"latest": latest.version, "name": latest.name, "version": definition.version}
    return ""


def preview(
    session: Session,
    viewer: Viewer | None,
    slug: str,
    wanted: Sequence[Definition],
    places: Places,
    now: datetime,
) -> Plan:
    """What would become of everything in the round under the wanted definitions. Writes nothing.

    Raises NotFound; Forbidden for others than managers who run the round, and for one who acts for a member that
    applies in it; what ``fund.base.migrating.plan`` raises.
    """
    return migrating.plan(session, _round(session, viewer, slug), wanted, places, now)


def change(
    session: Session,
    viewer: Viewer | None,
    slug: str,
    wanted: Sequence[Definition],
    places: Places,
    *,
    fingerprint: str | None,
    now: datetime,
) -> Plan:
    """Change the round to the wanted definitions, with everything that is under way in it, or nothing at all.

    ``fingerprint`` is that of the preview that the viewer saw; None where there was none. Raises Conflict where the
    plan is not the same any more, and what ``preview`` raises.
    """
    round_ = _round(session, viewer, slug)
    migrating.lock(session, round_)
    made = migrating.plan(session, round_, wanted, places, now)
    if fingerprint is not None and fingerprint != made.fingerprint:
        raise Conflict(
            _("Something in the round has changed since you looked. Nothing was done; look at it again.")
        )
    migrating.carry_out(session, made, viewer, Role.MANAGER.value if viewer else OPERATOR)
    return made


def chosen(session: Session, wanted: Mapping[str, str]) -> list[Definition]:
    """The definitions of these keys, by kind of thing. Raises Invalid beside a kind for which it is none."""
    found, wrong = [], {}
    for kind, key in wanted.items():
        try:
            definition = versions.find(session, key)
        except NotFound as error:
            wrong[kind] = error.message
            continue
        if definition.subject != kind:
            other = _("“%(name)s” is a workflow for the subject %(subject)s.")
            wrong[kind] = other % {"name": definition.name, "subject": definition.subject}
        found.append(definition)
    if wrong:
        raise Invalid(wrong)
    return found


def _round(session: Session, viewer: Viewer | None, slug: str) -> Round:
    if viewer is None:
        found = session.exec(select(Round).where(Round.slug == slug)).first()
        if found is None:
            raise NotFound(f"There is no round “{slug[:100]}”.")
        return found
    round_ = rounds.run_by(session, viewer, slug)
    own = select(Application.id).where(
        Application.round_id == round_.id, col(Application.member_id).in_(viewer.member_ids)
    )
    if viewer.member_ids and session.exec(own.limit(1)).first():
        raise Forbidden(
            _("You belong to a member that applies in this round, so others change its workflow.")
        )
    return round_
