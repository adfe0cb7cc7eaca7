"""Trainings that are interrupted at a chosen place, with the digest of their state at each place before."""

import hashlib
import json

import numpy as np
import pytest

import recipes
from recipes.runs.checkpoints import Checkpoints, _taken_apart


def quick(**fit):
    settings = {"epochs": 3, "batch_size": 50, "patience": None, "checkpoint": "1 step", **fit}
    return recipes.Recipe(name="quick", data=recipes.settings.Data(name="iris")).replace(
        model={"widths": (4,)}, fit=settings
    )


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


def assert_same_run(one, other):
    for first, second in zip(one.model.get_weights(), other.model.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)
    assert (one.history, one.kept_epoch) == (other.history, other.kept_epoch)
    assert one.report.to_dict() == other.report.to_dict()
    for name, values in one.record.measured().items():
        np.testing.assert_array_equal(values, other.record.measured()[name])
