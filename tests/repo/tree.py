"""The files of the repository, as a newcomer gets them."""

import os
import re
import subprocess
from functools import cache
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PACKAGES = ("schema", "workflows", "notifications", "fund")


@cache
def tracked() -> tuple[Path, ...]:
    """Every committed file, and every new one that would be: paths below ROOT."""
    # In a container the checkout may belong to another user, which git refuses unless told.
    listing = [
        "git",
        "-c",
        "safe.directory=*",
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]
    done = subprocess.run(listing, cwd=ROOT, capture_output=True, check=True)
    names = [os.fsdecode(name) for name in done.stdout.split(b"\0") if name]
    return tuple(path for path in sorted({Path(name) for name in names}) if (ROOT / path).is_file())


@cache
def text(path: Path) -> str | None:
    """What a tracked file says; None for pictures and other files that are not text."""
    content = (ROOT / path).read_bytes()
    try:
        return None if b"\0" in content else content.decode()
    except UnicodeDecodeError:
        return None


def modules(*folders: str) -> list[Path]:
    """The tracked Python files in these folders."""
    return [path for path in tracked() if path.suffix == ".py" and path.parts[0] in folders]


def pins(name: str) -> dict[str, str]:
    """Name and version of each entry of a lock file, after checking that it has nothing but pins and hashes."""
    joined = (ROOT / "requirements" / name).read_text().replace("\\\n", " ")
    found = {}
    for line in joined.splitlines():
        pin, *hashes = re.split(r"\s+--hash=", line)
        requirement = Requirement(pin)
        [specifier] = requirement.specifier
        assert specifier.operator == "==", line
        assert requirement.url is None, line
        assert hashes, line
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest.strip()) for digest in hashes), line
        found[canonicalize_name(requirement.name)] = specifier.version
    return found
