"""Categories of few rows: pooled, so that a column of names is not learnt by heart."""

import numpy as np
import pandas as pd
import pytest

import recipes
from recipes.settings import Data

ROWS = 1500


def frame(names, effect=0.0, rows=ROWS, task="classification"):
    """A number that the target depends on, and a surname, some of many rows, that it depends on by `effect`."""
    generator = np.random.default_rng(1)
    surname = (names * generator.uniform(size=rows) ** 2).astype(int)
    merit = generator.normal(size=names)[surname] * effect
    number = generator.normal(size=rows)
    target = number + merit + generator.normal(size=rows) / 2
    return pd.DataFrame({
        "surname": np.char.add("name ", surname.astype(str)),
        "number": number,
        "target": target if task == "regression" else np.where(target > 0, "yes", "no"),
    })  # fmt: skip


def loaded(data, rare_below):
    return recipes.load_dataset(data, target="target", settings=Data(rare_below=rare_below))


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_column_of_names_is_left_out_if_they_tell_nothing_about_the_target(task):
    dataset = loaded(frame(300, task=task), "credible")
    reason = "its categories have few rows, and differ in the target by no more than chance"
    assert dataset.preparation.left_out == {"surname": reason}
    assert dataset.embedded == ()
    assert not dataset.train[0][:, 0].any()  # the code of unseen names
    assert loaded(frame(300, task=task), 2).embedded[0] > 150  # the default


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_names_that_tell_much_are_kept(task):
    data = frame(300, effect=3.0, task=task)
    assert loaded(data, "credible").embedded == loaded(data, 2).embedded


def test_a_column_of_names_does_not_change_what_a_network_sees():
    data = frame(300)
    for part in ("train", "validation", "test"):
        with_names, without = (
            loaded(one, "credible").prepared(part)[0] for one in (data, data.drop(columns="surname"))
        )
        np.testing.assert_array_equal(with_names, without)


def test_names_need_the_more_rows_the_less_they_tell():
    kept = [loaded(frame(60, effect, rows=3000, task="regression"), "credible").embedded for effect in (0.5, 0.25)]
    assert kept[0][0] > kept[1][0] > 0


def test_categories_of_many_rows_are_kept_whatever_they_tell():
    assert loaded(frame(17, rows=6000), "credible").embedded == (18,)


def test_few_categories_are_never_pooled_by_what_they_tell():
    kinds = loaded(frame(12, rows=200), "credible").preparation.vocabularies["surname"]
    assert len(kinds) == 12


def test_a_number_of_rows_holds_for_every_column():
    data = pd.DataFrame({"kind": ["a"] * 30 + ["b"] * 30 + ["c"] * 6, "target": [0.5, 2.0, 1.0] * 22})
    known = [loaded(data, fewest).preparation.vocabularies["kind"] for fewest in (1, 10)]
    assert known == [("a", "b", "c"), ("a", "b")]
    with pytest.raises(ValueError, match="kind: most of its texts occur in fewer than 40 rows"):
        loaded(data, 40)


def test_only_training_rows_decide():
    data = frame(300)
    datasets = []
    for others in (data, frame(300, effect=3.0)):
        settings = Data(rare_below="credible", target="target")
        datasets.append(
            recipes.load_dataset(
                ((data.drop(columns="target"), data["target"]), (others.drop(columns="target"), others["target"])),
                settings=settings,
            )
        )
    assert [dataset.embedded for dataset in datasets] == [(), ()]


@pytest.mark.parametrize("value", [0, -1, "often", 2.5])
def test_other_values_are_refused(value):
    with pytest.raises(
        ValueError, match=r"data.rare_below must be (at least 1, or|a whole number or) credible. Received"
    ):
        Data(rare_below=value)
