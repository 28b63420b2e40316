"""A rehearsal as the doors of the web ask for it: by whom, of which round, in one scenario."""

from datetime import date
from typing import Annotated

from fastapi import Depends

from fund.rehearsing.queries import AT_ONCE, Rehearsal, rehearse
from fund.rehearsing.scenario import Scenario
from fund.rounds.queries import round_by_slug
from fund.web.deps import DbDep, DemoNote, NowDep, ReadsEverything, SettingsDep


class _Asked:
    """The round of that slug, for somebody who reads everything. Raises NotFound."""

    def __init__(
        self,
        slug: str,
        viewer: ReadsEverything,
        db: DbDep,
        now: NowDep,
        settings: SettingsDep,
        note: DemoNote,
    ) -> None:
        with db.read() as session:
            self.round = round_by_slug(session, viewer, slug)
        self._viewer, self._db, self._now, self._settings, self._demo = viewer, db, now, settings, bool(note)

    def rehearse(
        self,
        scenario: Scenario,
        *,
        until: date | None = None,
        applications: int | None = None,
        most: int = AT_ONCE,
    ) -> Rehearsal:
        """What would go out, without what is said of the viewer's own proposals. Raises what ``rehearse`` does."""
        found = rehearse(
            self._db,
            self._settings,
            self.round.slug,
            scenario,
            self._now,
            until=until,
            applications=applications,
            most=most,
            demo=self._demo,
        )
        return found.apart_from(self._viewer.member_ids)


AskedDep = Annotated[_Asked, Depends()]
