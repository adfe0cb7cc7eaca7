"""The test part of a run in its data as they are now: as it was split, or found again row by row where they changed."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from custom_layers import TablePreparation
from recipes.arguments.names import normalize
from recipes.data import ARRAYS, Dataset, Fingerprint, arrays, is_name, load_dataset, row_digests
from recipes.data.images import image_folder
from recipes.data.loading import read_source
from recipes.data.named.local import TARGETS
from recipes.data.store import take
from recipes.data.tables import table_file
from recipes.data.tables.schema import missing_texts
from recipes.evaluation.rows import rows_for
from recipes.evaluation.units import from_units_of_dataset
from recipes.models import saved
from recipes.models.outputs import Outputs
from recipes.runs import folder as runs
from recipes.settings import Data, Recipe

# Share of the test rows beyond which a report on those that are left would not be one on the same data.
MOST_MISSING = 0.5


@dataclass(frozen=True, eq=False)
class FoundRows:
    """Test rows that were found again in data that have changed.

    Attributes:
        name: Where they were found, for messages.
        x: Raw rows as the model takes them, `(rows, ...)`.
        y: Labels or numbers, `(rows,)`.
        digests: Digests of the rows, uint64 `(rows,)`.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    digests: np.ndarray


def name_of_data(path: str | Path, trained: tuple[Recipe, int] | None) -> str:
    """What the run `path` was trained on.

    Args:
        path: Run folder.
        trained: What `runs.recipe_and_seed` says about it.

    Raises:
        ValueError: If the run does not say, or was trained on arrays.
        FileNotFoundError: If the file or folder is no longer where it was.
    """
    if trained is None:
        raise ValueError(f"`data` is needed: {path} is no run folder that says what it was trained on")
    name = trained[0].data.name
    if name == ARRAYS:
        raise ValueError(f"`data` is needed: {path} was trained on arrays, which it does not hold")
    if not is_name(name) and not Path(name).exists():
        absolute, *relative = (runs.versions(path) or {}).get("paths", {}).get("name", [str(Path(name).resolve())])
        elsewhere = [str((saved.model_file(path).parent / place).resolve()) for place in relative]
        places = " nor at ".join(dict.fromkeys([absolute, *elsewhere]))
        raise FileNotFoundError(f"the data of {path} are not at {places}: put them there, or give test rows as `data`")
    return name


def load_test_part(path: str | Path, settings: Data, seed: int, outputs: Outputs | None = None) -> Dataset | FoundRows:
    """The test part of a run: never a row that it was trained or validated on.

    By the fingerprint of the run, the data are known to be those of its training, and are split as they were then.
    Where they have grown, shrunk or come in another order, the test rows are found by their values, and a warning says
    so. A row that stands in the training part, too, is still a test row, as in the report of the training.

    Args:
        path: Run folder.
        settings: Settings of its data.
        seed: Seed of its split.
        outputs: Facts about its model. Default: read off the model, which is loaded where it is needed.

    Raises:
        ValueError: If more than half of the test rows are not there any more.
    """
    known = runs.fingerprint(path)
    if known is None:
        if not is_name(settings.name):
            warnings.warn(
                f"{path} was written by an older version and does not say which rows it was trained on: whether the "
                f"test part of {settings.name} is still the same cannot be checked",
                stacklevel=4,
            )
        return load_dataset(settings.name, seed, settings)
    try:
        dataset = load_dataset(settings.name, seed, settings)
    except ValueError:  # the rows that are left can no longer be split, perhaps; the test rows may be there
        dataset = None
    if dataset is not None and dataset.fingerprint.digests == known.digests:
        return dataset
    return _find(path, known, outputs or Outputs.of(saved.load_model(path)), settings, seed)


def _find(path, known: Fingerprint, outputs: Outputs, settings: Data, seed: int) -> FoundRows:
    if not known.row_digests:
        raise ValueError(
            f"{settings.name} has changed since the training of {path}, and without its file {runs.ROWS} the test rows "
            "cannot be found again: give rows that it was not trained on as `data`"
        )
    found = _read(path, known, outputs, settings, seed)
    chosen = known.find_test_rows(np.concatenate([digests for _, _, digests in found]))
    wanted = len(known.row_digests["test"])
    where = f"{settings.name} has changed since the training of {path}"
    if len(chosen) < (1 - MOST_MISSING) * wanted or not len(chosen):
        raise ValueError(
            f"{where}: {'none' if not len(chosen) else f'only {len(chosen):,}'} of its {wanted:,} test rows can be "
            "found again: give rows that it was not trained on as `data`"
        )
    x, y, digests = _select(found, chosen)
    note = f"{where}: the report is on its {wanted:,} test rows, found again by their values"
    if len(chosen) < wanted:
        lost = wanted - len(chosen)
        note = (
            f"{where}: the report is on {len(chosen):,} of its {wanted:,} test rows, found again by their values; "
            f"{lost:,} ({lost / wanted:.1%}) are missing"
        )
    if not known.is_complete:
        note += f" (a random sample of {known.rows['test']:,})"
    trained = np.concatenate([known.row_digests[part] for part in ("train", "validation")])
    twice = row_digests.count_known(digests, trained)
    if twice:
        note += f"; {twice:,} of them stand in its training or validation part, too, as in its own report"
    warnings.warn(note, stacklevel=5)
    return FoundRows(settings.name, x, y, digests)


def _read(path, known: Fingerprint, outputs: Outputs, settings: Data, seed: int) -> list[tuple]:
    """`(x, y, digests)` of all rows in which the test rows may be, as the model takes them, in pieces."""
    file = settings.test_file or settings.name
    if table_file.is_table(file):
        table = table_file.open_table(file, settings, expected=known.columns)
        target = settings.target or TARGETS.get(normalize(settings.name))
        missing = missing_texts(table, settings.missing, target, settings.kept_classes)
        digests = row_digests.of_table(table, known.columns, missing)
        return [(*_rows(path, outputs, file, settings), digests)]
    if not is_name(file) and image_folder.is_image_folder(file):
        return [(*_rows(path, outputs, file, settings), arrays.evaluated_part(image_folder.digests(file)))]
    has_roles = settings.group_column is not None or settings.time_column is not None
    if str(file).lower().endswith(".npz") and isinstance(outputs.preparation, TablePreparation) and not has_roles:
        x, y = _rows(path, outputs, file, settings)  # exactly in the units of the training
        return [(x, y, row_digests.of_arrays(x, y))]
    source, _ = read_source(settings.name, settings, seed)
    if source.vocabularies:
        raise ValueError(
            f"{settings.name} has changed since the training of {path}, and its categories have other codes: give rows "
            "that it was not trained on as `data`, as a frame or a file of a table"
        )
    names = None if source.class_names is None else np.array(source.class_names)
    pieces = []
    for part, (x, y) in source.parts.items():
        rows, digests = (
            from_units_of_dataset(outputs, x, source.feature_names, source.rescaled),
            source.row_digests[part],
        )
        if rows is not x:  # digests of arrays are made of them in the units of the training
            digests = row_digests.of_arrays(rows, y, source.class_names)
        pieces.append((rows, y if names is None else names[y], digests))
    return pieces


def _rows(path, outputs: Outputs, file: str, settings: Data) -> tuple[np.ndarray, np.ndarray]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # about rows that are not evaluated
        is_regression = runs.class_names(path) is None
        return rows_for(outputs, file, settings, with_target=True, numeric_target=is_regression)


def warn_of_known_rows(path: str | Path, name: str, digests: np.ndarray) -> None:
    """Warn where rows that are to be evaluated are among those that the run `path` was trained or validated on.

    Args:
        path: Run folder.
        name: Name of the rows, for the warning.
        digests: Digests of the rows, uint64 `(rows,)`.
    """
    known = runs.fingerprint(path)
    if known is not None and known.row_digests:
        trained = np.concatenate([known.row_digests[part] for part in ("train", "validation")])
        count = row_digests.count_known(digests, trained)
        if count:
            what = "at least " if not known.is_complete else ""
            warnings.warn(
                f"{what}{count:,} of the {len(digests):,} rows of {name} stand in the training or validation part of "
                f"{path}",
                stacklevel=5,
            )


def digests_of_file(path: str | Path, file: str | Path, settings: Data, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Digests of the rows of a file, as the run `path` has those of its own data; none where they cannot be compared.

    Args:
        path: Run folder.
        file: File of a table or of arrays, or folder of images.
        settings: Settings by which it is read.
        x: Its rows as the model takes them.
        y: Their labels or numbers.
    """
    known = runs.fingerprint(path)
    if known is None:
        return np.zeros(0, np.uint64)
    if table_file.is_table(file):
        table = table_file.open_table(file, settings, expected=known.columns)
        if not set(known.columns) <= set(table.columns):
            return np.zeros(0, np.uint64)
        missing = missing_texts(table, settings.missing, known.columns[-1], settings.kept_classes)
        return row_digests.of_table(table, known.columns, missing)
    if image_folder.is_image_folder(file):
        return arrays.evaluated_part(image_folder.digests(file))
    return row_digests.of_arrays(x, y)


def _select(pieces: list[tuple], chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The rows with the numbers `chosen`, ascending, counted through all pieces."""
    selected, start = [], 0
    for x, y, digests in pieces:
        rows = chosen[(chosen >= start) & (chosen < start + len(y))] - start
        if len(rows):
            selected.append((take(x, rows), y[rows], digests[rows]))
        start += len(y)
    if len(selected) == 1:
        return selected[0]
    return tuple(np.concatenate(arrays) for arrays in zip(*selected, strict=True))
