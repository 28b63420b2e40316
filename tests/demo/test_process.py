"""``fund demo`` as people start and stop it: killed while it is built, stopped, started again, begun anew."""

import signal
from datetime import datetime, timedelta
from json import loads
from pathlib import Path

import httpx2
import pytest

from tests.support.live import address_of, free_socket
from tests.support.processes import Running, fund

OPEN = "The demonstration is open on"
ANEW = "Living through the 2021 round"
MONTHS = ["September 2020", "December 2020", "September 2021"]


@pytest.fixture
def port() -> int:
    with free_socket() as listening:
        return int(address_of(listening).rpartition(":")[2])


def built(running: Running) -> bool:
    """Whether it told the story, from the first month to the last, before it opened."""
    running.wait_for(OPEN)
    told = [month for month in MONTHS if f"  {month}" in running.lines]
    assert told in ([], MONTHS)
    return any(line.startswith(ANEW) for line in running.lines) and told == MONTHS


def moment(folder: Path) -> datetime:
    return datetime.fromisoformat(loads((folder / "clock.json").read_text())["moment"])


def gently(running: Running, code: int, expected: int = 0) -> None:
    assert (code, [line for line in running.lines if "Traceback" in line]) == (expected, [])


@pytest.mark.slow
@pytest.mark.chaos
def test_killed_while_it_is_built_it_is_built_again(tmp_path: Path, port: int) -> None:
    settings = {"data_dir": tmp_path, "port": port}
    with fund("demo", **settings) as first:
        first.wait_for("  December 2020")
        first.end(signal.SIGKILL)
    with fund("demo", **settings) as interrupted:
        interrupted.wait_for("  November 2020")
        gently(interrupted, interrupted.end(signal.SIGINT), expected=130)
    with fund("demo", **settings) as again:
        assert built(again)
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            page = client.get("/")
            assert page.headers["x-demonstration"]
            assert "21 September 2021" in page.text
        gently(again, again.end(signal.SIGTERM))


@pytest.mark.slow
@pytest.mark.chaos
def test_a_restart_keeps_data_clock_and_session(folder: Path, port: int) -> None:
    settings = {"data_dir": folder.parent, "port": port}
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        with fund("demo", **settings) as first:
            assert not built(first)
            client.post("/demo/become/1")
            client.post("/demo/clock/week")
            left, mails = moment(folder), len(list((folder / "mail").iterdir()))
            first.end(signal.SIGKILL)
        with fund("demo", **settings) as second:
            assert not built(second)
            assert left <= moment(folder) < left + timedelta(minutes=10)
            assert len(list((folder / "mail").iterdir())) >= mails
            home = client.get("/home")
            assert (home.status_code, "28 September 2021" in home.text) == (200, True)
            with fund("demo", "--data", str(folder), port=port) as third:
                third.wait_for(f"fund: Port {port} on 127.0.0.1 is taken. Set FUND_PORT to another one.")
                assert third.process.wait(30) == 2
            gently(second, second.end(signal.SIGINT))


@pytest.mark.slow
def test_another_edition_and_a_wish_for_a_fresh_one_begin_anew(folder: Path, port: int) -> None:
    settings = {"data_dir": folder.parent, "port": port}
    (folder / "ready").write_text("0")
    with fund("demo", **settings) as other:
        assert built(other)
        gently(other, other.end(signal.SIGTERM))
    with fund("demo", "--fresh", **settings) as fresh:
        assert built(fresh)
        assert moment(folder).date().isoformat() == "2021-09-21"
        gently(fresh, fresh.end(signal.SIGINT))
