"""Real datasets that scikit-learn brings along: they need no network."""

import numpy as np

from recipes.arguments.names import normalize
from recipes.data.source import Source

NAMES = ("breast-cancer", "diabetes", "digits", "iris", "wine")


REGRESSION = ("diabetes",)


def task(name: str) -> str | None:
    """What is predicted in a dataset of `NAMES`; `None` for other names."""
    if normalize(name) not in NAMES:
        return None
    return "regression" if normalize(name) in REGRESSION else "classification"


def read(name: str) -> Source:
    """A dataset of `NAMES`."""
    import sklearn.datasets

    if name == "diabetes":
        # As it was measured: scikit-learn's own scaling was learnt from all rows, the test rows among them.
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
