"""Everything that can be wrong, with its meaning for each door.

FundError                   500  exit 1
├── NotSignedIn             401  exit 3   sign in first
├── Forbidden               403  exit 3   you may see it, but not do this
├── NotFound                404  exit 4   it does not exist, or not for you
├── Conflict                409  exit 5   somebody else was faster; look again
├── MoveRefused             409  exit 5   the workflow does not allow this now; ``reasons`` say why
├── TooLarge                413  exit 2   more than the fund takes in at once
├── Invalid                 422  exit 2   something typed is missing or wrong; ``fields`` say what
│   └── InvalidFiles        422  exit 2   the same of files that were sent; ``findings`` say more
├── TooMany                 429  exit 6   too often; ``retry_after`` seconds
└── Misconfigured           500  exit 2   a setting is wrong
"""

from collections.abc import Mapping, Sequence
from typing import Any

from schema.wording import gettext_noop as _n

NOTHING_HERE = _n("There is nothing at this address, or it is not open to you.")
CHANGED_SINCE = _n("Somebody else changed this after you opened it. Look at it again, then decide.")


class FundError(Exception):
    """The root of the fund's own errors. ``message`` is a sentence for a person that says what to do."""

    status = 500
    exit_code = 1
    title = _n("Something went wrong")

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotSignedIn(FundError):
    """Nobody is signed in where somebody has to be."""

    status, exit_code, title = 401, 3, _n("Sign in first")

    def __init__(self, message: str = _n("Sign in to see this page.")) -> None:
        super().__init__(message)


class Forbidden(FundError):
    """The person may know that it exists but may not do this."""

    status, exit_code, title = 403, 3, _n("You may not do this")


class NotFound(FundError):
    """It does not exist, or this person may not know that it does: both look the same."""

    status, exit_code, title = 404, 4, _n("Not found")

    def __init__(self, message: str = NOTHING_HERE) -> None:
        super().__init__(message)


class Conflict(FundError):
    """Somebody else changed it after it was read."""

    status, exit_code, title = 409, 5, _n("Changed by somebody else")

    def __init__(self, message: str = CHANGED_SINCE) -> None:
        super().__init__(message)


class MoveRefused(FundError):
    """The workflow does not allow the move now. ``reasons`` say why, each a sentence that can be acted on."""

    status, exit_code, title = 409, 5, _n("Not possible now")

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = tuple(reasons)


class TooLarge(FundError):
    """More was sent than the fund takes in at once."""

    status, exit_code, title = 413, 2, _n("Too large")


class Invalid(FundError):
    """Something typed is missing or wrong. ``fields`` maps a field's name to what is wrong and what to do."""

    status, exit_code, title = 422, 2, _n("There is a problem")

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(" ".join(fields.values()))
        self.fields = dict(fields)


class InvalidFiles(Invalid):
    """Files that were sent cannot be used. ``findings`` says more, by the field that ``fields`` names."""

    def __init__(self, fields: Mapping[str, str], findings: Mapping[str, Sequence[Any]]) -> None:
        super().__init__(fields)
        self.findings = findings


class TooMany(FundError):
    """Tried too often. ``retry_after`` is in seconds."""

    status, exit_code, title = 429, 6, _n("Too many tries")

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Misconfigured(FundError):
    """A setting is missing or wrong; the message names it and says what is expected."""

    status, exit_code, title = 500, 2, _n("A setting is wrong")
