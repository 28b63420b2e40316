"""``fund rehearse``: a table, JSON or a file; what is typed wrong is one line."""

import csv
import json
from datetime import timedelta

import pytest

from fund.base.clock import SystemClock
from tests.support.world import draft, world

NO_FILE = "fund: --as takes table, json, or a file that ends in .json or .csv, not “mails.doc”."


@pytest.fixture
def slug(sqlite_db, fund, monkeypatch):
    """A round that was opened just now, with a draft, which the command line works on."""
    monkeypatch.setenv("FUND_DATABASE_URL", sqlite_db.url)
    now = SystemClock().now()
    here = world(sqlite_db, now)
    with sqlite_db.write() as session:
        draft(session, here, now)
    return here.round_slug


def in_days(count: int) -> str:
    return str(SystemClock().now().date() + timedelta(days=count))


def test_the_table_has_a_line_for_each_mail(fund, slug):
    said = fund("rehearse", slug, "--scenario", "nobody", "--until", in_days(32))
    assert (said.code, said.errors) == (0, [])
    first, *mails, last = said.out.splitlines()
    assert first == "Peace Incentive Fund 2022: Nobody acts"
    assert any(line.startswith(f"  {in_days(16)} 09:00 America/Bogota") for line in mails)
    assert last.strip().startswith(f"{len(mails)} mails to ")


def test_one_scenario_is_counted_as_one(fund, slug, tmp_path):
    file = tmp_path / "mails.json"
    said = fund("rehearse", slug, "--scenario", "nobody", "--until", in_days(1), "--as", str(file))
    assert said.out == f"0 mails in 1 scenario: {file}\n"


def test_files_hold_all_scenarios(fund, slug, tmp_path):
    sheet, document = tmp_path / "mails.csv", tmp_path / "mails.json"
    for file in (sheet, document):
        said = fund("rehearse", slug, "--until", in_days(20), "--late", "2", "--as", str(file))
        assert (said.code, said.errors) == (0, [])
        assert said.out.endswith(f" mails in 3 scenarios: {file}\n")
    read = json.loads(document.read_text("utf-8"))
    assert [(one["scenario"], one["late_days"]) for one in read] == [
        ("in_time", 2),
        ("nobody", 2),
        ("late", 2),
    ]
    with sheet.open(newline="") as lines:
        assert len(list(csv.DictReader(lines))) == sum(len(one["mails"]) for one in read)


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (("no-such-round",), 4, "fund: There is no round “no-such-round”."),
        (("ROUND", "--until", "soon"), 2, "fund: --until takes a day such as 2022-12-31, not “soon”."),
        (("ROUND", "--until", "2020-01-01"), 2, "fund: The last day lies in the past. Choose a later one."),
        (("ROUND", "--as", "mails.doc"), 2, NO_FILE),
        (("ROUND", "--scenario", "sometimes"), 2, "Try: fund rehearse --help"),
        (("ROUND", "--late", "0"), 2, "Try: fund rehearse --help"),
        (("ROUND", "--late", "soon"), 2, "Try: fund rehearse --help"),
    ],
)
def test_what_is_typed_wrong_is_one_line(fund, slug, arguments, code, line):
    said = fund("rehearse", *(slug if word == "ROUND" else word for word in arguments))
    assert (said.code, said.out) == (code, "")
    assert len(said.errors) == 1
    assert line in said.errors[0]
