"""Healthy Keras programs: whatever fault the doctor names in one of them is a false alarm.

They are written anew in the way of the examples, guides and tutorials of keras.io and tensorflow.org, on rows that can
be had without a network: sets of scikit-learn, docstrings of installed packages, series drawn by a seed; images, the
census and the Californian districts come from the folder that KERAS_RECIPES_DATA names. Settings were chosen for the
score alone, before the doctor had seen any of the programs.
"""

import keras

from healthy_programs import pictures, series, tables, text
from healthy_programs.program import Program as Program

PROGRAMS = {
    function.__name__: function
    for module in (pictures, tables, text, series)
    for function in module.PROGRAMS
}  # fmt: skip


def program(name: str, seed: int = 0) -> Program:
    """The program of that name; the seed is that of its split, its noise and its initial weights."""
    keras.utils.set_random_seed(seed)
    return PROGRAMS[name](seed)
