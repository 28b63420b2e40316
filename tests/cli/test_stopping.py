"""Ctrl+C and SIGTERM end what runs: gently, with exit code 0, and with the worker's lock given back."""

import signal

import httpx2
import pytest

from tests.support.live import address_of, free_socket
from tests.support.processes import fund

SIGNALS = [signal.SIGINT, signal.SIGTERM]


@pytest.fixture
def free_port():
    with free_socket() as listening:
        return int(address_of(listening).rpartition(":")[2])


def check_gone(running, code, folder):
    """It said nothing that only a programmer reads, and no worker holds a lock any more."""
    assert (code, [line for line in running.lines if "Traceback" in line]) == (0, [])
    assert list(folder.glob("workers/*")) == []


@pytest.mark.slow
@pytest.mark.parametrize("number", SIGNALS)
def test_serve_with_its_worker_ends_gently(sqlite_url, tmp_path, free_port, number):
    settings = {"database_url": sqlite_url, "data_dir": tmp_path, "port": free_port, "embedded_worker": 1}
    with fund("serve", **settings) as running:
        running.wait_for(f"the fund answers on http://127.0.0.1:{free_port}")
        assert httpx2.get(f"http://127.0.0.1:{free_port}/healthz", timeout=30).json() == {"status": "ok"}
        check_gone(running, running.end(number), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("number", SIGNALS)
def test_the_worker_ends_gently(sqlite_url, tmp_path, number):
    with fund("worker", database_url=sqlite_url, data_dir=tmp_path, sweep_seconds=1) as running:
        running.wait_for("the worker sweeps every 1.0 seconds")
        check_gone(running, running.end(number), tmp_path)
