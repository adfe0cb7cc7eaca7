"""Whether the difference between trained runs is real: finds the rows that all of them were tested on."""

import warnings
from pathlib import Path

import numpy as np

from recipes.data import ARRAYS, Dataset, Fingerprint, is_name, load_dataset, row_digests, same_source, with_arguments
from recipes.data.store import RowStore
from recipes.evaluation import test_part as own_data
from recipes.evaluation.blocks import batches_of, parts_of_batch
from recipes.evaluation.rows import is_batches, is_rows
from recipes.evaluation.scoring import predict_to_score
from recipes.metrics import decide
from recipes.metrics.comparison.predictions import Comparison, compare_predictions
from recipes.models import saved
from recipes.runs import folder as runs
from recipes.settings import Data

# Settings of the data that say which rows are the test.
_OF_THE_TEST = (
    "task", "target", "missing", "kept_classes", "validation_fraction", "test_fraction", "group_column", "time_column",
    "validation_file", "test_file", "fold",
)  # fmt: skip
# So many different targets of a regression do not come in the same order by chance.
_TELLING_TARGETS = 20


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
    """Tell whether trained models differ on the rows that all of them were tested on.

    Classes: McNemar's test (mid-p) and an interval for the difference in accuracy, a paired bootstrap for macro F1.
    Regression: a paired bootstrap for the mean absolute and squared error. That runs were tested on the same rows is
    known by the fingerprints of their data. The predictions that are stored in the run folders are used, where there
    are any; otherwise the models predict anew, for test rows that are found again where the data have changed.

    Args:
        first: A run folder, a `.keras` file or a `Run`: the others are compared with it.
        second: Another.
        *others: More; p-values are then adjusted for the number of comparisons (Holm).
        data: Rows that none was trained on, as `evaluate` takes them. Those of batches are read once and kept, beyond
            64 MiB in a temporary file, so that all models predict the same. Default: the test part of the runs, which
            must be the same.
        target: The column of a table that holds the truth, where `data` is one. Default: as in the training.
        data_dir: The folder with local copies of named datasets. Default: that of the training.
        confidence: Of the intervals, and of what is called real.
        batch_size: Rows for one step, where the models predict anew.
        seed: Of the bootstrap.
        steps: Number of batches to take of `data` that come in batches, as in `evaluate`. Default: all.

    Raises:
        ValueError: If the runs were tested on different rows, or do not predict the same.
        FileNotFoundError: If there is no such run.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"`confidence` must be between 0 and 1. Received: {confidence!r}")
    paths = [_path(run) for run in (first, second, *others)]
    paths = dict(zip(_names(paths), paths, strict=True))
    if data is None:
        judged, source = _on_their_test_part(paths, data_dir, batch_size)
    else:
        if is_batches(data):
            data = _stored_rows(data, steps)
        elif steps is not None:
            raise ValueError(f"`steps` is for data that come in batches. Received: steps={steps!r}")
        judged = _on_data(paths, data, target, data_dir, batch_size)
        source = (
            data.name if isinstance(data, Dataset) else str(data) if isinstance(data, str | Path) else "the rows given"
        )
    labels, predicted, class_names = _by_the_classes_of_the_first(dict(zip(paths, judged, strict=True)))
    num_classes = None if class_names is None else len(class_names)
    return compare_predictions(labels, predicted, num_classes, source=source, confidence=confidence, seed=seed)


def _stored_rows(data, steps: int | None) -> tuple[np.ndarray, np.ndarray]:
    """`x` and `y` of all batches: a generator is read once only, and a shuffled dataset differs every time."""
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


def _path(run) -> Path:
    path = getattr(run, "directory", run)
    if not isinstance(path, str | Path):
        raise ValueError(f"runs are given as folders or .keras files, and rows as `data=`. Received: {path!r:.80}")
    saved.model_file(path)
    return Path(path)


def _names(paths: list[Path]) -> list[str]:
    """The folders' names where they differ, otherwise their paths."""
    if len({path.resolve() for path in paths}) < len(paths):
        raise ValueError(f"the runs must differ. Received: {', '.join(map(str, paths))}")
    names = [path.resolve().name for path in paths]
    return names if len(set(names)) == len(names) else [str(path) for path in paths]


def _on_their_test_part(paths: dict[str, Path], data_dir, batch_size: int) -> tuple[list, str]:
    """Of each run `(labels, predicted, class names)` on the test part of all, and where they come from."""
    trained = {name: runs.recipe_and_seed(path) for name, path in paths.items()}
    for name, facts in trained.items():
        if facts is None:
            raise ValueError(f"`data` is needed: {name} is no run folder that says what it was trained on")
    stored = {name: runs.predictions(path) for name, path in paths.items()}
    fingerprints = {name: runs.fingerprint(path) for name, path in paths.items()}
    if None in fingerprints.values():
        parts = _older_test_parts(trained, stored, data_dir)
        same_order = True
    else:
        parts = None
        same_order = len({known.digests["test"] for known in fingerprints.values()}) == 1
        if not same_order and not _same_rows([_test_digests(known) for known in fingerprints.values()]):
            raise _different(trained, known=True)
    if all(content is not None for content in stored.values()):
        class_names = [runs.class_names(path) for path in paths.values()]
        judged = [
            (content["label"], content["predicted"], known)
            for content, known in zip(stored.values(), class_names, strict=True)
        ]
        if not same_order:
            judged = list(map(_ordered, judged, map(_test_digests, fingerprints.values())))
        if _agree([labels for labels, _, _ in judged]) or len(set(class_names)) > 1:
            return judged, "the predictions in the run folders"
    if any(recipe.data.name == ARRAYS for recipe, _ in trained.values()):
        raise ValueError(
            "`data` is needed: the runs were trained on arrays, which they do not hold, and their stored predictions "
            "are not of the same rows"
        )
    if parts is None:
        parts = {
            name: own_data.load_test_part(path, with_arguments(recipe.data, None, data_dir), seed)
            for (name, path), (recipe, seed) in zip(paths.items(), trained.values(), strict=True)
        }
    source = f"the test part of {next(iter(parts.values())).name}"
    return _on_parts(paths, parts, trained, batch_size=batch_size), source


def _on_parts(paths: dict[str, Path], parts: dict, trained: dict, **options) -> list:
    """Of each run `(labels, predicted, class names)` on test parts that hold the same rows, in one order."""
    digests = [_digests_of_part(part) for part in parts.values()]
    if not _same_rows(digests):
        raise _different({name: facts for name, facts in trained.items() if facts}, known=True)
    judged = [_predicted(path, parts[name], **options) for name, path in paths.items()]
    return judged if _agree(digests) else list(map(_ordered, judged, digests))


def _ordered(judged: tuple, digests: np.ndarray) -> tuple:
    """`(labels, predicted, class names)` in the order of `digests`, which is the same for all runs."""
    labels, predicted, class_names = judged
    order = np.argsort(digests, kind="stable")
    return labels[order], predicted[order], class_names


def _older_test_parts(trained: dict, stored: dict, data_dir) -> dict[str, Dataset] | None:
    """Test parts where older versions, which kept no fingerprints, wrote a run; `None` where they need no loading."""
    if _split_alike([(recipe.data, seed) for recipe, seed in trained.values()]):
        if any(recipe.data.name != ARRAYS and not is_name(recipe.data.name) for recipe, _ in trained.values()):
            warnings.warn(
                "an older version wrote some of the runs: that their data have not changed between the trainings "
                "cannot be checked",
                stacklevel=4,
            )
        return None
    if any(recipe.data.name == ARRAYS for recipe, _ in trained.values()):
        complete = all(content is not None for content in stored.values())
        if not (complete and _tell_rows(stored)):
            raise _different(trained, known=False)
        return None
    parts = {
        name: load_dataset(recipe.data.name, seed, with_arguments(recipe.data, None, data_dir))
        for name, (recipe, seed) in trained.items()
    }
    if not _same_rows([_digests_of_part(part) for part in parts.values()]):
        raise _different(trained, known=True)
    return parts


def _on_data(paths: dict[str, Path], data, target, data_dir, batch_size: int) -> list:
    """Of each run `(labels, predicted, class names)` on rows that are given."""
    trained = {name: runs.recipe_and_seed(path) for name, path in paths.items()}
    own = {name for name, facts in trained.items() if facts and same_source(data, facts[0].data.name)}
    options = {"target": target, "data_dir": data_dir, "batch_size": batch_size}
    if isinstance(data, Dataset) or (is_rows(data) and not own):
        return [_predicted(path, data, **options) for path in paths.values()]
    # Of what a run was trained on, its test part counts, so that no training row is evaluated.
    parts = {}
    for name, path in paths.items():
        if name in own:
            recipe, seed = trained[name]
            settings = with_arguments(recipe.data, target, data_dir)
            parts[name] = own_data.load_test_part(path, settings, seed)
        else:
            parts[name] = load_dataset(data, 0, with_arguments(Data(), target, data_dir))
    return _on_parts(paths, parts, trained, **options)


def _predicted(path: Path, data, **options):
    blocks, class_names, multi_label = predict_to_score(path, data, **options)
    if multi_label:
        raise ValueError(f"multi-label models cannot be compared. Received: {path}")
    decided = [(labels, values[:, 0].copy() if class_names is None else decide(values)) for labels, values, _ in blocks]
    labels, predicted = (np.concatenate(parts) for parts in zip(*decided, strict=True))
    return labels, predicted, class_names


def _digests_of_part(part) -> np.ndarray:
    return part.digests if isinstance(part, own_data.FoundRows) else row_digests.of_dataset(part).row_digests["test"]


def _test_digests(known: Fingerprint) -> np.ndarray:
    """Digests of all test rows of a run; none where they are not all known."""
    return known.row_digests["test"] if known.is_complete else np.zeros(0, np.uint64)


def _same_rows(digests: list[np.ndarray]) -> bool:
    """Whether all hold the digests of the same rows, in whatever order."""
    return all(map(len, digests)) and _agree([np.sort(values) for values in digests])


def _split_alike(splits: list[tuple[Data, int]]) -> bool:
    """Whether settings and seeds alone say that the test rows are the same."""
    (settings, seed), *others = splits
    return all(
        seed == other_seed
        and (settings.name == other.name or same_source(settings.name, other.name))
        and all(getattr(settings, name) == getattr(other, name) for name in _OF_THE_TEST)
        for other, other_seed in others
    )


def _tell_rows(stored: dict) -> bool:
    """Whether equal targets are proof enough of equal rows; labels of classes, perhaps sorted ones, are not."""
    labels = [content["label"] for content in stored.values()]
    return labels[0].dtype.kind == "f" and _agree(labels) and len(np.unique(labels[0])) >= _TELLING_TARGETS


def _agree(arrays: list[np.ndarray]) -> bool:
    return all(np.array_equal(arrays[0], other) for other in arrays[1:])


def _different(trained: dict, known: bool) -> ValueError:
    names, seeds = " and ".join(trained), " and ".join(dict.fromkeys(str(seed) for _, seed in trained.values()))
    sources = " and ".join(dict.fromkeys(recipe.data.name for recipe, _ in trained.values()))
    what = "were tested on different rows" if known else "may have been tested on different rows"
    alike = "on the same data" if " and " in sources else "with one seed" if " and " in seeds else "with one split"
    return ValueError(
        f"{names} {what} ({sources}, seed {seeds}): give rows that none of them was trained on as `data` (--data), or "
        f"train them {alike}"
    )


def _by_the_classes_of_the_first(judged: dict) -> tuple[np.ndarray, dict[str, np.ndarray], tuple[str, ...] | None]:
    """The targets of all, by name what each predicted, and the class names."""
    (first, (labels, _, names)), *_ = judged.items()
    predicted = {}
    for name, (other_labels, other_predicted, other_names) in judged.items():
        if (names is None) != (other_names is None):
            raise ValueError(f"a classifier and a regression cannot be compared. Received: {first} and {name}")
        if names != other_names:
            if set(names) != set(other_names):
                raise ValueError(
                    f"the runs must know the same classes. Received: {', '.join(names)} in {first} and "
                    f"{', '.join(other_names)} in {name}"
                )
            numbers = np.array([names.index(class_name) for class_name in other_names])
            other_labels, other_predicted = numbers[other_labels], numbers[other_predicted]
        if not _agree([labels, other_labels]):
            raise ValueError(f"{first} and {name} were evaluated on different rows: their targets differ")
        predicted[name] = other_predicted
    return labels, predicted, names
