"""Names in the environment that were meant to be settings and are none."""

import os
import subprocess
import sys

import pytest

from fund.base.settings import strangers

KNOWN = ["FUND_PORT", "fund_zone", "FUND_LONG", "PATH", "REFUND_PORT"]


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("FUND_PROT", "FUND_PORT"),
        ("FUND_MAIL_LIMIT", "FUND_MAIL_LIMITS"),
        ("FUND_MAILS_PER_MINUTE", "FUND_MAIL_LIMITS"),
        ("fund_time_zone", "FUND_ZONE"),
        ("FUND_QUITE_ANOTHER", ""),
    ],
)
def test_a_stranger_is_named_with_the_setting_next_to_it(name, near):
    assert strangers([name, *KNOWN]) == {name: near}


def test_the_command_warns_in_one_line_and_goes_on(tmp_path):
    own = {"FUND_DATA_DIR": str(tmp_path), "FUND_PROT": "8001"}
    command = [sys.executable, "-m", "fund.cli", "migrate"]
    done = subprocess.run(command, env=os.environ | own, capture_output=True, text=True, check=True)
    warnings = [line for line in done.stderr.splitlines() if "FUND_PROT" in line]
    assert warnings == ["FUND_PROT is no setting and changes nothing. Did you mean FUND_PORT?"]
    assert (tmp_path / "fund.sqlite3").exists()
