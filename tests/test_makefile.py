"""What `make` says on a machine whose Python will not do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def check(python):
    """What `make` says about `python`, whether or not the tests themselves run under make."""
    command = ["make", "--no-print-directory", "check-python", f"PYTHON={python}"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert result.returncode != 0
    assert len(result.stdout.splitlines()) == 1
    return result.stdout


@pytest.mark.parametrize(
    ("lacks", "message"),
    [
        ("version_info", "keras-recipes needs Python 3.11 or later"),
        ("ensurepip", "lacks venv: install it (Debian, Ubuntu: apt install python3-venv)"),
    ],
)
def test_a_python_that_will_not_do_is_told_in_one_line(lacks, message, tmp_path):
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\ncase "$*" in *{lacks}*) exit 1;; esac\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    assert message in check(python)


def test_a_python_that_is_not_there_is_told_in_one_line():
    assert "keras-recipes needs Python" in check("none")
