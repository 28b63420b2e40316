"""The story, lived through once for the whole run, and for each test a copy of its folder with the stage on it."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from fund.base.settings import Settings
from fund.demo.run import demo_app
from fund.demo.stage import Stage, set_up
from tests.support.loop import quick
from tests.support.shared import once


@dataclass
class Demo:
    """The demonstration on a stage, and browsers in front of it. ``told`` is what it said while it opened."""

    stage: Stage
    app: FastAPI
    told: list[str] = field(default_factory=list)

    def browser(self, name: str = "") -> TestClient:
        """A browser of its own, after one click on the button of that name in the bar (a stranger's without)."""
        client = quick(TestClient(self.app, follow_redirects=False))
        if name:
            became = client.post(self.buttons()[name])
            assert (became.status_code, became.headers["location"]) == (303, "/home")
        return client

    def buttons(self, page: str = "/") -> dict[str, str]:
        """The buttons of the bar on that page, each with the address that it posts to."""
        html = quick(TestClient(self.app)).get(page).text
        found = re.findall(r'<form method="post" action="(/demo/[^"]+)"><button[^>]*>([^<]+)<', html)
        return {name: address for address, name in found}


def build(folder: Path) -> None:
    set_up(Settings(), folder, fresh=False, tell=lambda line: None).close()


@pytest.fixture
def folder(run_folder: Path, tmp_path: Path) -> Path:
    """A folder in which the story was told, for this test alone."""
    once(run_folder, "story", lambda: build(run_folder / "story"))
    return Path(shutil.copytree(run_folder / "story", tmp_path / "demo"))


@pytest.fixture(scope="session")
def morning(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demonstration on its first morning, for all tests that only look."""
    once(run_folder, "story", lambda: build(run_folder / "story"))
    demo = opened(Path(shutil.copytree(run_folder / "story", tmp_path_factory.mktemp("demo") / "demo")))
    yield demo
    demo.stage.close()


@pytest.fixture
def demo(folder: Path) -> Iterator[Demo]:
    """The demonstration on its first morning, for a test that moves the clock."""
    demo = opened(folder)
    yield demo
    demo.stage.close()


def opened(folder: Path) -> Demo:
    """The demonstration in that folder. Whoever calls this closes its stage."""
    told: list[str] = []
    stage = set_up(Settings(), folder, fresh=False, tell=told.append)
    return Demo(stage, demo_app(stage), told)
