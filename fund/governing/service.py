"""Accepting versions of workflows and changing rounds to them. Each use case works in the caller's unit of work.

``viewer`` is None where the command line acts; it stands in the ledger as the operator.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar

from sqlmodel import Session, col, select

from fund.base import access, definitions, ledger, migrating, versions
from fund.base.errors import Conflict, Forbidden, Invalid, NotFound
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

T = TypeVar("T")
LARGEST = 400_000
"""Bytes that a workflow's file may have. The longest that we ship has some forty thousand."""
FILE = "file"
"""The field that a file's errors stand beside."""


class Faulty(Invalid):
    """A file that is no workflow which the fund could carry out. ``findings`` say why, warnings among them."""

    def __init__(self, findings: Sequence[Finding], file: str = "") -> None:
        self.findings = findings
        errors = [str(one) for one in findings if one.level is Level.ERROR]
        counted = ngettext(
            "The file has an error, so nothing was stored.",
            "The file has %(num)s errors, so nothing was stored.",
            len(errors),
        )
        self.summary = (f"{file}: " if file else "") + counted % {"num": len(errors)}
        super().__init__({FILE: " ".join([self.summary, *errors])})


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


def acceptable(session: Session, text: str, beside: Sequence[Definition] = ()) -> Definition:
    """The text as a definition that the fund could take as a new version. Writes nothing.

    Raises Faulty for one with errors, Invalid for one that is known already or no later than what is known.
    """
    examined = examine(session, text, beside)
    if examined.definition is None:
        raise Faulty(examined.findings)
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
    if viewer is not None:
        access.require_manager(viewer)
    take_turn(session, "versions of workflows")
    definition = acceptable(session, text, beside)
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

    Raises what ``text_of`` and ``accept`` raise; where there are several files, the one that is meant is named.
    """
    texts = [(name, _naming(name if len(files) > 1 else "", partial(text_of, data))) for name, data in files]
    beside = [one for _name, text in texts if (one := _readable(text))]
    return [
        _naming(name if len(files) > 1 else "", partial(accept, session, viewer, text, now, beside))
        for name, text in texts
    ]


def _readable(text: str) -> Definition | None:
    """The definition in a text, whatever the checker says of it; None where there is none."""
    try:
        return Definition.parse(text)
    except DefinitionError:
        return None


def _naming(file: str, act: Callable[[], T]) -> T:
    """What ``act`` answers; what it refuses is told with the name of the file, if there is one to tell."""
    try:
        return act()
    except Faulty as faulty:
        raise Faulty(faulty.findings, file) from faulty
    except Invalid as invalid:
        raise Invalid({FILE: f"{file}: {invalid.message}" if file else invalid.message}) from invalid


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

    Raises NotFound; Forbidden for others than managers, and for a manager who acts for a member that applies in it;
    what ``fund.base.migrating.plan`` raises.
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
    round_ = rounds.round_by_slug(session, viewer, slug)
    access.require_manager(viewer)
    own = select(Application.id).where(
        Application.round_id == round_.id, col(Application.member_id).in_(viewer.member_ids)
    )
    if viewer.member_ids and session.exec(own.limit(1)).first():
        raise Forbidden(
            _("You belong to a member that applies in this round, so others change its workflow.")
        )
    return round_
