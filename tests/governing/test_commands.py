"""``fund workflow compare|list|accept|migrate``: what it prints, its exit code, and what it changed."""

import subprocess
import sys

import pytest
from sqlmodel import select

from fund.base import definitions, ledger
from schema.applications import Application
from schema.ledger import LedgerEvent
from schema.workflows import RoundWorkflow
from tests.support.versions import FIRST_LOOK, VERSION, later, sifting, sifting_too
from tests.support.world import draft, move, submit
from workflows import Definition, shipped


@pytest.fixture
def fund(here, monkeypatch, capsys):
    """Runs a command in this process; its exit code, what it printed, what it complained."""
    from fund.cli import main

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["fund", *arguments])
        monkeypatch.setenv("FUND_DATABASE_URL", here.db.url)
        with pytest.raises(SystemExit) as done:
            main()
        out, err = capsys.readouterr()
        return int(done.value.code or 0), out, err

    return run


@pytest.fixture
def going(here, clock):
    """One that stands in screening."""
    with here.db.write() as session:
        one = draft(session, here, clock.now())
        submit(session, here, one, clock.now())
        move(session, one, "start_screening", here.manager, clock.now())
        return one.reference


def written(tmp_path, *made) -> list[str]:
    paths = []
    for one in made:
        (tmp_path / f"{one.name}.toml").write_text(one.source)
        paths.append(str(tmp_path / f"{one.name}.toml"))
    return paths


def events(here) -> int:
    with here.db.read() as session:
        return len(session.exec(select(LedgerEvent)).all())


def test_compare_takes_files_names_and_stored_versions(fund, tmp_path):
    [file] = written(tmp_path, later("application", *FIRST_LOOK))
    code, out, _err = fund("workflow", "compare", "application", file)
    assert (code, out.splitlines()[0]) == (0, f"version: now {VERSION}, was {shipped('application').version}")
    assert fund("workflow", "compare", shipped("review").digest[:8], "review") == (0, "", "")
    code, _out, err = fund("workflow", "compare", "nothing", "review")
    assert (code, err) == (4, "fund: The fund knows no workflow “nothing”.\n")


def test_compare_needs_no_database(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "fund.cli", "workflow", "compare", "application", "concept"],
        capture_output=True,
        text=True,
        env={"FUND_DATA_DIR": str(tmp_path / "none"), "PATH": "/usr/bin:/bin"},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("name: now concept, was application\n")
    assert not (tmp_path / "none").exists()


def test_a_dry_run_changes_nothing_and_the_run_does_what_it_said(fund, here, going, tmp_path):
    files = written(tmp_path, sifting(), *sifting_too())
    before = events(here)
    code, _out, err = fund("workflow", "migrate", here.round_slug, *files, "--dry-run")
    assert code == 2
    assert err == (
        f"fund: {going} stands in “Screening”, which the new version does not have."
        " Say which state takes its place. Missing: --map application.screening=…\n"
    )
    arguments = ("workflow", "migrate", here.round_slug, *files, "--map", "application.screening=sifting")
    code, dry, _err = fund(*arguments, "--dry-run")
    assert code == 0
    assert dry.splitlines()[0].startswith(f"{going}: screening -> sifting; deadline screening kept (")
    assert dry.splitlines()[-1] == "Dry run: nothing was changed."
    assert events(here) == before
    code, done, _err = fund(*arguments)
    assert code == 0
    assert done.splitlines()[:-1] == dry.splitlines()[:-1]
    with here.db.read() as session:
        row = session.exec(select(Application)).one()
        assert (row.state, definitions.definition_of(session, row).version) == ("sifting", VERSION)
        told = session.exec(select(LedgerEvent).where(LedgerEvent.action == "workflow_changed")).first()
        assert told is not None
        assert (told.actor_id, told.actor_role) == (None, "operator")
        assert ledger.verify(session).broken is None


def test_a_version_is_accepted_and_then_known_by_its_name(fund, here, going, tmp_path):
    [file] = written(tmp_path, later())
    assert fund("workflow", "accept", file)[0] == 0
    assert f"application@{VERSION}" in fund("workflow", "list")[1]
    code, out, _err = fund("workflow", "migrate", here.round_slug, "application")
    assert (code, out.splitlines()[-1]) == (0, f"Done. The round follows application@{VERSION}.")
    code, _out, err = fund("workflow", "migrate", here.round_slug, "application")
    assert (code, "follows this very version" in err) == (2, True)


def test_who_has_to_follow_a_version_is_told_and_several_come_together(fund, here, tmp_path):
    files = written(tmp_path, sifting(), *sifting_too())
    code, out, _err = fund("workflow", "accept", files[0])
    assert (code, out.count("No round with both can be planned yet: “")) == (0, 1)
    assert f"“application”, version {VERSION}, has sifting in its place.\n" in out
    code, out, _err = fund("workflow", "accept", *files[:0:-1])
    assert (code, out.count("The fund has"), "“application”" in out) == (0, 2, False)


def test_files_are_checked_with_each_other_and_with_what_the_fund_has(fund, tmp_path):
    files = written(tmp_path, sifting(), *sifting_too())
    code, out, _err = fund("workflow", "check", files[1])
    assert (code, 'has no state "sifting"' in out) == (1, True)
    assert fund("workflow", "check", *files) == (0, "", "")
    assert fund("workflow", "accept", files[0])[0] == 0
    assert fund("workflow", "check", files[1]) == (0, "", "")
    (tmp_path / "broken.toml").write_text("name =")
    code, out, _err = fund("workflow", "check", files[1], str(tmp_path / "broken.toml"))
    assert (code, out.startswith(f"{tmp_path}/broken.toml: line 1: error:")) == (1, True)


def test_what_the_fund_goes_by_is_checked_without_a_file(fund, here, clock):
    assert fund("workflow", "check")[:2] == (
        0,
        "Nothing is wrong with the workflows that the fund goes by.\n",
    )
    with here.db.write() as session:
        pin = session.get_one(RoundWorkflow, (here.round_id, "application"))
        pin.workflow_id = definitions.store(session, sifting(), clock.now())
    code, out, _err = fund("workflow", "check")
    assert (code, out.startswith(f"round {here.round_slug}: “review”, version ")) == (0, True)
    with here.db.write() as session:
        someday = shipped("report").source.replace("report.due_on", "report.someday")
        definitions.store(session, Definition.parse(someday), clock.now())
    code, out, _err = fund("workflow", "check")
    assert (code, len(out.splitlines())) == (1, 2)
    assert "no day is kept as report.someday" in out.splitlines()[0]


def test_guards_of_ones_own_that_cannot_be_imported_are_one_line(fund, tmp_path, monkeypatch):
    [file] = written(tmp_path, later("review"))
    monkeypatch.setenv("FUND_GUARDS", "nothing_of_the_kind")
    for arguments in (("check",), ("check", file), ("draw", file), ("accept", file), ("list",)):
        code, out, err = fund("workflow", *arguments)
        assert (code, out) == (2, "")
        assert err.startswith("fund: FUND_GUARDS: the module nothing_of_the_kind cannot be imported (")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nowhere", "concept"], 4, "There is no round “nowhere”."),
        (["ROUND", "nothing"], 4, "The fund knows no workflow “nothing”."),
        (["ROUND", "membership"], 2, "is for the subject member, of which a round has none."),
        (["ROUND", "concept", "--map", "nonsense"], 2, "--map takes old=new"),
        (["ROUND", "concept", "--map", "nowhere=draft"], 2, "“nowhere” is no state of the workflow"),
        (
            ["ROUND", "concept", "--map", "review.assigned=submitted"],
            2,
            "The workflow of review stays",
        ),
        (["ROUND", "BINARY"], 2, "This is no text file (UTF-8)."),
        (["ROUND", "EMPTY"], 2, "What you sent is empty."),
        (["ROUND", "LOWER"], 2, "Raise the file's version"),
        (["ROUND"], 2, "Missing argument"),
    ],
)
def test_wrong_use_says_what_is_wrong_and_changes_nothing(fund, here, going, tmp_path, arguments, code, said):
    (tmp_path / "BINARY").write_bytes(b"\x89PNG\x00")
    (tmp_path / "EMPTY").write_bytes(b"")
    (tmp_path / "LOWER").write_text(shipped("application").source + "\n# More.\n")
    before = events(here)
    named = {"ROUND": here.round_slug} | {name: str(tmp_path / name) for name in ("BINARY", "EMPTY", "LOWER")}
    found, _out, err = fund("workflow", "migrate", *(named.get(one, one) for one in arguments))
    assert (found, said in err) == (code, True), err
    assert events(here) == before
