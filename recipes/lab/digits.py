"""The real images on which most experiments train: the 1,797 handwritten digits that come with scikit-learn."""

import numpy as np

from recipes.data import load_dataset

Part = tuple[np.ndarray, np.ndarray]


def digits(rows: int | None = None) -> tuple[Part, Part, Part]:
    """Training, validation and test part, each `(x, y)`: images `(rows, 8, 8, 1)` with mean 0, standard deviation 1.

    Args:
        rows: Number of training rows, for experiments on few labels. Default: all.
    """
    dataset = load_dataset("digits", seed=0)
    mean, deviation = dataset.train[0].mean(), dataset.train[0].std()
    scaled = [((x - mean) / deviation, y) for x, y in (dataset.train, dataset.validation, dataset.test)]
    train = tuple(part[:rows] for part in scaled[0])
    return train, scaled[1], scaled[2]
