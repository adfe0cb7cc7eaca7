"""A training that is resumed equals one without interruption, in every bit of its state after every step."""

import pytest
from interrupted_training import assert_same_run, quick, train

import recipes

EVERYTHING = {
    "data": {"train_rows": 250},
    "model": {"widths": (6,)},
    "regularization": {"dropout": 0.3, "noise": 0.1},
    "augmentation": {"shift": 0.1, "rotate": 10.0, "mixup": 0.2},
    "optimizer": {"ema_momentum": 0.9, "global_clipnorm": 1.0},
    "schedule": {"name": "reduce_on_plateau", "patience": 1, "factor": 0.5},
    "fit": {"epochs": 3, "batch_size": 100, "patience": 2, "restarts": 1, "checkpoint": "1 step"},
}


def recipe_with(**changes):
    base = recipes.Recipe(name="everything", data=recipes.settings.Data(name="digits"))
    settings = {part: {**EVERYTHING.get(part, {}), **changes.get(part, {})} for part in {**EVERYTHING, **changes}}
    return base.replace(model={"builder": "convnet"}).replace(**settings)


@pytest.fixture(scope="module")
def whole_training(tmp_path_factory):
    return train(recipe_with(), tmp_path_factory.mktemp("whole"))


@pytest.mark.backend
@pytest.mark.whole
@pytest.mark.optimized
@pytest.mark.parametrize(
    "stop",
    [
        pytest.param((0, 1), marks=pytest.mark.extensive, id="in epoch 1"),
        pytest.param((1, 2), id="in epoch 2"),
        pytest.param((2, 0), marks=pytest.mark.extensive, id="between epochs"),
        pytest.param((3, 0), marks=pytest.mark.extensive, id="at the end"),
    ],
)
def test_a_resumed_training_equals_one_without_interruption(stop, tmp_path, whole_training):
    expected, states = whole_training
    interrupted, before = train(recipe_with(), tmp_path, stop)
    assert interrupted is None
    run, after = train(recipe_with(), tmp_path, resume=True)
    assert before | after == states
    assert_same_run(run, expected)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.extensive
@pytest.mark.backend
@pytest.mark.optimized
@pytest.mark.parametrize("stop", [(0, 2), (1, 1), (2, 0)])
def test_rows_on_the_disk_resume_as_well(stop, tmp_path, monkeypatch):
    monkeypatch.setattr("recipes.training.batches.MOST_PREPARED", 0)
    expected, states = train(quick(), tmp_path / "whole")
    _, before = train(quick(), tmp_path, stop)
    run, after = train(quick(), tmp_path, resume=True)
    assert before | after == states
    assert_same_run(run, expected)


@pytest.mark.extensive
@pytest.mark.backend
@pytest.mark.optimized
@pytest.mark.parametrize("stop", [(0, 3), (1, 0), (1, 2), (2, 0)], ids=["head", "between", "body", "end"])
def test_fine_tuning_resumes_as_well(stop, tmp_path):
    recipe = recipes.get("digits-transfer").replace(
        data={"train_rows": 250},
        fit={"epochs": 1, "batch_size": 50, "checkpoint": "1 step"},
        fine_tune={"epochs": 1},
    )
    expected, states = train(recipe, tmp_path / "whole")
    _, before = train(recipe, tmp_path, stop)
    run, after = train(recipe, tmp_path, resume=True)
    assert before | after == states
    assert_same_run(run, expected)


@pytest.mark.extensive
@pytest.mark.backend
@pytest.mark.optimized
def test_a_training_on_validation_rows_too_resumes_as_well(tmp_path):
    recipe = quick(keep="error", refit=True).replace(
        regularization={"dropout": 0.2, "schedule": "flat_cosine"}, optimizer={"weight_decay": 0.1}
    )
    expected, states = train(recipe, tmp_path / "whole")
    # With validation rows, epochs have three steps instead of two.
    interrupted, before = train(recipe, tmp_path, stop=(0, 2))
    assert interrupted is None
    run, after = train(recipe, tmp_path, resume=True)
    assert before | after == states
    assert_same_run(run, expected)
