"""What a training leaves behind in the process: none of its rows, and none of the objects of this package."""

import gc
import weakref

import keras
import numpy as np
import pytest

import recipes
from recipes.data import Dataset
from recipes.training.batches import Batches, RowsInMemory, RowsOnDisk, ValidationBatches
from recipes.training.prepared import Training

OURS = (Dataset, RowsInMemory, RowsOnDisk, Training, keras.callbacks.Callback, keras.Model)


@pytest.mark.backend
def test_a_training_leaves_none_of_its_objects_and_rows_behind():
    """Images that are changed reach TensorFlow through a Python generator, which it keeps until the process ends."""
    x, y = np.random.default_rng(0).normal(size=(60, 8, 8, 1)).astype("float32"), np.arange(60) % 3
    recipe = recipes.get("digits-convnet").replace(
        model={"widths": [4]}, fit={"epochs": 1}, augmentation={"shift": 0.1}
    )
    gc.collect()
    before = {id(thing) for thing in gc.get_objects() if isinstance(thing, OURS)}
    training = Training.of(recipe, recipes.load_dataset((x, y)))
    training.fit()
    rows = weakref.ref(training.dataset.train[0])
    del training
    gc.collect()
    left = [type(thing).__name__ for thing in gc.get_objects() if isinstance(thing, OURS) and id(thing) not in before]
    assert (left, rows()) == ([], None)


def test_released_batches_repeat_the_latest_one_for_whoever_still_reads_ahead():
    batches = Batches(RowsInMemory(np.arange(10.0)[:, None], np.arange(10)), batch_size=4)
    expected = batches[1]
    batches.release()
    assert batches[7] is expected
    validation = ValidationBatches(recipes.load_dataset("iris"), batch_size=4)
    expected = validation[0]
    validation.release()
    assert (validation[2] is expected, validation.num_batches) == (True, 4)
