"""The same move for many applications, in JSON."""

from collections.abc import Iterable
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from fund.base.errors import Invalid
from fund.pipeline import bulk
from fund.web.deps import DbDep, ManagerDep, NowDep
from fund.web.forms import LONGEST_TEXT
from fund.web.problems import responses

router = APIRouter(prefix="/api/v1", tags=["pipeline"])


class PickIn(BaseModel):
    """An application, and the version of it that the caller saw. For a dry run the version may be left out."""

    model_config = ConfigDict(extra="forbid")

    reference: str = Field(max_length=100)
    version: int | None = Field(default=None, ge=0, lt=2**31)


class BulkIn(BaseModel):
    """The move wanted, for whom, and whether each by itself or all or none."""

    model_config = ConfigDict(extra="forbid")

    trigger: str = Field(max_length=100)
    applications: list[PickIn] = Field(min_length=1, max_length=bulk.MOST)
    how: Literal["each", "all"] = "each"
    reason: str | None = Field(default=None, max_length=LONGEST_TEXT)
    dry_run: bool = False


class LineOut(BaseModel):
    """What became of one application, or would become in a dry run (``possible``).

    ``before``: the caller did this already, from the same version. ``left``: all or none was wanted, and others could
    not.
    """

    reference: str
    result: Literal["possible", "done", "before", "refused", "changed", "left"]
    reasons: list[str]
    version: int
    """Its version now: send it with the move."""


class BulkOut(BaseModel):
    """One line for each. ``mails`` and ``together`` in a dry run: how many mails of which template would go out if all
    that can are moved, and what stands against moving them together."""

    lines: list[LineOut]
    mails: dict[str, int] = Field(default_factory=dict)
    together: list[str] = Field(default_factory=list)


@router.post("/pipeline/moves", responses=responses(401, 403, 404, 422))
def move_many(body: BulkIn, viewer: ManagerDep, db: DbDep, now: NowDep) -> BulkOut:
    """Make a move for many applications, or try it out (``dry_run``). Sending it twice does nothing twice."""
    picks = [bulk.Pick(one.reference, one.version) for one in body.applications]
    if body.dry_run:
        found = bulk.preview(db, viewer, picks, body.trigger, now, body.reason)
        reasons = [str(reason) for reason in found.together]
        return BulkOut(lines=_lines(found.lines), mails=dict(found.mails), together=reasons)
    if any(pick.version is None for pick in picks):
        raise Invalid({"applications": "Send the version of each that you saw."})
    all_or_none = body.how == "all"
    return BulkOut(
        lines=_lines(
            bulk.run(db, viewer, picks, body.trigger, now, reason=body.reason, all_or_none=all_or_none)
        )
    )


def _lines(lines: Iterable[bulk.Line]) -> list[LineOut]:
    return [
        LineOut(
            reference=line.reference,
            result=line.result.value,
            reasons=[str(reason) for reason in line.reasons],
            version=line.version,
        )
        for line in lines
    ]
