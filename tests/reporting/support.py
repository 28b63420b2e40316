"""Reading pages, and who has nothing to do with the applicant's project."""

import re
from html import unescape

from fund.base.permissions import Viewer
from tests.support.world import World


def strangers(world: World) -> dict[str, Viewer | None]:
    """Everybody who has nothing to do with the applicant's project."""
    return {"outsider": world.outsider, "reviewer": world.reviewers[2], "anonymous": None}


def words(html: str) -> str:
    """What a person reads on the page, on one line."""
    body = re.sub(r"<(script|style|head)\b.*?</\1>", " ", html, flags=re.S)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def title(html: str) -> str:
    """The title of the page."""
    found = re.search(r"<title>(.*?)</title>", html, re.S)
    return unescape(found.group(1)) if found else ""


def field(html: str, name: str) -> str:
    """What stands in the text area or the input ``name``."""
    area = re.search(rf'<textarea[^>]*name="{name}"[^>]*>\n?(.*?)</textarea>', html, re.S)
    if area:
        return unescape(area.group(1))
    line = re.search(rf'<input[^>]*name="{name}"[^>]*>', html)
    value = re.search(r'value="([^"]*)"', line.group(0)) if line else None
    return unescape(value.group(1)) if value else ""
