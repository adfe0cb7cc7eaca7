"""The examples of the README run as printed."""

import re
import shutil
import types
from pathlib import Path

import pytest

import recipes

ROOT = Path(__file__).parent.parent
EXAMPLES = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)


def marks(example):
    """Examples that train take long, and what they use is tested elsewhere, too."""
    return pytest.mark.extensive if re.search(r"\.(train|compare|cross_validate|fit)\(", example) else ()


@pytest.mark.parametrize("number", [pytest.param(number, marks=marks(text)) for number, text in enumerate(EXAMPLES)])
def test_an_example_runs_as_printed(number, tmp_path, monkeypatch):
    shutil.copytree(ROOT / "saved_models" / "digits", tmp_path / "saved_models" / "digits")
    monkeypatch.chdir(tmp_path)
    exec(compile(EXAMPLES[number], f"README example {number}", "exec"), {})


def test_there_are_examples():
    assert len(EXAMPLES) >= 4


def test_every_name_of_the_package_is_there_without_a_further_import():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\brecipes\.(\w+)(?:\.(\w+))?", text))
    assert ("metrics", "find_threshold") in named
    for name, inner in named:
        # In `__all__`, because an import by another test makes a module an attribute, too.
        assert name in recipes.__all__
        if inner and isinstance(getattr(recipes, name), types.ModuleType):
            assert hasattr(getattr(recipes, name), inner)
