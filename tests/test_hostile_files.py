"""Hostile files are refused in one sentence, at once, and in little memory. The corpus is `tests/hostile/files.py`."""

import re
import sys
import time
import tracemalloc
from pathlib import Path

import pytest
from hostile.files import CASES, foreign_features, load_tfds

from recipes.runs import stored_parts

MOST_SECONDS, MOST_MEGABYTES = 5, 500


def peak_megabytes(reset: bool = False) -> float | None:
    """Largest memory of this process since the last reset; `None` where the system does not say."""
    try:
        if reset:
            Path("/proc/self/clear_refs").write_text("5")
        return int(re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())[1]) / 1024
    except OSError:
        return None


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_hostile_files_are_refused_at_once(case, tmp_path, monkeypatch):
    given = case.make(tmp_path)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    before, start = peak_megabytes(reset=True), time.process_time()
    with pytest.raises((ValueError, OSError)) as refused:
        case.read(given)
    seconds, after = time.process_time() - start, peak_megabytes()
    assert re.search(case.refusal, str(refused.value))
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 3000
    assert seconds < MOST_SECONDS
    assert before is None or after - before < MOST_MEGABYTES


def test_the_corpus_has_no_two_cases_of_one_name():
    names = [case.name for case in CASES]
    assert len(names) == len(set(names))


def test_features_of_tfds_import_no_module_of_the_working_directory(tmp_path, monkeypatch):
    (tmp_path / "hostile_module.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    with pytest.raises(ValueError, match="Received: 'hostile_module.Thing'"):
        load_tfds(foreign_features(tmp_path))
    assert "hostile_module" not in sys.modules


def test_a_small_file_of_text_takes_little_memory(tmp_path):
    (tmp_path / "report.json").write_text("{}")
    tracemalloc.start()
    try:
        stored_parts.read_json(tmp_path / "report.json")
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()
