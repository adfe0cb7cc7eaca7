"""Whether runs were tested on the same rows: by digests of the rows, by settings and seed, or by targets."""

import numpy as np

from recipes.data import Dataset, Fingerprint, row_digests, same_source
from recipes.evaluation.test_part import FoundRows
from recipes.runs.stored import Stored

# Settings of the data that decide which rows the test part has.
_SETTINGS_OF_THE_SPLIT = (
    "task", "target", "missing", "kept_classes", "validation_fraction", "test_fraction", "group_column", "time_column",
    "validation_file", "test_file", "fold",
)  # fmt: skip
# Number of different targets of a regression that do not agree by chance in their order.
_ENOUGH_TARGETS = 20


def digests_of_part(part: Dataset | FoundRows) -> np.ndarray:
    """Digests of the rows of a test part, uint64 `(rows,)`."""
    return part.digests if isinstance(part, FoundRows) else row_digests.of_dataset(part).row_digests["test"]


def digests_of_test_rows(known: Fingerprint) -> np.ndarray:
    """Digests of all test rows of a run, uint64 `(rows,)`; none where only a sample is stored."""
    return known.row_digests["test"] if known.is_complete else np.zeros(0, np.uint64)


def are_same_rows(digests: list[np.ndarray]) -> bool:
    """Whether all hold the digests of the same rows, in whatever order; `False` where any holds none."""
    return all(map(len, digests)) and are_equal([np.sort(values) for values in digests])


def are_split_alike(runs: list[Stored]) -> bool:
    """Whether settings and seeds show that the test rows are the same, without a look at the data."""
    first, settings = runs[0], runs[0].recipe.data
    return all(
        run.seed == first.seed
        and (run.recipe.data.name == settings.name or same_source(run.recipe.data.name, settings.name))
        and all(getattr(run.recipe.data, name) == getattr(settings, name) for name in _SETTINGS_OF_THE_SPLIT)
        for run in runs[1:]
    )


def targets_prove_same_rows(runs: list[Stored]) -> bool:
    """Whether stored targets prove that the rows are the same: equal ones of a regression, and enough of them.

    Equal class labels prove nothing, since rows may be sorted by class.
    """
    if any(run.predictions is None for run in runs):
        return False
    labels = [run.predictions["label"] for run in runs]
    return labels[0].dtype.kind == "f" and are_equal(labels) and len(np.unique(labels[0])) >= _ENOUGH_TARGETS


def are_equal(arrays: list[np.ndarray]) -> bool:
    """Whether all arrays hold the same values in the same order."""
    return all(np.array_equal(arrays[0], other) for other in arrays[1:])
