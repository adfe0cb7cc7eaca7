"""Real datasets that scikit-learn brings along: they need no network."""

import numpy as np

from recipes.lookup import normalize

NAMES = ("breast-cancer", "diabetes", "digits", "iris", "wine")


REGRESSION = ("diabetes",)


def task(name: str) -> str | None:
    """What is predicted in a dataset of `NAMES`; `None` for other names."""
    if normalize(name) not in NAMES:
        return None
    return "regression" if normalize(name) in REGRESSION else "classification"


def load(name: str) -> tuple[np.ndarray, np.ndarray, tuple[str, ...] | None, tuple[str, ...] | None]:
    """`x`, `y`, class names and feature names of a dataset in `NAMES`; regression has no class names."""
    import sklearn.datasets

    if name == "diabetes":
        # As it was measured: scikit-learn's own scaling was learnt from all rows, the test rows among them.
        bunch = sklearn.datasets.load_diabetes(scaled=False)
        return bunch.data.astype(np.float32), bunch.target.astype(np.float32), None, tuple(bunch.feature_names)
    bunch = getattr(sklearn.datasets, f"load_{name.replace('-', '_')}")()
    class_names = tuple(str(label) for label in bunch.target_names)
    if name == "digits":
        return bunch.images[..., None].astype(np.float32), bunch.target, class_names, None
    return bunch.data.astype(np.float32), bunch.target, class_names, tuple(map(str, bunch.feature_names))
