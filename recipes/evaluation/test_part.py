"""The test part of a run in its data as they are now: split as in the training, or found again row by row."""

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
from recipes.runs import data_paths, files
from recipes.runs.stored import Stored
from recipes.settings import Data

# Share of the test rows beyond which a report on the rows that are left would not be one on the same data.
MOST_MISSING = 0.5


@dataclass(frozen=True, eq=False)
class FoundRows:
    """Test rows that were found again in data that have changed.

    Attributes:
        name: Name or path of the data, for messages.
        x: Raw rows as the model takes them, `(rows, ...)`.
        y: Labels or numbers, `(rows,)`.
        digests: Digests of the rows, uint64 `(rows,)`.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    digests: np.ndarray


@dataclass(frozen=True, eq=False)
class _Piece:
    """Rows in which test rows are looked for; fields as in `FoundRows`."""

    x: np.ndarray
    y: np.ndarray
    digests: np.ndarray


def name_of_data(stored: Stored) -> str:
    """Name or path of the data that a run was trained on.

    Raises:
        ValueError: If the run does not hold it, or was trained on arrays.
        FileNotFoundError: If the file or folder is no longer where it was.
    """
    if not stored.is_run:
        raise ValueError(f"`data` is needed: {stored} is no run folder that says what it was trained on")
    name = stored.recipe.data.name
    if name == ARRAYS:
        raise ValueError(f"`data` is needed: {stored} was trained on arrays, which it does not hold")
    if not is_name(name) and not Path(name).exists():
        known = {"name": [str(Path(name).resolve())], **stored.versions.get("paths", {})}
        places = dict.fromkeys(map(str, data_paths.candidates(known, stored.directory)["name"]))
        raise FileNotFoundError(
            f"the data of {stored} are not at {' nor at '.join(places)}: put them there, or give test rows as `data`"
        )
    return name


def load_test_part(stored: Stored, settings: Data) -> Dataset | FoundRows:
    """Load the test part of a run, without any row that it was trained or validated on.

    Where the fingerprint of the run shows that its data are the same, they are split as in the training. Where they
    have grown, shrunk or come in another order, the test rows are found by their values, with a warning. A row that
    stands in the training part as well remains a test row, as in the report of the training.

    Args:
        stored: Run that was trained on the data.
        settings: Settings of its data, perhaps with another folder or target than in its recipe.

    Raises:
        ValueError: If more than half of the test rows are gone.
    """
    known = stored.fingerprint
    if known is None:
        if not is_name(settings.name):
            warnings.warn(
                f"{stored} was written by an older version and does not say which rows it was trained on: whether the "
                f"test part of {settings.name} is still the same cannot be checked",
                stacklevel=5,
            )
        return load_dataset(settings.name, stored.seed, settings)
    try:
        dataset = load_dataset(settings.name, stored.seed, settings)
    except ValueError:  # the remaining rows may be too few to split, and still hold the test rows
        dataset = None
    if dataset is not None and dataset.fingerprint.digests == known.digests:
        return dataset
    return _find_test_rows(stored, settings)


def _find_test_rows(stored: Stored, settings: Data) -> FoundRows:
    known = stored.fingerprint
    changed = f"{settings.name} has changed since the training of {stored}"
    if not known.row_digests:
        raise ValueError(
            f"{changed}, and without its file {files.ROWS} the test rows cannot be found again: give rows that it was "
            "not trained on as `data`"
        )
    pieces = _read_pieces(stored, settings)
    numbers = known.find_test_rows(np.concatenate([piece.digests for piece in pieces]))
    wanted = len(known.row_digests["test"])
    if len(numbers) < (1 - MOST_MISSING) * wanted or not len(numbers):
        raise ValueError(
            f"{changed}: {'none' if not len(numbers) else f'only {len(numbers):,}'} of its {wanted:,} test rows can be "
            "found again: give rows that it was not trained on as `data`"
        )
    found = _select(pieces, numbers)
    note = f"{changed}: the report is on its {wanted:,} test rows, found again by their values"
    if len(numbers) < wanted:
        lost = wanted - len(numbers)
        note = (
            f"{changed}: the report is on {len(numbers):,} of its {wanted:,} test rows, found again by their values; "
            f"{lost:,} ({lost / wanted:.1%}) are missing"
        )
    if not known.is_complete:
        note += f" (a random sample of {known.rows['test']:,})"
    count = row_digests.count_known(found.digests, _training_digests(known))
    if count:
        note += f"; {count:,} of them stand in its training or validation part, too, as in its own report"
    warnings.warn(note, stacklevel=6)
    return FoundRows(settings.name, found.x, found.y, found.digests)


def _read_pieces(stored: Stored, settings: Data) -> list[_Piece]:
    """All rows in which the test rows may be, as the model takes them."""
    known, outputs = stored.fingerprint, stored.outputs
    file = settings.test_file or settings.name
    if table_file.is_table(file):
        table = table_file.open_table(file, settings, expected=known.columns)
        target = settings.target or TARGETS.get(normalize(settings.name))
        missing = missing_texts(table, settings.missing, target, settings.kept_classes)
        digests = row_digests.of_table(table, known.columns, missing)
        return [_Piece(*_read_rows(stored, file, settings), digests)]
    if not is_name(file) and image_folder.is_image_folder(file):
        digests = arrays.evaluated_part(image_folder.digests(file))
        return [_Piece(*_read_rows(stored, file, settings), digests)]
    has_roles = settings.group_column is not None or settings.time_column is not None
    if str(file).lower().endswith(".npz") and isinstance(outputs.preparation, TablePreparation) and not has_roles:
        x, y = _read_rows(stored, file, settings)  # exactly in the units of the training
        return [_Piece(x, y, row_digests.of_arrays(x, y))]
    source, _ = read_source(settings.name, settings, stored.seed)
    if source.vocabularies:
        raise ValueError(
            f"{settings.name} has changed since the training of {stored}, and its categories have other codes: give "
            "rows that it was not trained on as `data`, as a frame or a file of a table"
        )
    names = None if source.class_names is None else np.array(source.class_names)
    pieces = []
    for part, (x, y) in source.parts.items():
        rows = from_units_of_dataset(outputs, x, source.feature_names, source.rescaled)
        digests = source.row_digests[part]
        if rows is not x:  # the digests of arrays are those of the values in the units of the training
            digests = row_digests.of_arrays(rows, y, source.class_names)
        pieces.append(_Piece(rows, y if names is None else names[y], digests))
    return pieces


def _read_rows(stored: Stored, file: str, settings: Data) -> tuple[np.ndarray, np.ndarray]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # about rows that are not evaluated
        is_regression = stored.class_names is None
        return rows_for(stored.outputs, file, settings, with_target=True, numeric_target=is_regression)


def _select(pieces: list[_Piece], numbers: np.ndarray) -> _Piece:
    """Rows with these numbers, ascending, counted through all pieces."""
    selected, start = [], 0
    for piece in pieces:
        rows = numbers[(numbers >= start) & (numbers < start + len(piece.y))] - start
        if len(rows):
            selected.append(_Piece(take(piece.x, rows), piece.y[rows], piece.digests[rows]))
        start += len(piece.y)
    if len(selected) == 1:
        return selected[0]
    parts = ([getattr(piece, name) for piece in selected] for name in ("x", "y", "digests"))
    return _Piece(*map(np.concatenate, parts))


def warn_of_training_rows(stored: Stored, name: str, digests: np.ndarray) -> None:
    """Warn where rows to be evaluated are among those that a run was trained or validated on.

    Args:
        stored: Run that is evaluated.
        name: Name of the rows, for the warning.
        digests: Digests of the rows, uint64 `(rows,)`.
    """
    known = stored.fingerprint
    if known is None or not known.row_digests:
        return
    count = row_digests.count_known(digests, _training_digests(known))
    if count:
        least = "" if known.is_complete else "at least "
        part = f"the training or validation part of {stored}"
        warnings.warn(f"{least}{count:,} of the {len(digests):,} rows of {name} stand in {part}", stacklevel=5)


def _training_digests(known: Fingerprint) -> np.ndarray:
    """Digests of the rows that training and validation used."""
    return np.concatenate([known.row_digests[part] for part in ("train", "validation")])


def digests_of_file(stored: Stored, file: str | Path, settings: Data, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Digests of the rows of a file, comparable with those of a run; none where they cannot be compared.

    Args:
        stored: Run whose fingerprint they are compared with.
        file: File of a table or of arrays, or folder of images.
        settings: Settings by which the file is read.
        x: Its rows as the model takes them.
        y: Their labels or numbers.

    Returns:
        uint64 `(rows,)`.
    """
    known = stored.fingerprint
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
