"""The newsletter in the JSON API: for managers and facilitators; managers release it."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from fund.sharing import newsletter, newsletter_items
from fund.sharing.newsletter import Edited, LetterView
from fund.web.deps import DbDep, ManagerDep, NowDep, RowId, SettingsDep, SignedIn
from fund.web.problems import Listing, Paging, paging, responses

router = APIRouter(prefix="/api/v1/newsletters", tags=["sharing"], responses=responses(401, 403))
Page = Annotated[Paging, Depends(paging(20))]


class LetterItem(BaseModel):
    """One thing that a newsletter tells of."""

    heading: str
    text: str
    path: str = Field("", description="Where it leads within the fund; begins with /.")
    lesson: str | None = Field(
        None, description="The slug of the lesson that it is about. Such an item is made by the fund."
    )
    round: str | None = Field(
        None, description="The slug of the round that it is about. Such an item is made by the fund."
    )


class LetterOut(BaseModel):
    """A newsletter. ``stale``: slugs of lessons and rounds that changed, were taken back or are over since."""

    id: int
    month: str
    subject: str
    intro: str
    items: list[LetterItem]
    edit_version: int
    released_at: datetime | None
    stale: list[str]
    told: list[str]
    readers: int

    @classmethod
    def of(cls, view: LetterView) -> "LetterOut":
        """As stored."""
        more = {"stale": sorted(view.stale), "told": sorted(view.told), "readers": view.readers}
        return cls.model_validate(view.letter.model_dump() | more)


class LetterIn(BaseModel):
    """What is to be kept. An item about a lesson or a round is named by its slug, and stands in the letter already."""

    model_config = ConfigDict(extra="forbid")

    edit_version: int
    subject: str
    intro: str
    items: list[LetterItem]


class VersionIn(BaseModel):
    """The version that was seen."""

    model_config = ConfigDict(extra="forbid")

    edit_version: int


class Released(BaseModel):
    """To how many people it goes."""

    people: int


@router.get("", responses=responses(422))
def list_letters(viewer: SignedIn, db: DbDep, now: NowDep, page: Page) -> Listing[LetterOut]:
    """Every newsletter, the latest first."""
    with db.read() as session:
        found = newsletter.all_letters(session, viewer)
        shown = [
            newsletter.view(session, viewer, one.id or 0, now)
            for one in found[page.offset : page.offset + page.size]
        ]
    return page.listing([LetterOut.of(one) for one in shown], len(found))


@router.post("", status_code=201)
def make_letter(viewer: SignedIn, db: DbDep, now: NowDep, settings: SettingsDep) -> LetterOut:
    """This month's draft, made now if there is none."""
    with db.write() as session:
        letter = newsletter.make(session, viewer, settings.fund_name, settings.zone, now)
        return LetterOut.of(newsletter.view(session, viewer, letter.id or 0, now))


@router.get("/{letter_id}", responses=responses(404, 422))
def read_letter(letter_id: RowId, viewer: SignedIn, db: DbDep, now: NowDep) -> LetterOut:
    """One newsletter."""
    with db.read() as session:
        return LetterOut.of(newsletter.view(session, viewer, letter_id, now))


@router.put("/{letter_id}", responses=responses(404, 409, 422))
def change_letter(letter_id: RowId, body: LetterIn, viewer: SignedIn, db: DbDep, now: NowDep) -> LetterOut:
    """Keep what was written, as long as it is not released."""
    with db.write() as session:
        items = newsletter_items.with_subjects(session, letter_id, [item.model_dump() for item in body.items])
        wanted = Edited(body.subject, body.intro, items)
        newsletter.edit(session, viewer, letter_id, wanted, body.edit_version)
        return LetterOut.of(newsletter.view(session, viewer, letter_id, now))


@router.post("/{letter_id}/refresh", responses=responses(404, 409, 422))
def refresh_letter(letter_id: RowId, body: VersionIn, viewer: SignedIn, db: DbDep, now: NowDep) -> LetterOut:
    """Take the texts of what changed anew, and leave out what was taken back or is over."""
    with db.write() as session:
        newsletter.refresh(session, viewer, letter_id, body.edit_version, now)
        return LetterOut.of(newsletter.view(session, viewer, letter_id, now))


@router.post("/{letter_id}/release", responses=responses(404, 409, 422))
def release_letter(letter_id: RowId, body: VersionIn, viewer: ManagerDep, db: DbDep, now: NowDep) -> Released:
    """Send it to everybody who did not decline it, once."""
    with db.write() as session:
        return Released(people=newsletter.release(session, viewer, letter_id, body.edit_version, now))
