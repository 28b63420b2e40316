"""Whatever is wrong gets one line that says what to do, a non-zero exit, and changes nothing."""

import shutil
import socket
from pathlib import Path

import pytest

from fund.base.database import Database
from tests.support.databases import sqlite_database

WITH_A_DATABASE = [
    ("serve",),
    ("worker",),
    ("create-manager", "mira@fund.example"),
    ("token", "mira@fund.example"),
    ("audit", "verify"),
    ("audit", "seal"),
    ("mail", "status"),
]
NO_NUMBER = "Input should be a valid integer, unable to parse string as an integer."
TOO_LARGE = "Input should be less than or equal to 65535."
LINES = {
    "": "Name one of the commands. Try: fund --help",
    "audit": "Name one of the commands. Try: fund audit --help",
    "migrat": "No such command 'migrat'. Did you mean 'migrate'? Try: fund --help",
    "migrate --force": "No such option: --force. Try: fund migrate --help",
    "migrate now": "Got unexpected extra argument(s) (now). Try: fund migrate --help",
    "create-manager": "Missing argument 'email'. Try: fund create-manager --help",
    "create-manager mira": "Enter an email address like name@example.org",
    "token nobody@fund.example": "Nobody with this email address can sign in.",
    "workflow check nowhere.toml": "nowhere.toml: No such file or directory. Check the path.",
    "workflow draw /": "/: Is a directory. Check the path.",
    "demo --port http": f"Invalid value for '--port': {NO_NUMBER} Try: fund demo --help",
    "demo --port 65536": f"Invalid value for '--port': {TOO_LARGE} Try: fund demo --help",
}
SETTINGS = {
    ("FUND_PORT", "http"): "FUND_PORT: Input should be a valid integer",
    ("FUND_ZONE", "Mars"): "FUND_ZONE: expected an IANA time zone such as Europe/Brussels (it is 'Mars')",
    ("FUND_BASE_URL", "ftp://x"): "FUND_BASE_URL: expected an address that starts with http:// or https://",
    ("FUND_MAIL_FROM", "fund"): "FUND_MAIL_FROM: expected one mail address (it is 'fund')",
    (
        "FUND_MAIL_LIMITS",
        "600",
    ): "FUND_MAIL_LIMITS: expected limits such as 600/minute, 10000/day, 60/minute ",
    ("FUND_SMTP_USER", "fund"): "FUND_SMTP_USER and FUND_SMTP_PASSWORD go together",
    ("FUND_DATABASE_URL", "nonsense"): "FUND_DATABASE_URL: expected an address such as postgresql+psycopg://",
    (
        "FUND_DATABASE_URL",
        "mysql://u:secret@h/d",
    ): "FUND_DATABASE_URL: expected sqlite:///… or postgresql+psycopg://…",
    ("FUND_DATABASE_URL", "postgresql+asyncpg://h/d"): "FUND_DATABASE_URL: expected sqlite:///… or",
    ("FUND_DATABASE_URL", "postgresql://127.0.0.1:1/d"): "The database does not answer (connection failed: ",
}


@pytest.fixture
def migrated(run_folder, data):
    """A database with all tables, empty."""
    data.mkdir()
    with sqlite_database(run_folder, "commands") as url:
        shutil.copyfile(url.removeprefix("sqlite:///"), data / "fund.sqlite3")


def contents(folder: Path) -> dict[str, bytes]:
    """Everything below ``folder``; SQLite's own helpers are left out."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b""
        for path in sorted(folder.rglob("*"))
        if not path.name.endswith(("-wal", "-shm"))
    }


def refused(said, line: str) -> None:
    """One line on standard error that begins so, nothing else, and a non-zero exit."""
    assert said.code != 0
    assert len(said.errors) == 1, said.errors
    assert said.errors[0].startswith(f"fund: {line}"), said.errors


@pytest.mark.usefixtures("migrated")
def test_a_wrong_line_is_corrected(fund, data):
    before = contents(data)
    for line, correction in LINES.items():
        said = fund(*line.split())
        refused(said, correction)
        assert said.errors == [f"fund: {correction}"]
        assert contents(data) == before


@pytest.mark.parametrize(("name", "value"), SETTINGS)
def test_a_wrong_setting_is_named(fund, data, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    said = fund("mail", "status")
    refused(said, SETTINGS[name, value])
    assert "secret" not in said.errors[0]
    assert not data.exists()


def test_without_a_database_none_is_made(fund, data):
    for arguments in WITH_A_DATABASE:
        refused(fund(*arguments), f"There is no database at {data / 'fund.sqlite3'} yet. Run: fund migrate")
    assert not data.exists()


def test_a_database_without_tables_wants_to_be_migrated(fund, data):
    data.mkdir()
    (data / "fund.sqlite3").touch()
    for arguments in WITH_A_DATABASE:
        refused(fund(*arguments), "The database does not have this version's schema. Run: fund migrate")


@pytest.mark.usefixtures("migrated")
def test_a_database_of_a_newer_version_is_left_alone(fund, data):
    database = Database(f"sqlite:///{data / 'fund.sqlite3'}")
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    before = contents(data)
    for arguments in [*WITH_A_DATABASE, ("migrate",)]:
        refused(fund(*arguments), "The database has the schema 9999 of a newer version of the fund. Install")
    assert contents(data) == before


def test_a_file_that_is_no_database_is_left_alone(fund, data):
    data.mkdir()
    (data / "fund.sqlite3").write_text("minutes of the last meeting\n" * 100)
    for arguments in [*WITH_A_DATABASE, ("migrate",)]:
        said = fund(*arguments)
        refused(said, "The database does not answer (file is not a database). Check FUND_DATABASE_URL")
    assert (data / "fund.sqlite3").read_text().startswith("minutes")


def test_a_data_folder_that_is_a_file_is_named(fund, data):
    data.touch()
    refused(fund("migrate"), f"FUND_DATA_DIR: {data} cannot be made a folder (File exists)")


def test_a_workflow_that_cannot_be_read_is_named_with_its_line(fund, tmp_path):
    for content, line in ((b"\xff", "is not UTF-8 text."), (b"name", ": line 1: error: not valid TOML")):
        (tmp_path / "mine.toml").write_bytes(content)
        said = fund("workflow", "draw", str(tmp_path / "mine.toml"))
        refused(said, str(tmp_path / "mine.toml"))
        assert line in said.errors[0]


@pytest.mark.usefixtures("migrated")
@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_taken_port_is_said_and_nothing_is_begun(fund, data, monkeypatch, command):
    before = contents(data)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("FUND_PORT", str(port))
        said = fund(command)
    refused(said, f"Port {port} on 127.0.0.1 is taken. Set FUND_PORT to another one.")
    assert said.code == 2
    assert contents(data) == before


@pytest.mark.usefixtures("migrated")
def test_an_address_that_is_not_this_machines_is_named(fund, monkeypatch):
    monkeypatch.setenv("FUND_HOST", "192.0.2.1")
    refused(fund("serve"), "FUND_HOST: 192.0.2.1 is no address of this machine")
