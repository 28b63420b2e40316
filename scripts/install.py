"""Install hash-pinned requirements, with ``--fund`` the fund itself too, into the environment whose Python runs this.

Only the standard library is used: nothing else is there yet.
"""

import subprocess
import sys
from collections import deque

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]


def main() -> int:
    """Install the requirements file named on the command line, and say so; pip's exit code."""
    requirements, *options = sys.argv[1:]
    print(f"Installing {requirements} (up to a minute, the first time only)", flush=True)
    code = _run([*PIP, "install", "--require-hashes", "--progress-bar=off", "-r", requirements])
    if code == 0 and "--fund" in options:
        print("Installing the fund command", flush=True)
        local = ["--no-deps", "--no-index", "--no-build-isolation"]
        code = _run([*PIP, "install", *local, "--editable", "."])
    return code


def _run(command: list[str]) -> int:
    """Run pip with one line of progress; all that it said last is shown only where it fails."""
    last = deque[str](maxlen=40)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
        assert pip.stdout is not None
        for line in pip.stdout:
            last.append(line)
            if line.startswith("Collecting "):
                _show(f"  fetching {line.removeprefix('Collecting ').split('==')[0]}")
            elif line.startswith("Installing collected packages"):
                _show("  unpacking")
    _show("")
    if pip.returncode:
        print("".join(last))
    return pip.returncode


def _show(text: str) -> None:
    # On a terminal one line is written over and over; in a log the two headlines are enough.
    if sys.stdout.isatty():
        print(f"\r{text[:70]:<70}\r", end="", flush=True)


if __name__ == "__main__":
    sys.exit(main())
