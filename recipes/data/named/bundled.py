"""Real datasets that are part of scikit-learn and need no network."""

import numpy as np

from recipes.arguments.names import normalize
from recipes.data.source import Source

NAMES = ("breast-cancer", "diabetes", "digits", "iris", "wine")
REGRESSION = ("diabetes",)


def task(name: str) -> str | None:
    """Task of the dataset called `name`, `"classification"` or `"regression"`; `None` if it is not one of `NAMES`."""
    if normalize(name) not in NAMES:
        return None
    return "regression" if normalize(name) in REGRESSION else "classification"


def read(name: str) -> Source:
    """The dataset called `name`, one of `NAMES`."""
    import sklearn.datasets

    if name == "diabetes":
        # The values as measured: scikit-learn's own scaling was computed from all rows, the test rows among them.
        bunch = sklearn.datasets.load_diabetes(scaled=False)
        parts = {"all": (bunch.data.astype(np.float32), bunch.target.astype(np.float64))}
        return Source(name, parts, task="regression", feature_names=tuple(bunch.feature_names))
    bunch = getattr(sklearn.datasets, f"load_{name.replace('-', '_')}")()
    is_digits = name == "digits"
    x = (bunch.images[..., None] if is_digits else bunch.data).astype(np.float32)
    return Source(
        name,
        {"all": (x, bunch.target.astype(np.int64))},
        task="classification",
        class_names=tuple(str(label) for label in bunch.target_names),
        feature_names=None if is_digits else tuple(map(str, bunch.feature_names)),
    )
