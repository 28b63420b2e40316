"""The whole product behind a test client, with somebody looking."""

from fastapi.testclient import TestClient

from fund.app import create_app
from fund.base.clock import Clock
from fund.base.database import Database
from fund.base.permissions import Viewer
from fund.base.settings import Settings

ADDRESS = "http://fund.test"


def client(db: Database, clock: Clock, viewer: Viewer | None = None, *, follow: bool = False) -> TestClient:
    """A browser (or API client) of the whole product in which ``viewer`` is signed in; nobody if None.

    Signing in itself is tested with the people room; here the viewer is taken for granted.
    """
    settings = Settings(base_url=ADDRESS, database_url=db.url)
    app = create_app(settings, db=db, clock=clock)
    app.state.fund.identify = lambda request: viewer or Viewer.anonymous()
    return TestClient(app, base_url=ADDRESS, headers={"Origin": ADDRESS}, follow_redirects=follow)
