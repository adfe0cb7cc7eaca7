"""The examples of the README run as printed."""

import re
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_runs_as_printed(number, tmp_path, monkeypatch):
    shutil.copytree(ROOT / "saved_models" / "digits", tmp_path / "saved_models" / "digits")
    monkeypatch.chdir(tmp_path)
    exec(compile(EXAMPLES[number], f"README example {number}", "exec"), {})


def test_there_are_examples():
    assert len(EXAMPLES) >= 4
