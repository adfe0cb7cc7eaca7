"""Running an experiment with fixed seeds, beside whatever else the process trains."""

import importlib
import random

from recipes.keras_internals.private import separate_global_seed
from recipes.lab.result import Result
from recipes.training.state import random_state, set_random_state


def result_of(name: str) -> Result:
    """The result of the experiment `name`, a key of `recipes.lab.EXPERIMENTS`."""
    experiment = importlib.import_module(f"recipes.lab.{name.replace('-', '_')}")
    before = random_state()
    try:
        with separate_global_seed():
            random.seed(0)  # from which Keras draws the seeds of layers that are given none
            return experiment.run()
    finally:
        set_random_state(before)
