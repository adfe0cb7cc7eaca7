import numpy as np
import pytest

import recipes
from recipes.data import leaks

pandas = pytest.importorskip("pandas")
ROWS = 1000


@pytest.fixture
def generator():
    return np.random.default_rng(0)


def named(frame, target):
    """The columns that notes are about."""
    notes = [note for note in recipes.load_dataset(frame, target=target).notes if "alone" in note]
    return [note.split("'")[1] for note in notes]


def test_features_that_give_the_class_away_are_reported(generator):
    survived = generator.integers(0, 2, ROWS)
    frame = pandas.DataFrame({"age": generator.normal(size=ROWS), "survived": survived})
    assert named(frame.assign(alive=np.where(survived, "yes", "no")), "survived") == ["alive"]
    assert named(frame.assign(code=survived * 3 + 1), "survived") == ["code"]
    assert named(frame.assign(score=survived + generator.normal(0, 0.1, ROWS)), "survived") == ["score"]
    assert named(frame.assign(body=np.where(survived, np.nan, frame["age"])), "survived") == ["body"]
    note = recipes.load_dataset(frame.assign(alive=np.where(survived, "yes", "no")), target="survived").notes[0]
    assert note == (
        "column 'alive' alone gives the class of 100.0% of the training rows: if it is known only once the target is, "
        "leave it out (data.ignore: [alive])"
    )


def test_of_many_classes_too(generator):
    kind = generator.integers(0, 5, ROWS)
    frame = pandas.DataFrame({"age": generator.normal(size=ROWS), "kind": [f"kind {number}" for number in kind]})
    frame["shuffled"], frame["score"] = (kind * 3) % 5, (kind * 2) % 5 + generator.random(ROWS)
    assert named(frame, "kind") == ["shuffled", "score"]


def test_features_that_give_the_number_away_are_reported(generator):
    price = generator.lognormal(size=ROWS)
    frame = pandas.DataFrame({"size": price + generator.normal(size=ROWS), "price": price})
    assert named(frame.assign(cents=-100 * price, log=np.log(price)), "price") == ["cents", "log"]
    steps = generator.integers(0, 5, ROWS)
    frame = frame.assign(price=steps**2 / 7, step=[f"step {number}" for number in steps])
    assert named(frame, "price") == ["step"]


def test_good_features_are_no_leaks(generator):
    for name in ("iris", "breast_cancer", "wine", "diabetes"):
        assert named(*[name, None]) == []
    label = generator.integers(0, 2, ROWS)
    frame = pandas.DataFrame({"label": label, "group": [f"group {row // 2}" for row in range(ROWS)]})
    frame["score"] = label + generator.normal(0, 0.25, ROWS)  # right for 97.7 % of the rows
    assert named(frame, "label") == []
    rare = (np.arange(ROWS) < 8).astype(int)
    frame = pandas.DataFrame({"label": rare, "a": generator.random(ROWS), "b": rare + generator.random(ROWS) / 2})
    assert named(frame, "label") == ["b"]
    assert named(pandas.DataFrame({"label": rare, "a": generator.random(ROWS), "b": label}), "label") == []


def test_many_leaks_take_a_line_together_and_few_rows_are_looked_at(generator, monkeypatch):
    monkeypatch.setattr(leaks, "MOST_ROWS", 200)
    label = generator.integers(0, 2, ROWS)
    frame = pandas.DataFrame({"label": label, **{f"copy {number}": label for number in range(6)}})
    notes = recipes.load_dataset(frame, target="label").notes
    assert notes[3:4] == ("3 more columns do so: ['copy 3', 'copy 4', 'copy 5']",)
