"""A rehearsal as others read it: plain rows, JSON, CSV, or lines for a terminal."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from fund.rehearsing.acting import Trouble
from fund.rehearsing.queries import Mail, Rehearsal
from fund.rehearsing.scenario import Manner, Scenario
from fund.web.i18n import gettext as _
from fund.web.i18n import ngettext

COLUMNS = (
    "scenario", "at", "local", "zone", "recipient", "name", "template", "subject", "about", "deadline",
)  # fmt: skip


def named(scenario: Scenario) -> str:
    """The scenario in words."""
    if scenario.manner is Manner.IN_TIME:
        return _("All in time")
    if scenario.manner is Manner.NOBODY:
        return _("Nobody acts")
    return ngettext("Everybody %(num)s day late", "Everybody %(num)s days late", scenario.late) % {
        "num": scenario.late
    }


def row(scenario: Scenario, mail: Mail) -> dict[str, str]:
    """A mail by COLUMNS; ``at`` in UTC, ``local`` as its reader's clock shows it."""
    values = (
        scenario.manner.value,
        mail.at.isoformat(),
        mail.at.astimezone(ZoneInfo(mail.zone)).isoformat(" ", "minutes"),
        mail.zone,
        mail.recipient,
        mail.name,
        mail.template,
        mail.subject,
        mail.about,
        mail.deadline,
    )
    return dict(zip(COLUMNS, values, strict=True))


def data(rehearsal: Rehearsal) -> dict[str, Any]:
    """The whole rehearsal as JSON takes it."""
    scenario = rehearsal.scenario
    return {
        "round": rehearsal.round,
        "scenario": scenario.manner.value,
        "lead_days": scenario.lead,
        "late_days": scenario.late,
        "begins": rehearsal.begins.isoformat(),
        "until": rehearsal.until.isoformat(),
        "applications": rehearsal.applications,
        "applications_in_round": rehearsal.total,
        "invented": rehearsal.invented,
        "mails": [row(scenario, mail) for mail in rehearsal.mails],
        "people": [{"name": name, "mails": count} for name, count in rehearsal.people],
        "could_not": [
            {"at": one.at.isoformat(), "about": one.about, "deadline": one.deadline, "reason": one.reason}
            for one in rehearsal.troubles
        ],
    }


def as_json(rehearsals: Sequence[Rehearsal]) -> str:
    """All scenarios as one JSON list."""
    return json.dumps([data(one) for one in rehearsals], indent=2, ensure_ascii=False)


def as_csv(rehearsals: Sequence[Rehearsal], note: str = "") -> str:
    """Every mail of all scenarios as one line, with COLUMNS at the top; at the bottom the note, if there is one."""
    written = io.StringIO()
    sheet = csv.DictWriter(written, COLUMNS)
    sheet.writeheader()
    for one in rehearsals:
        sheet.writerows(
            {name: _harmless(value) for name, value in row(one.scenario, mail).items()} for mail in one.mails
        )
    if note:
        sheet.writerow({COLUMNS[0]: note})
    return written.getvalue()


def lines(rehearsal: Rehearsal) -> Iterator[str]:
    """The rehearsal for a terminal, one line for each mail."""
    yield f"{rehearsal.round}: {named(rehearsal.scenario)}"
    for mail in rehearsal.mails:
        moment = mail.at.astimezone(ZoneInfo(mail.zone))
        yield f"  {moment:%Y-%m-%d %H:%M} {mail.zone:20}  {mail.recipient:32}  {mail.subject}"
    for one in rehearsal.troubles:
        yield f"  {one.at:%Y-%m-%d %H:%M} UTC  could not: {_named(one)}: {one.reason}"
    yield f"  {_summary(rehearsal)}"


def tally(found: Sequence[Rehearsal]) -> str:
    """How many mails there are in how many scenarios."""
    scenarios = ngettext("%(num)s scenario", "%(num)s scenarios", len(found)) % {"num": len(found)}
    return _("%(mails)s in %(scenarios)s") % {
        "mails": _mails(sum(len(one.mails) for one in found)),
        "scenarios": scenarios,
    }


def _mails(count: int) -> str:
    return ngettext("%(num)s mail", "%(num)s mails", count) % {"num": count}


def _named(trouble: Trouble) -> str:
    return f"{trouble.deadline} – {trouble.about}" if trouble.about else trouble.deadline


def _summary(rehearsal: Rehearsal) -> str:
    people, real, more = len(rehearsal.people), rehearsal.applications, rehearsal.invented
    said = {
        "mails": _mails(len(rehearsal.mails)),
        "people": ngettext("%(num)s person", "%(num)s people", people) % {"num": people},
        "proposals": ngettext("%(num)s proposal", "%(num)s proposals", real) % {"num": real},
        "invented": ngettext("%(num)s invented one", "%(num)s invented ones", more) % {"num": more},
    }
    if rehearsal.busiest is None:
        return _("%(mails)s to %(people)s; %(proposals)s, %(invented)s.") % said
    day, count = rehearsal.busiest
    whole = _("%(mails)s to %(people)s, most on %(day)s (%(count)s); %(proposals)s, %(invented)s.")
    return whole % (said | {"day": day, "count": count})


def _harmless(value: str) -> str:
    """A title that a spreadsheet would take for a formula stays a text."""
    return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
