"""The examples of the README and of docs/ run as printed."""

import re
import shutil
import types
from pathlib import Path

import pytest

import recipes

ROOT = Path(__file__).parent.parent
PAGES = {
    path.name: path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
}
EXAMPLES = {
    f"{name}-{number}": example
    for name, text in PAGES.items()
    for number, example in enumerate(re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL))
}


def marks(example):
    """Examples that train take long, and what they use is tested elsewhere, too."""
    return pytest.mark.extensive if re.search(r"\.(train|compare|cross_validate|fit)\(", example) else ()


@pytest.mark.parametrize("name", [pytest.param(name, marks=marks(text)) for name, text in EXAMPLES.items()])
def test_an_example_runs_as_printed(name, tmp_path, monkeypatch):
    shutil.copytree(ROOT / "saved_models" / "digits", tmp_path / "saved_models" / "digits")
    monkeypatch.chdir(tmp_path)
    exec(compile(EXAMPLES[name], name, "exec"), {})


def test_every_page_has_examples():
    assert {name.rpartition("-")[0] for name in EXAMPLES} == set(PAGES)


def test_the_readme_is_short():
    assert len(PAGES["README.md"].splitlines()) <= 200


def test_every_name_of_the_package_is_there_without_a_further_import():
    named = set(re.findall(r"\brecipes\.(\w+)(?:\.(\w+))?", "".join(PAGES.values())))
    assert ("metrics", "find_threshold") in named
    for name, inner in named:
        # In `__all__`, because an import by another test makes a module an attribute, too.
        assert name in recipes.__all__
        if inner and isinstance(getattr(recipes, name), types.ModuleType):
            assert hasattr(getattr(recipes, name), inner)
