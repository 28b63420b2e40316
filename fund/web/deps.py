"""What an endpoint asks for by type: viewer, database, present moment, settings, posted form.

``def save(request: Request, viewer: SignedIn, db: DbDep, now: NowDep, form: FormDep) -> Response``. Work on
the database stands in ``with db.write() as session:`` (commits at the end) or ``with db.read() as session:``.

What waits for nothing is asynchronous here: else each of these few steps would be handed to another thread.
"""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Path, Request

from fund.base.database import Database
from fund.base.errors import Forbidden, NotSignedIn
from fund.base.permissions import Viewer
from fund.base.settings import Settings
from fund.web.container import container
from fund.web.forms import Form
from fund.web.i18n import gettext as _
from fund.web.page import viewer_of


def viewer(request: Request) -> Viewer:
    """Who looks; perhaps nobody."""
    return viewer_of(request)


async def demonstration(request: Request) -> str:
    """The sentence that every file of the demonstration carries; empty in a real fund."""
    return (
        _("Demonstration: amounts, dates, people and texts are illustrative.")
        if container(request).demo
        else ""
    )


DemoNote = Annotated[str, Depends(demonstration)]
"""What a file has to say if it comes out of the demonstration."""
ViewerDep = Annotated[Viewer, Depends(viewer)]
"""Who looks, signed in or not."""


async def signed_in(viewer: ViewerDep) -> Viewer:
    """Who looks. Raises NotSignedIn: pages go to sign-in and come back, the API answers 401."""
    if not viewer.signed_in:
        raise NotSignedIn
    return viewer


SignedIn = Annotated[Viewer, Depends(signed_in)]
"""Somebody."""


async def manager(viewer: SignedIn) -> Viewer:
    """A manager. Raises Forbidden for others."""
    if not viewer.is_manager:
        raise Forbidden(_("This is for the people who manage the fund."))
    return viewer


async def reviewer(viewer: SignedIn) -> Viewer:
    """A reviewer. Raises Forbidden for others."""
    if not viewer.is_reviewer:
        raise Forbidden(_("This is for the people who review proposals."))
    return viewer


async def manager_or_auditor(viewer: SignedIn) -> Viewer:
    """Somebody who reads everything. Raises Forbidden for others."""
    if not viewer.reads_everything:
        raise Forbidden(_("This is for the people who manage the fund."))
    return viewer


ManagerDep = Annotated[Viewer, Depends(manager)]
ReviewerDep = Annotated[Viewer, Depends(reviewer)]
ReadsEverything = Annotated[Viewer, Depends(manager_or_auditor)]
"""A manager or an auditor: for pages that change nothing."""


async def database(request: Request) -> Database:
    """The database of this app."""
    return container(request).db


async def moment(request: Request) -> datetime:
    """The one ``now`` of this request, in UTC."""
    return container(request).clock.now()


async def settings(request: Request) -> Settings:
    """The settings of this app."""
    return container(request).settings


async def posted(request: Request) -> Form:
    """The form that was posted, read whole before the endpoint starts."""
    async with request.form(max_files=0, max_fields=1000) as data:
        return Form.posted(data)


DbDep = Annotated[Database, Depends(database)]
NowDep = Annotated[datetime, Depends(moment)]
SettingsDep = Annotated[Settings, Depends(settings)]
FormDep = Annotated[Form, Depends(posted)]
RowId = Annotated[int, Path(ge=1, lt=2**31)]
"""An id in an address. One that no row can have is an address that does not exist."""
