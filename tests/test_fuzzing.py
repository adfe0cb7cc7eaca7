"""Inputs made by chance are read, or refused by a documented error of one sentence. `benchmarks/fuzz.py` makes 10^5."""

import json
from random import Random

import pytest
from fuzzing import mutation, seeds
from fuzzing.targets import TARGETS, outcome
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import recipes
from recipes.settings import Data, Recipe
from recipes.settings.recipe import parts

FEW = settings(max_examples=20, deadline=5000, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
EXECUTIONS = {"recipe": 60, "table": 40, "npz": 80, "run_folder": 40, "model": 12}


@pytest.mark.parametrize("target", TARGETS)
def test_changed_files_are_read_or_refused(target, tmp_path):
    outcomes = set()
    for number in range(EXECUTIONS[target]):
        call = TARGETS[target](Random(f"{target} {number}"), tmp_path)
        before = {path.name for path in tmp_path.iterdir()}
        outcomes.add(outcome(call))
        assert {path.name for path in tmp_path.iterdir()} == before
        for path in tmp_path.iterdir():
            path.unlink()
    assert {"read", "ValueError"} <= outcomes  # else the changes are too small, or too large


SCALARS = st.sampled_from(mutation.VALUES) | st.integers() | st.floats() | st.text(max_size=8)
NAMES = st.sampled_from(sorted({name for part in parts().values() for name in part.__dataclass_fields__}))
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=3), inner, max_size=3)
)


def settings_of(part: type):
    return st.dictionaries(st.sampled_from(sorted(part.__dataclass_fields__)), TREES, max_size=4) | TREES


@FEW
@given(st.fixed_dictionaries({}, optional={name: settings_of(part) for name, part in parts().items()}))
def test_settings_of_any_kind_are_read_or_refused(tree):
    outcome(lambda: Recipe.from_yaml(json.dumps(tree)))


@FEW
@given(st.text(st.sampled_from("abc: -[]{}&*!|>'\"\n#%@`?,0.~<\t\\é\0"), max_size=40))
def test_any_text_is_a_recipe_or_refused(text):
    outcome(lambda: Recipe.from_yaml(text))


FIELDS = st.sampled_from(["1", "2.5", "-3", "", "a", '"', '"a,b"', "1,5", "nan", "2024-02-30", "é", "\0", "=1", " "])


@FEW
@given(
    st.lists(st.lists(FIELDS, min_size=1, max_size=4), max_size=12),
    st.sampled_from([",", ";", "\t", " ", "|"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1"]),
    st.sampled_from([Data(target="a"), Data(target="column_1"), Data(target="a", header=True, encoding="latin-1")]),
)
def test_tables_of_odd_fields_are_read_or_refused(tmp_path_factory, rows, delimiter, end, encoding, read):
    file = tmp_path_factory.getbasetemp() / "odd.csv"
    file.write_bytes(end.join(map(delimiter.join, [["a", "b"], *rows])).encode(encoding))
    outcome(lambda: recipes.load_dataset(file, settings=read))


def test_what_is_changed_is_valid_before_it_is_changed(tmp_path):
    for text in seeds.recipe_texts():
        Recipe.from_yaml(text.decode())
    for name, content, read in seeds.tables():
        (tmp_path / name).write_bytes(content)
        recipes.load_dataset(tmp_path / name, settings=read)
    for content, read in seeds.arrays():
        (tmp_path / "rows.npz").write_bytes(content)
        recipes.load_dataset(tmp_path / "rows.npz", settings=read)
