"""Countries and time zones to choose from, from the reference data of Babel (CLDR) and of the tz database."""

import unicodedata
from functools import cache
from importlib.resources import files

from babel import Locale

from schema.wording import gettext_noop as _n

SOMALILAND = "Somaliland"
"""Has no code of its own; published as SO with the place named."""
NOT_COUNTRIES = frozenset(
    ["AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"]
)
"""Codes that CLDR adds for uninhabited islands, groupings and tests."""


@cache
def countries() -> dict[str, str]:
    """ISO 3166-1 alpha-2 code by the country's English name, in order of names."""
    names = {
        str(name): str(code)
        for code, name in Locale("en").territories.items()
        if len(code) == 2 and code.isalpha() and code not in NOT_COUNTRIES
    }
    return dict(sorted((names | {SOMALILAND: "SO"}).items(), key=lambda item: folded(item[0])))


def folded(text: str) -> str:
    """``text`` without accents and in lower case: ``Åland`` sorts and is found as ``aland``."""
    parts = unicodedata.normalize("NFKD", text)
    return "".join(sign for sign in parts if not unicodedata.combining(sign)).casefold()


@cache
def zones() -> dict[str, str]:
    """The country's code by IANA zone, for every place where people live, and UTC."""
    table = files("tzdata.zoneinfo").joinpath("zone.tab").read_text("utf-8")
    rows = [line.split("\t") for line in table.splitlines() if line and not line.startswith("#")]
    return {"UTC": ""} | {row[2]: row[0] for row in sorted(rows, key=lambda row: row[2])}


ANYWHERE = {"Etc/GMT+12": _n("Anywhere on Earth")}
"""Where a day ends last: a zone for deadlines, in which nobody lives."""


@cache
def zone_names() -> dict[str, str]:
    """``Nairobi (Africa)`` by zone, in order of places, so that typing the first letters in a list finds it."""
    names: dict[str, str] = {}
    for zone in zones():
        region, _slash, place = zone.partition("/")
        shown = place.replace("_", " ").replace("/", " – ")
        names[zone] = f"{shown} ({region})" if place else zone
    return dict(sorted(names.items(), key=lambda item: folded(item[1])))


def only_zone(country: str) -> str:
    """The zone of ``country`` (its English name) if it has just one, else nothing."""
    code = countries().get(country, "")
    found = [zone for zone, of in zones().items() if code and of == code]
    return found[0] if len(found) == 1 else ""
