"""Whether the difference between trained runs is real: finds the rows that all of them were tested on."""

from pathlib import Path

import numpy as np

from recipes import runs
from recipes.data import ARRAYS, Dataset, load_dataset, same_source, with_arguments
from recipes.evaluation import blocks_to_judge
from recipes.metrics import decide
from recipes.metrics.comparison import Comparison, compare_predictions
from recipes.raw_rows import is_rows
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
) -> Comparison:
    """Tell whether trained models differ on the rows that all of them were tested on.

    Classes: McNemar's test (mid-p) and an interval for the difference in accuracy, a paired bootstrap for macro F1.
    Regression: a paired bootstrap for the mean absolute and squared error. The predictions that are stored in the run
    folders are used, where they are of the same rows; otherwise the models predict anew.

    Args:
        first: A run folder, a `.keras` file or a `Run`: the others are compared with it.
        second: Another.
        *others: More; p-values are then adjusted for the number of comparisons (Holm).
        data: Rows that none was trained on, as `evaluate` takes them. Default: the test part of the runs, which must
            be the same.
        target: The column of a table that holds the truth, where `data` is one. Default: as in the training.
        data_dir: The folder with local copies of named datasets. Default: that of the training.
        confidence: Of the intervals, and of what is called real.
        batch_size: Rows for one step, where the models predict anew.
        seed: Of the bootstrap.

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
        judged = _on_data(paths, data, target, data_dir, batch_size)
        source = (
            data.name if isinstance(data, Dataset) else str(data) if isinstance(data, str | Path) else "the rows given"
        )
    labels, predicted, class_names = _by_the_classes_of_the_first(dict(zip(paths, judged, strict=True)))
    num_classes = None if class_names is None else len(class_names)
    return compare_predictions(labels, predicted, num_classes, source=source, confidence=confidence, seed=seed)


def _path(run) -> Path:
    path = getattr(run, "directory", run)
    if not isinstance(path, str | Path):
        raise ValueError(f"runs are given as folders or .keras files, and rows as `data=`. Received: {path!r:.80}")
    runs.model_file(path)
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
    complete = all(content is not None for content in stored.values())
    datasets = None
    if not _split_alike([(recipe.data, seed) for recipe, seed in trained.values()]):
        if any(recipe.data.name == ARRAYS for recipe, _ in trained.values()):
            if not (complete and _tell_rows(stored)):
                raise _different(trained, known=False)
        else:
            datasets = _own_datasets(trained, data_dir)
            if not _same_test(list(datasets.values())):
                raise _different(trained, known=True)
    if complete:
        class_names = [runs.class_names(path) for path in paths.values()]
        judged = [
            (content["label"], content["predicted"], known)
            for content, known in zip(stored.values(), class_names, strict=True)
        ]
        if _agree([content["label"] for content in stored.values()]) or len(set(class_names)) > 1:
            return judged, "the predictions in the run folders"
    if any(recipe.data.name == ARRAYS for recipe, _ in trained.values()):
        raise ValueError(
            "`data` is needed: the runs were trained on arrays, which they do not hold, and their stored predictions "
            "are not of the same rows"
        )
    if datasets is None:
        datasets = _own_datasets(trained, data_dir)
    judged = [_predicted(path, datasets[name], batch_size=batch_size) for name, path in paths.items()]
    return judged, f"the test part of {next(iter(datasets.values())).name}"


def _on_data(paths: dict[str, Path], data, target, data_dir, batch_size: int) -> list:
    """Of each run `(labels, predicted, class names)` on rows that are given."""
    trained = {name: runs.recipe_and_seed(path) for name, path in paths.items()}
    own = {name for name, facts in trained.items() if facts and same_source(data, facts[0].data.name)}
    options = {"target": target, "data_dir": data_dir, "batch_size": batch_size}
    if isinstance(data, Dataset) or (is_rows(data) and not own):
        return [_predicted(path, data, **options) for path in paths.values()]
    # What a run was trained on is split as in its training, so that no training row is judged.
    splits = {
        name: (trained[name][0].data, trained[name][1]) if name in own else (Data(name=str(data), target=target), 0)
        for name in paths
    }
    datasets = {
        name: load_dataset(data, seed, with_arguments(settings, target, data_dir))
        for name, (settings, seed) in splits.items()
    }
    if not _split_alike(list(splits.values())) and not _same_test(list(datasets.values())):
        raise _different({name: facts for name, facts in trained.items() if facts}, known=True)
    return [_predicted(path, datasets[name], **options) for name, path in paths.items()]


def _predicted(path: Path, data, **options):
    blocks, class_names, several_labels = blocks_to_judge(path, data, **options)
    if several_labels:
        raise ValueError(f"models of several labels a row cannot be compared. Received: {path}")
    decided = [
        (labels, outputs[:, 0].copy() if class_names is None else decide(outputs)) for labels, outputs, _ in blocks
    ]
    labels, predicted = (np.concatenate(parts) for parts in zip(*decided, strict=True))
    return labels, predicted, class_names


def _own_datasets(trained: dict, data_dir) -> dict[str, Dataset]:
    """Of each run, what it was trained on; loaded once where it is the same."""
    loaded, datasets = [], {}
    for name, (recipe, seed) in trained.items():
        settings = with_arguments(recipe.data, None, data_dir)
        known = [dataset for *split, dataset in loaded if split == [settings, seed]]
        datasets[name] = known[0] if known else load_dataset(settings.name, seed, settings)
        loaded.append((settings, seed, datasets[name]))
    return datasets


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


def _same_test(datasets: list[Dataset]) -> bool:
    """Whether the test rows are the same, by their targets and all columns but categories: those have own codes."""
    first = datasets[0]
    return all(
        other is first
        or (
            _agree([first.test[1], other.test[1]])
            and first.test[0].shape == other.test[0].shape
            and np.array_equal(_without_codes(first), _without_codes(other), equal_nan=True)
        )
        for other in datasets
    )


def _without_codes(dataset: Dataset) -> np.ndarray:
    x, codes = dataset.test[0], getattr(dataset.preparation, "vocabularies", {})
    numbers = [column for column, name in enumerate(dataset.feature_names or ()) if name not in codes]
    return x[:, numbers] if codes and numbers else x


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
            raise ValueError(f"{first} and {name} were judged on different rows: their targets differ")
        predicted[name] = other_predicted
    return labels, predicted, names
