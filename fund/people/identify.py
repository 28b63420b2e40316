"""Who makes a request: the holder of a bearer token on API calls, else whoever is signed in with the cookie."""

from contextlib import suppress
from datetime import datetime

from starlette.requests import Request

from fund.base.database import Database
from fund.base.errors import Conflict
from fund.base.permissions import Viewer
from fund.people import cookies, queries, sessions, tokens
from fund.web.container import container


def identify(request: Request) -> Viewer:
    """Who makes this request; anonymous if nobody. Notes session or token as in use, at most every ten minutes.

    A call with a bearer token never counts as the cookie's owner: the rule against posts from other sites
    lets such calls pass.
    """
    held = container(request)
    now = held.clock.now()
    scheme, _space, bearer = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return (
            _by_token(held.db, bearer.strip(), now)
            if request.url.path.startswith("/api/")
            else Viewer.anonymous()
        )
    return _by_cookie(held.db, cookies.session_token(request, held.settings.secure), now)


def _by_cookie(db: Database, token: str, now: datetime) -> Viewer:
    if not token:
        return Viewer.anonymous()
    with db.read() as session:
        known = queries.known_by_session(session, token, now)
    if known is None:
        return Viewer.anonymous()
    if known.seen_at is None or sessions.is_stale(known.seen_at, now):
        with suppress(Conflict), db.write() as session:
            sessions.touch(session, known.row_id, now)
    return known.viewer


def _by_token(db: Database, bearer: str, now: datetime) -> Viewer:
    with db.read() as session:
        known = queries.known_by_token(session, bearer, now)
    if known is None:
        return Viewer.anonymous()
    if tokens.is_stale(known.seen_at, now):
        with suppress(Conflict), db.write() as session:
            tokens.touch(session, known.row_id, now)
    return known.viewer
