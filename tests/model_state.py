"""The state of a model and of the random generators, bit by bit, for tests of what leaves no trace."""

import random
import sys

import keras
import numpy as np


def bits(variables):
    return [keras.ops.convert_to_numpy(variable).tobytes() for variable in variables]


def state(model):
    return bits([*model.variables, *model.metrics_variables, *model.optimizer.variables])


def seed_all(seed):
    """Seed every global generator that is there; Keras seeds that of PyTorch on its own backend alone."""
    keras.utils.set_random_seed(seed)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)


def random_numbers():
    """The next ones of every global generator that is there."""
    numbers = [random.random(), np.random.random()]  # noqa: NPY002
    numbers += keras.ops.convert_to_numpy(keras.random.normal((2,))).tolist()
    # Keras shuffles rows with those of TensorFlow or PyTorch, whatever the backend.
    if "tensorflow" in sys.modules:
        numbers += sys.modules["tensorflow"].random.uniform((2,)).numpy().tolist()
    if "torch" in sys.modules:
        numbers += sys.modules["torch"].rand(2).tolist()
    return numbers
