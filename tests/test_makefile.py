"""What `make` says on a machine whose Python will not do."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


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
    result = subprocess.run(["make", "check-python", f"PYTHON={python}"], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode != 0
    assert message in result.stdout
    assert len(result.stdout.splitlines()) == 1


def test_a_python_that_is_not_there_is_told_in_one_line():
    result = subprocess.run(["make", "check-python", "PYTHON=none"], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode != 0
    assert "keras-recipes needs Python" in result.stdout
