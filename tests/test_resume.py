"""A training that is resumed equals one without interruption, in every bit of its state after every step."""

import hashlib
import json

import numpy as np
import pytest

import recipes
from recipes.runs.checkpoints import Checkpoints, _taken_apart

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


def digest(tree):
    """Digest of a checkpoint, without what depends on the clock."""

    def timeless(value):
        if isinstance(value, dict):
            return {key: timeless(item) for key, item in value.items() if "seconds" not in key}
        return [timeless(item) for item in value] if isinstance(value, list | tuple) else value

    arrays = []
    plain = json.dumps(_taken_apart(timeless(tree), arrays))
    return hashlib.sha256(b"".join([plain.encode(), *(array.tobytes() for array in arrays)])).hexdigest()


class StoppedError(Exception):
    pass


def train(recipe, output, stop=None, **arguments):
    """Train, and collect the digest of each checkpoint by its place; perhaps interrupted at one."""
    seen = {}
    save = Checkpoints.save

    def watched_save(self, tree):
        place = tree["before_fine_tuning"] is not None, tree["epoch"], tree["step"]
        seen[place] = digest(tree)
        save(self, tree)
        if place[1:] == stop:
            raise StoppedError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoints, "save", watched_save)
        options = {"output": output, "pictures": False, "verbose": False, "name": "run", **arguments}
        try:
            return recipes.train(recipe, **options), seen
        except StoppedError:
            return None, seen


@pytest.fixture(scope="module")
def whole_training(tmp_path_factory):
    return train(recipe_with(), tmp_path_factory.mktemp("whole"))


def assert_same_run(one, other):
    for first, second in zip(one.model.get_weights(), other.model.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)
    assert (one.history, one.kept_epoch) == (other.history, other.kept_epoch)
    assert one.report.to_dict() == other.report.to_dict()
    for name, values in one.record.measured().items():
        np.testing.assert_array_equal(values, other.record.measured()[name])


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
