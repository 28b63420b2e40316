"""Problem documents (RFC 9457) and pages of lists, as the JSON API speaks them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse

from fund.base.errors import FundError, Invalid, InvalidFiles, MoveRefused, NotSignedIn, TooMany

T = TypeVar("T")
PREFIX = "/api/"
MEDIA = "application/problem+json"


class Found(BaseModel):
    """One thing that is wrong or doubtful in a file, at a line from 1 (0 where it concerns the whole file)."""

    level: str
    line: int
    where: str
    message: str


class Problem(BaseModel):
    """What the API answers when it refuses (RFC 9457). ``errors`` by field; ``reasons`` why a move is closed.

    ``findings``, by file, is what was found in files that were sent.
    """

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    instance: str = ""
    errors: dict[str, str] | None = None
    reasons: list[str] | None = None
    findings: dict[str, list[Found]] | None = None
    reference: str | None = None


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For ``responses=`` of a route: that it answers these statuses with a problem document."""
    schema = {"application/problem+json": {"schema": Problem.model_json_schema()}}
    return {status: {"description": "Problem", "content": schema} for status in statuses}


def wanted(request: Request) -> bool:
    """Whether an error of ``request`` is answered as a problem document."""
    return request.url.path.startswith(PREFIX)


def of_error(request: Request, error: FundError, extra: Mapping[str, Any] | None = None) -> JSONResponse:
    """``error`` as a problem document."""
    problem = Problem(
        title=error.title,
        status=error.status,
        detail=error.message,
        instance=request.url.path,
        errors=_sendable(error.fields) if isinstance(error, Invalid) else None,
        reasons=list(error.reasons) if isinstance(error, MoveRefused) else None,
        findings=_found(error.findings) if isinstance(error, InvalidFiles) else None,
        **(extra or {}),
    )
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, NotSignedIn):
        headers["WWW-Authenticate"] = 'Bearer realm="fund"'
    if isinstance(error, TooMany):
        headers["Retry-After"] = str(error.retry_after)
    return JSONResponse(problem.model_dump(exclude_none=True), error.status, headers, MEDIA)


def _found(findings: Mapping[str, Sequence[Any]]) -> dict[str, list[Found]]:
    return {
        file: [Found(level=one.level, line=one.line, where=one.where, message=one.message) for one in found]
        for file, found in _sendable(findings).items()
    }


def _sendable(fields: Mapping[str, T]) -> dict[str, T]:
    """The same under names that can be written: a name that was sent may hold half a character."""
    return {name.encode(errors="replace").decode(): text for name, text in fields.items()}


def bearer_token(request: Request) -> str | None:
    """The token of an ``Authorization: Bearer`` header, or None. With one, cookies are not looked at."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


class Listing(BaseModel, Generic[T]):
    """One page of a list in the API."""

    items: list[T]
    total: int
    page: int
    pages: int


@dataclass(frozen=True)
class Paging:
    """Which page of a list is wanted; pages count from 1."""

    page: int = 1
    size: int = 50

    @property
    def offset(self) -> int:
        """How many rows come before this page."""
        return (self.page - 1) * self.size

    def pages(self, total: int) -> int:
        """How many pages ``total`` rows fill; at least one."""
        return max(1, -(-total // self.size))

    def listing(self, items: Sequence[T], total: int) -> Listing[T]:
        """``items``, the rows of this page, out of ``total``."""
        return Listing[T](items=list(items), total=total, page=self.page, pages=self.pages(total))


def paging(size: int = 50) -> Callable[[int], Paging]:
    """A dependency that reads ``?page=``: ``Annotated[Paging, Depends(paging(25))]``."""

    def read(page: int = Query(1, ge=1, le=100_000)) -> Paging:
        return Paging(page, size)

    return read
