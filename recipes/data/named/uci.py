"""UCI classification sets of Fernández-Delgado et al. (2014, JMLR 15), with the four folds they were published with.

One archive holds them as they were used for self-normalizing networks (Klambauer et al., 2017, arXiv:1706.02515): every
column is scaled to mean 0 and a standard deviation of about 1, over all rows.
"""

import io
import lzma
import tarfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from recipes.arguments.labels import encode_labels
from recipes.arguments.names import normalize, unknown
from recipes.arguments.regular_files import is_bomb, require_regular
from recipes.data.source import Source

ARCHIVE = "uci_39.tar.xz"
FOLDS = 4
_MOST_BYTES = 2**28  # of the archive, and of the memory in which it is unpacked; the published one has two million


@dataclass(frozen=True, eq=False)
class _Set:
    """One set of the archive; in fold `k`, column `k` of the two tables of folds marks its rows."""

    name: str
    x: np.ndarray
    y: np.ndarray
    class_names: tuple[str, ...]
    test_folds: np.ndarray
    validation_folds: np.ndarray


def names(folder: Path | None) -> list[str]:
    """Names of the sets in the archive of `folder`, sorted.

    Raises:
        FileNotFoundError: If there is no archive in `folder`.
        ValueError: If it is damaged.
    """
    return sorted(_files_by_set(_archive(folder)))


def read(name: str, folder: Path | None, fold: int = 0) -> Source:
    """One published fold of a set.

    The four folds have the same test part in sets that were published with one; in the others, test parts overlap.

    Args:
        name: Name of the set; `-` and `_`, and capital and small letters, are alike.
        folder: Folder with the archive, itself or in its sub-folder `uci`.
        fold: Number of the fold, from 0 to 3.

    Returns:
        A source with the parts train, validation and test: `x` float32 `(rows, columns)`, `y` int64 `(rows,)`.

    Raises:
        FileNotFoundError: If there is no archive in `folder`.
        ValueError: If there is no such set or fold, or the archive is damaged.
    """
    if not isinstance(fold, int) or fold not in range(FOLDS):
        raise ValueError(f"the UCI sets have the folds 0, 1, 2 and 3. Received: {fold!r}")
    found = _read(name, folder)
    test, validation = found.test_folds[:, fold], found.validation_folds[:, fold]
    rows = {"train": ~(test | validation), "validation": validation, "test": test}
    return Source(
        f"uci-{found.name}",
        {part: (found.x[chosen], found.y[chosen]) for part, chosen in rows.items()},
        "classification",
        found.class_names,
        feature_names=tuple(f"column_{number}" for number in range(found.x.shape[1])),
    )


def load(name: str, folder: Path | None) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """All rows of a set, and which of them are test and validation rows in each fold.

    Returns:
        `x` float32 `(rows, columns)`, `y` int64 `(rows,)`, and two arrays of bool `(rows, 4)`: column `k` of the first
        marks the test rows of fold `k`, column `k` of the second its validation rows; all others are training rows.

    Raises:
        FileNotFoundError, ValueError: As `read`.
    """
    found = _read(name, folder)
    return found.x, found.y, found.test_folds, found.validation_folds


def _archive(folder: Path | None) -> Path:
    for place in [folder / "uci", folder] if folder else []:
        found = sorted(place.glob("uci*.tar.xz"))
        if found:
            return found[0]
    raise FileNotFoundError(
        f"the archive {ARCHIVE} of the UCI sets is not here: put it into DIR/uci and name DIR by --data-dir or the "
        "environment variable KERAS_RECIPES_DATA"
    )


def _files_by_set(path: Path) -> dict[str, dict[str, bytes]]:
    """Contents of the files in the archive, by set and file name.

    The archive is unpacked as a whole, because its checksum stands at the end.
    """
    with require_regular(path).open("rb") as stream:
        packed = stream.read(_MOST_BYTES + 1)
    sets = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(_unpacked(packed))) as archive:
            for member in archive:
                # A sparse file claims any size without a byte for it.
                if member.isfile() and not member.issparse():
                    name, file = PurePosixPath(member.name).parts[-2:]
                    sets.setdefault(name, {})[file] = archive.extractfile(member).read()
    except Exception:  # a damaged archive can fail in many ways
        sets = {}
    if not sets:
        raise _damaged(path, "it cannot be unpacked")
    return sets


def _unpacked(packed: bytes) -> bytes:
    """The content of an xz archive, up to a bound on its size.

    Raises:
        ValueError, LZMAError, EOFError: If the archive is damaged, or unpacks to far more than its size.
    """
    size = len(packed)
    decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MOST_BYTES)
    pieces, unpacked = [], 0
    while not decompressor.eof:
        pieces.append(decompressor.decompress(packed, max_length=2**20))
        packed, unpacked = b"", unpacked + len(pieces[-1])
        if (not pieces[-1] and decompressor.needs_input) or is_bomb(unpacked, size):
            raise EOFError
    return b"".join(pieces)


def _read(name: str, folder: Path | None) -> _Set:
    path = _archive(folder)
    sets = _files_by_set(path)
    known = {normalize(one): one for one in sorted(sets)}
    if normalize(name) not in known:
        raise unknown("UCI set", name, known.values())
    name = known[normalize(name)]
    files = {file: _matrix(path, name, file, sets[name]) for file in _expected(name)}
    x, labels, test, validation = files.values()
    rows = {file: len(values) for file, values in files.items()}
    if len(set(rows.values())) > 1:
        raise _damaged(path, f"its files of {name!r} differ in their rows ({', '.join(map(str, rows.values()))})")
    if labels.shape[1] != 1 or test.shape[1] != FOLDS or validation.shape[1] != FOLDS:
        raise _damaged(path, f"the labels or folds of {name!r} have not the right number of columns")
    if not np.isin([test, validation], (0, 1)).all() or (test * validation).any():
        raise _damaged(path, f"the folds of {name!r} are not 0 and 1, or a row is both test and validation")
    y, class_names = encode_labels(labels[:, 0])
    return _Set(name, x.astype(np.float32), y, class_names, test == 1, validation == 1)


def _expected(name: str) -> tuple[str, ...]:
    return f"{name}_py.dat", "labels_py.dat", "folds_py.dat", "validation_folds_py.dat"


def _matrix(path: Path, name: str, file: str, files: dict[str, bytes]) -> np.ndarray:
    """The numbers of one file, `(rows, columns)`, float64."""
    if not files.get(file, b"").strip():
        raise _damaged(path, f"{name}/{file} is missing or empty")
    try:
        values = np.loadtxt(io.BytesIO(files[file]), delimiter=",", ndmin=2, comments=None)
    except ValueError:
        raise _damaged(path, f"{name}/{file} has rows of several lengths, or values that are no numbers") from None
    if not np.isfinite(values).all():
        raise _damaged(path, f"{name}/{file} has values that are not finite")
    return values


def _damaged(path: Path, reason: str) -> ValueError:
    return ValueError(f"{path} is damaged: {reason}; fetch it again")
