"""What grantees and the fund do with a report. Each function is one use case in the caller's transaction."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from fund.base import access, moves
from fund.base.errors import Conflict
from fund.base.permissions import Viewer
from fund.base.subjects import lock
from fund.reporting.fields import check
from schema.reports import Report


def save_report(
    session: Session,
    viewer: Viewer,
    report: Report,
    fields: Mapping[str, str | int | None],
    edit_version: int,
) -> Report:
    """Save parts of the report, complete or not; parts that are not named stay as they are.

    ``fields`` maps the TEXTS of ``fund.reporting.fields`` to text, and its NUMBERS to whole numbers (``spent_minor`` in
    minor units of the report's currency) or None. ``edit_version`` is the one that was read. Raises Forbidden where
    the report cannot be changed now, Conflict where somebody saved a newer text, Invalid for what is too long or out
    of range.
    """
    lock(session, report)
    access.require_edit(session, report, viewer)
    if report.edit_version != edit_version:
        raise Conflict
    check(fields)
    changed = {name: value for name, value in fields.items() if getattr(report, name) != value}
    for name, value in changed.items():
        setattr(report, name, value)
    if changed:
        report.edit_version += 1
    session.add(report)
    session.flush()
    return report


def move(
    session: Session,
    viewer: Viewer,
    report: Report,
    trigger: str,
    version: int,
    now: datetime,
    reason: str | None = None,
    data: Mapping[str, Any] | None = None,
) -> Report:
    """Hand in, accept, return …: make one step of the report's workflow. The application follows by itself.

    Raises what ``fund.base.moves.fire`` raises.
    """
    moves.fire(session, report, trigger, viewer, version=version, now=now, reason=reason, data=data)
    return report
