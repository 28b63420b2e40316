"""docs/webhooks.md: its example runs, its verification takes what the fund signs, and its table is complete."""

import doctest
import re
from pathlib import Path
from typing import Any

from notifications import signing
from notifications.wanted import EVENTS
from tests.notifications.world import NOW, later

DOCS = Path(__file__).parents[2] / "docs" / "webhooks.md"


def verified() -> Any:
    """The function of the example, as a reader would copy it."""
    scope: dict[str, Any] = {}
    example = doctest.DocTestParser().get_doctest(DOCS.read_text(encoding="utf-8"), {}, "x", None, 0)
    for step in example.examples[:2]:
        exec(step.source, scope)
    return scope["verified"]


def test_the_example_runs() -> None:
    result = doctest.testfile(str(DOCS), module_relative=False, encoding="utf-8")
    assert (result.failed, result.attempted) == (0, 7)


def test_its_verification_takes_what_the_fund_signs_and_nothing_else() -> None:
    check, secret, other = verified(), signing.new_secret(), signing.new_secret()
    body = '{"name":"Zoë"}'.encode()
    headers = signing.headers([other, secret], "msg_1", NOW, body)
    assert check(secret, headers, body, NOW.timestamp())
    assert check(other, headers, body, later(minutes=4).timestamp())
    assert not check(signing.new_secret(), headers, body, NOW.timestamp())
    assert not check(secret, headers, body + b" ", NOW.timestamp())
    assert not check(secret, headers | {"webhook-id": "msg_2"}, body, NOW.timestamp())
    assert not check(secret, headers, body, later(minutes=6).timestamp())


def test_everything_that_can_be_wanted_is_explained() -> None:
    told = set(re.findall(r"^\| `([a-z]+\.[a-z]+)` \|", DOCS.read_text(encoding="utf-8"), re.MULTILINE))
    assert told == {*EVENTS, "webhook.test"}
