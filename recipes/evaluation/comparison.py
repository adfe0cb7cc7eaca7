"""Whether the difference between trained runs is real, on the rows that all of them were tested on."""

import os
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recipes.data import ARRAYS, Dataset, is_name, load_dataset, same_source, with_arguments
from recipes.data.store import RowStore
from recipes.evaluation.blocks import batches_of, parts_of_batch
from recipes.evaluation.rows import is_batches, is_rows
from recipes.evaluation.same_rows import (
    are_equal,
    are_same_rows,
    are_split_alike,
    digests_of_part,
    digests_of_test_rows,
    targets_prove_same_rows,
)
from recipes.evaluation.scoring import predict_to_score
from recipes.evaluation.test_part import FoundRows, load_test_part
from recipes.metrics import decide
from recipes.metrics.comparison.predictions import Comparison, compare_predictions
from recipes.runs.stored import Stored
from recipes.settings import Data


@dataclass(frozen=True, eq=False)
class _Predictions:
    """What one run predicted.

    Attributes:
        labels: True classes or numbers, `(rows,)`.
        predicted: Predicted ones, `(rows,)`.
        class_names: Class names in the order of the class numbers; `None` for a regression.
    """

    labels: np.ndarray
    predicted: np.ndarray
    class_names: tuple[str, ...] | None

    def ordered_by(self, digests: np.ndarray) -> "_Predictions":
        """The same in the order of `digests` of the rows, which is one order for all runs on the same rows."""
        order = np.argsort(digests, kind="stable")
        return _Predictions(self.labels[order], self.predicted[order], self.class_names)


def compare(
    first,
    second,
    *others,
    data=None,
    target: str | None = None,
    data_dir: str | Path | None = None,
    confidence: float = 0.95,
    batch_size: int = 256,
    seed: int = 0,
    steps: int | None = None,
) -> Comparison:
    """Test whether trained models differ on the rows that all of them were tested on.

    Classes: McNemar's test (mid-p) and an interval for the difference in accuracy, a paired bootstrap for macro F1.
    Regression: a paired bootstrap for the mean absolute and squared error. The fingerprints of their data show whether
    runs were tested on the same rows. Predictions that are stored in the run folders are used where all runs have them;
    otherwise the models predict anew, for test rows that are found again where the data have changed.

    Args:
        first: Run that the others are compared with: a `Run`, a `Stored`, a run folder or a `.keras` file.
        second: Another run.
        *others: Further runs; p-values are then adjusted for the number of comparisons (Holm).
        data: Rows that no run was trained on, as `evaluate` takes them. Those of batches are read once and kept, beyond
            64 MiB in a temporary file, so that all models predict the same. Default: the test part of the runs, which
            must be the same.
        target: Column with the true values where `data` is a table. Default: as in the training.
        data_dir: Folder with local copies of named datasets. Default: that of the training.
        confidence: Confidence level of the intervals, and of what is called a real difference.
        batch_size: Number of rows for one step, where the models predict anew.
        seed: Seed of the bootstrap.
        steps: Number of batches to take of `data` that come in batches, as in `evaluate`. Default: all.

    Raises:
        ValueError: If the runs were tested on different rows, or do not predict the same.
        FileNotFoundError: If there is no such run.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"`confidence` must be between 0 and 1. Received: {confidence!r}")
    runs = _named([_stored(run) for run in (first, second, *others)])
    if data is None:
        predictions, source = _on_their_test_part(runs, data_dir, batch_size)
    else:
        if is_batches(data):
            data = _rows_of_batches(data, steps)
        elif steps is not None:
            raise ValueError(f"`steps` is for data that come in batches. Received: steps={steps!r}")
        predictions = _on_data(runs, data, target, data_dir, batch_size)
        name = data.name if isinstance(data, Dataset) else data
        source = str(name) if isinstance(name, str | Path) else "the rows given"
    labels, predicted, class_names = _by_the_classes_of_the_first(dict(zip(runs, predictions, strict=True)))
    num_classes = None if class_names is None else len(class_names)
    return compare_predictions(labels, predicted, num_classes, source=source, confidence=confidence, seed=seed)


def _stored(run) -> Stored:
    if not isinstance(run, str | os.PathLike):
        raise ValueError(f"runs are given as folders or .keras files, and rows as `data=`. Received: {run!r:.80}")
    return Stored.of(run)


def _named(runs: list[Stored]) -> dict[str, Stored]:
    """The runs by the names of their folders where those differ, otherwise by their paths."""
    paths = [run.path.resolve() for run in runs]
    if len(set(paths)) < len(paths):
        raise ValueError(f"the runs must differ. Received: {', '.join(map(str, runs))}")
    names = [path.name for path in paths]
    return dict(zip(names if len(set(names)) == len(names) else map(str, runs), runs, strict=True))


def _rows_of_batches(data, steps: int | None) -> tuple[np.ndarray, np.ndarray]:
    """`x` and `y` of all batches: a generator can be read only once, and a shuffled dataset differs every time."""
    inputs, targets, first = RowStore(), [], None
    for number, batch in enumerate(batches_of(data, steps)):
        x, y, weights = parts_of_batch(batch, number)
        first = x[:1] if first is None else first
        if weights is not None:
            raise ValueError("models are compared on rows without weights: give batches (x, y)")
        if x.shape[1:] != first.shape[1:]:
            raise ValueError(
                f"batches must have rows of one shape to be compared. Received: {first.shape[1:]} and {x.shape[1:]}"
            )
        inputs.append(x.astype(first.dtype, copy=False))
        targets.append(y)
    if not targets:
        raise ValueError("`data` must have rows. Received: none")
    return inputs.finish(), np.concatenate(targets)


def _on_their_test_part(runs: dict[str, Stored], data_dir, batch_size: int) -> tuple[list[_Predictions], str]:
    """Predictions of each run on the test part of all, and where they come from."""
    for name, run in runs.items():
        if not run.is_run:
            raise ValueError(f"`data` is needed: {name} is no run folder that says what it was trained on")
    parts, in_one_order = None, True
    fingerprints = [run.fingerprint for run in runs.values()]
    if None in fingerprints:
        parts = _test_parts_of_older_runs(runs, data_dir)
    else:
        in_one_order = len({known.digests["test"] for known in fingerprints}) == 1
        if not in_one_order and not are_same_rows([digests_of_test_rows(known) for known in fingerprints]):
            raise _different_rows(runs, known=True)
    if all(run.predictions is not None for run in runs.values()):
        predictions = [
            _Predictions(run.predictions["label"], run.predictions["predicted"], run.class_names)
            for run in runs.values()
        ]
        if not in_one_order:
            digests = map(digests_of_test_rows, fingerprints)
            predictions = [each.ordered_by(rows) for each, rows in zip(predictions, digests, strict=True)]
        # Labels of runs that number their classes differently are compared later, by the names of the classes.
        if are_equal([each.labels for each in predictions]) or len({each.class_names for each in predictions}) > 1:
            return predictions, "the predictions in the run folders"
    if any(run.recipe.data.name == ARRAYS for run in runs.values()):
        raise ValueError(
            "`data` is needed: the runs were trained on arrays, which they do not hold, and their stored predictions "
            "are not of the same rows"
        )
    if parts is None:
        parts = {
            name: _load_test_part(run, with_arguments(run.recipe.data, None, data_dir)) for name, run in runs.items()
        }
    source = f"the test part of {next(iter(parts.values())).name}"
    return _on_parts(runs, parts, batch_size=batch_size), source


def _test_parts_of_older_runs(runs: dict[str, Stored], data_dir) -> dict[str, Dataset] | None:
    """Test parts where older versions, which kept no fingerprints, wrote a run; `None` where they need no loading."""
    names = {run.recipe.data.name for run in runs.values()}
    if are_split_alike(list(runs.values())):
        if any(name != ARRAYS and not is_name(name) for name in names):
            warnings.warn(
                "an older version wrote some of the runs: that their data have not changed between the trainings "
                "cannot be checked",
                stacklevel=4,
            )
        return None
    if ARRAYS in names:
        if not targets_prove_same_rows(list(runs.values())):
            raise _different_rows(runs, known=False)
        return None
    parts = {
        name: load_dataset(run.recipe.data.name, run.seed, with_arguments(run.recipe.data, None, data_dir))
        for name, run in runs.items()
    }
    if not are_same_rows([digests_of_part(part) for part in parts.values()]):
        raise _different_rows(runs, known=True)
    return parts


def _on_data(runs: dict[str, Stored], data, target, data_dir, batch_size: int) -> list[_Predictions]:
    """Predictions of each run on given data."""
    trained_on_it = {name for name, run in runs.items() if run.is_run and same_source(data, run.recipe.data.name)}
    options = {"target": target, "data_dir": data_dir, "batch_size": batch_size}
    if isinstance(data, Dataset) or (is_rows(data) and not trained_on_it):
        return [_predict(run, data, **options) for run in runs.values()]
    # Only the test part of what a run was trained on is used, so that no training row is evaluated.
    parts = {}
    for name, run in runs.items():
        if name in trained_on_it:
            parts[name] = _load_test_part(run, with_arguments(run.recipe.data, target, data_dir))
        else:
            parts[name] = load_dataset(data, 0, with_arguments(Data(), target, data_dir))
    return _on_parts(runs, parts, **options)


def _load_test_part(run: Stored, settings: Data) -> Dataset | FoundRows:
    """The test part, by another `Stored`, which is dropped: it would keep the models of all runs in memory."""
    return load_test_part(Stored(run.path), settings)


def _on_parts(runs: dict[str, Stored], parts: dict[str, Dataset | FoundRows], **options) -> list[_Predictions]:
    """Predictions of each run on test parts that hold the same rows, in one order."""
    digests = [digests_of_part(part) for part in parts.values()]
    if not are_same_rows(digests):
        raise _different_rows({name: run for name, run in runs.items() if run.is_run}, known=True)
    predictions = [_predict(run, parts[name], **options) for name, run in runs.items()]
    if are_equal(digests):
        return predictions
    return [each.ordered_by(rows) for each, rows in zip(predictions, digests, strict=True)]


def _predict(run: Stored, data, **options) -> _Predictions:
    # By its path: the model of a `Stored` would stay in memory beside those of the other runs.
    blocks, class_names, multi_label = predict_to_score(run.path, data, **options)
    if multi_label:
        raise ValueError(f"multi-label models cannot be compared. Received: {run}")
    decided = [(labels, values[:, 0].copy() if class_names is None else decide(values)) for labels, values, _ in blocks]
    labels, predicted = (np.concatenate(parts) for parts in zip(*decided, strict=True))
    return _Predictions(labels, predicted, class_names)


def _different_rows(runs: dict[str, Stored], known: bool) -> ValueError:
    names, seeds = " and ".join(runs), " and ".join(dict.fromkeys(str(run.seed) for run in runs.values()))
    sources = " and ".join(dict.fromkeys(run.recipe.data.name for run in runs.values()))
    what = "were tested on different rows" if known else "may have been tested on different rows"
    alike = "on the same data" if " and " in sources else "with one seed" if " and " in seeds else "with one split"
    return ValueError(
        f"{names} {what} ({sources}, seed {seeds}): give rows that none of them was trained on as `data` (--data), or "
        f"train them {alike}"
    )


def _by_the_classes_of_the_first(
    runs: dict[str, _Predictions],
) -> tuple[np.ndarray, dict[str, np.ndarray], tuple[str, ...] | None]:
    """Labels of all runs, what each predicted, and the class names: all numbered as in the first run."""
    (first, expected), *_ = runs.items()
    names, predicted = expected.class_names, {}
    for name, run in runs.items():
        if (names is None) != (run.class_names is None):
            raise ValueError(f"a classifier and a regression cannot be compared. Received: {first} and {name}")
        if names != run.class_names:
            if set(names) != set(run.class_names):
                raise ValueError(
                    f"the runs must know the same classes. Received: {', '.join(names)} in {first} and "
                    f"{', '.join(run.class_names)} in {name}"
                )
            numbers = np.array([names.index(class_name) for class_name in run.class_names])
            run = _Predictions(numbers[run.labels], numbers[run.predicted], names)
        if not are_equal([expected.labels, run.labels]):
            raise ValueError(f"{first} and {name} were evaluated on different rows: their targets differ")
        predicted[name] = run.predicted
    return expected.labels, predicted, names
