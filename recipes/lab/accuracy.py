"""How many rows a classifier gets right, once it is trained."""

import keras
import numpy as np


def accuracy_of(model: keras.Model, x: np.ndarray, y: np.ndarray) -> float:
    """Share of the rows whose class has the greatest logit, at inference.

    Args:
        model: Model that gives a logit for each class.
        x: Rows as the model takes them `(rows, ...)`.
        y: Number of the class of each row `(rows,)`.
    """
    logits = keras.ops.convert_to_numpy(model(x, training=False))
    return float((logits.argmax(axis=1) == y).mean())
