"""No page leads to one that its reader may not open, whoever she is."""

import re
from collections import Counter, deque

import pytest

from fund.rounds import running
from tests.support.doors import Doors
from tests.support.world import draft, to_deliberation, world

LINK = re.compile(r'href="(/[^"#]*)')
KEY = re.compile(r"\d+|PIF-\w+|(?<=/templates/)\w+|(?<=/workflows/)[^/]+|(?<=/reminders/).+")
ALIKE = 2
"""Pages of one kind that are opened."""


def _followed(browser, *starts):
    """Pages that can be reached from the first ones, with the page that leads there, and how each was answered.

    Rehearsals take seconds each; their own tests open them.
    """
    came = dict.fromkeys(starts, "")
    waiting, kinds, answers = deque(starts), Counter(), {}
    while waiting:
        path = waiting.popleft()
        kind = KEY.sub("", path.partition("?")[0])
        kinds[kind] += 1
        if kinds[kind] > ALIKE:
            continue
        answer = browser.get(path)
        answers[path] = answer.status_code
        found = LINK.findall(answer.text.partition("<main")[2].partition("</main>")[0])
        if answer.status_code == 303:
            found.append(answer.headers["location"])
        for link in dict.fromkeys(one.replace("&amp;", "&") for one in found):
            if link not in came and not link.startswith("/static") and "/rehearsal" not in link:
                came[link] = path
                waiting.append(link)
    return {(path, came[path]): status for path, status in answers.items()}


@pytest.mark.parametrize(
    ("who", "starts"),
    [
        pytest.param("second_manager", ["/home", "/pipeline", "/rounds"], marks=pytest.mark.slow),
        pytest.param("auditor", ["/home", "/pipeline", "/rounds"], marks=pytest.mark.slow),
        ("reviewer", ["/home", "/reviews", "/rounds"]),
        ("applicant", ["/home", "/applications", "/rounds"]),
    ],
)
def test_every_link_is_open_to_whoever_sees_it(sqlite_db, clock, who, starts):
    here, now = world(sqlite_db, clock.now()), clock.now()
    with here.db.write() as session:
        to_deliberation(session, here, now)
        draft(session, here, now, title="A second one")
        chosen = [here.manager.person_id]
        running.choose(session, here.manager, here.round_slug, chosen, edition=None, now=now)
    viewer = here.reviewers[0] if who == "reviewer" else getattr(here, who)
    answers = _followed(Doors(here.db, clock).browser(viewer), *starts)
    assert {(path, source, status) for (path, source), status in answers.items() if status >= 400} == set()
    assert len(answers) > 10
