"""Any set of tensorflow-datasets (TFDS) that holds images or a table; its own parts stay what they are."""

import contextlib
import difflib
import io
import logging
import os
import re
import socket
import urllib.parse
import urllib.request
from pathlib import Path

import numpy as np

from recipes.data import images
from recipes.data.dataset import shorten
from recipes.data.source import Source
from recipes.data.store import CHUNK_BYTES, RowStore
from recipes.lookup import normalize, unknown
from recipes.settings import Data

# Names of splits that mean one of our parts. Others, such as `unlabelled` or `extra`, are left out.
PARTS = {
    "train": "train", "validation": "validation", "valid": "validation", "val": "validation", "dev": "validation",
    "test": "test",
}  # fmt: skip
ALLOWED = (
    "8-bit images, one row of numbers, or columns of numbers, truth values, classes and texts as input, and one class, "
    "number or text as target"
)
MOST_ROWS_AT_ONCE = 8192
# Seconds that a server has to answer.
PATIENCE = 5.0


def read(name: str, settings: Data, folder: Path | None) -> Source:
    """A set of TFDS, downloaded and prepared first where it is not there yet.

    Args:
        name: `NAME`, `NAME/CONFIG`, `NAME:VERSION` or `NAME/CONFIG:VERSION`; `-` and `_` are alike.
        settings: Size and colour of images.
        folder: Of local copies: prepared data in `folder/NAME`, or the files that would be downloaded. Default: the
            folder of TFDS, which the environment variable TFDS_DATA_DIR names.

    Returns:
        A source with the parts `"train"`, `"validation"` and `"test"` that there are, in the order of TFDS; or `"all"`,
        where there is only one split, or only train. Images: `x` uint8 `(rows, height, width, channels)`. Tables: `x`
        float32 `(rows, columns)`, with codes for classes and texts.

    Raises:
        ValueError: For an unknown name, and for sets that hold something else, before anything is downloaded.
        ConnectionError: If a download is needed and there is no network.
        OSError: If it cannot be downloaded or prepared.
    """
    with _quiet():
        builder = _builder(name, folder)
        _refuse_other_kinds(builder)
        _prepare(builder, folder)
        with _refuse_damage(builder):
            return _read(builder, settings)


@contextlib.contextmanager
def _quiet():
    """Hide the messages and progress bars of TFDS."""
    _leave_accelerator_alone()
    from tensorflow_datasets.core.utils import tqdm_utils

    loggers = [logging.getLogger(name) for name in ("absl", "urllib3")]
    levels, bars = [logger.level for logger in loggers], tqdm_utils._active
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    tqdm_utils.display_progress_bar(False)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        tqdm_utils.display_progress_bar(bars)
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _leave_accelerator_alone():
    """On another backend, TensorFlow only reads: it would take all memory of the accelerator for itself."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
        import tensorflow

        with contextlib.suppress(RuntimeError):  # its devices are in use already
            tensorflow.config.set_visible_devices([], "GPU")


def _builder(name: str, folder: Path | None):
    """What TFDS knows of the set: prepared data in `folder` first, then in the folder of TFDS."""
    import tensorflow_datasets as tfds

    dataset, request = _request(name)
    # TFDS looks at the variable only once, when it is imported.
    named = os.environ.get("TFDS_DATA_DIR")
    default = Path(named).expanduser() if named else None
    builder = None
    for home in [folder, default] if folder else [default]:
        try:
            builder = tfds.builder(request, data_dir=home)
        except tfds.core.DatasetNotFoundError:
            continue
        except Exception as error:  # a version that is not there, damaged data, a module that is not installed
            reason = _line(error).split('": ')[-1]
            raise ValueError(f"the dataset {name!r} of tensorflow-datasets cannot be opened: {reason}") from None
        if builder.is_prepared():
            return builder
    if builder is None:
        raise _unknown("dataset of TFDS", dataset, tfds.list_builders(with_community_datasets=False))
    return builder


def _request(name: str) -> tuple[str, str]:
    """Name of the set, and the whole request, as TFDS spells them."""
    import tensorflow_datasets as tfds

    match = re.fullmatch(r"([\w-]+)(?:/([\w.+-]+))?(?::([\d.*]+))?", name.strip())
    if not match:
        raise ValueError(f"datasets of TFDS are called NAME, NAME/CONFIG or NAME:VERSION. Received: {name!r}")
    dataset, config, version = match[1].lower().replace("-", "_"), match[2], match[3]
    if config:
        with contextlib.suppress(tfds.core.DatasetNotFoundError):  # it may lie in the folder all the same
            config = _config(dataset, config, list(tfds.builder_cls(dataset).builder_configs))
    return dataset, dataset + (f"/{config}" if config else "") + (f":{version}" if version else "")


def _config(dataset: str, config: str, known: list[str]) -> str:
    if not known:
        raise ValueError(f"the dataset {dataset!r} of TFDS has no configurations. Received: {config!r}")
    for one in known:
        if normalize(one) == normalize(config):
            return one
    raise _unknown(f"configuration of {dataset!r}", config, known)


def _unknown(kind: str, name: str, known: list[str]) -> ValueError:
    """TFDS knows hundreds of names: only the nearest are told."""
    near = difflib.get_close_matches(name, known, n=4, cutoff=0.5) or known[:4]
    others = len(known) - len(near)
    return unknown(kind, name, [*near, f"and {others} more"] if others else near)


def _refuse_other_kinds(builder) -> None:
    keys = builder.info.supervised_keys
    if keys is None:
        raise _refusal(builder, "does not say which of its features is the target")
    if len(keys) != 2 or not isinstance(keys[1], str) or keys[1] not in builder.info.features:
        raise _refusal(builder, "has no single target")
    if _kind(builder.info.features[keys[1]]) not in ("class", "number", "text"):
        raise _refusal(builder, f"has the target {keys[1]!r}, which is neither a class nor a number nor a text")
    kinds = {key: _kind(feature) for key, feature in _inputs(builder).items()}
    strange = [repr(key) for key, kind in kinds.items() if kind is None or (kind == "image" and len(kinds) > 1)]
    if strange or not kinds:
        raise _refusal(builder, f"has inputs of other kinds: {shorten(strange) or keys[0]}")
    if set(kinds.values()) == {"text"}:
        raise _refusal(builder, "has nothing but text as input")


def _refusal(builder, why: str) -> ValueError:
    held = [f"{key} ({type(feature).__name__})" for key, feature in builder.info.features.items()]
    return ValueError(
        f"the dataset {builder.name!r} of TFDS {why}. Allowed are {ALLOWED}. Received: {shorten(held, 10)}"
    )


def _inputs(builder) -> dict:
    """The features that are learnt from, by the name of their column or columns."""
    import tensorflow_datasets as tfds

    chosen, features = builder.info.supervised_keys[0], builder.info.features
    if isinstance(chosen, str) and chosen in features and isinstance(features[chosen], tfds.features.FeaturesDict):
        return dict(features[chosen])
    chosen = chosen if isinstance(chosen, dict) else {str(chosen): chosen}
    return {name: features[key] if isinstance(key, str) and key in features else None for name, key in chosen.items()}


def _kind(feature) -> str | None:
    """`"image"`, `"class"`, `"text"`, `"number"`, `"numbers"` (a row of them), or `None` for anything else."""
    import tensorflow_datasets as tfds

    if type(feature) is tfds.features.Image:
        return "image" if np.dtype(feature.np_dtype) == np.uint8 and len(feature.shape) == 3 else None
    if isinstance(feature, tfds.features.ClassLabel):
        return "class"
    # Not their subclasses: sound and boxes are tensors, too.
    if type(feature) not in (tfds.features.Tensor, tfds.features.Scalar, tfds.features.Text):
        return None
    is_text = np.dtype(feature.np_dtype).kind in "OSU"
    if feature.shape == ():
        return "text" if is_text else "number"
    return "numbers" if not is_text and len(feature.shape) == 1 and feature.shape[0] else None


class _UnreachableError(OSError):
    """A server that does not answer."""


def _prepare(builder, folder: Path | None) -> None:
    import tensorflow_datasets as tfds

    if builder.is_prepared():
        return
    config = tfds.download.DownloadConfig(manual_dir=_own_files(builder.name, folder))
    try:
        with _short_patience():
            builder.download_and_prepare(download_config=config)
    except _UnreachableError as server:
        raise ConnectionError(
            f"there is no network ({server} does not answer) and no local copy of {builder.name!r}: put its prepared "
            f"data into DIR/{builder.name} and name DIR by --data-dir or the environment variable KERAS_RECIPES_DATA, "
            f"or put them into {Path(builder.data_dir_root) / builder.name}"
        ) from None
    except Exception as error:  # of the network, of the disk, or of the code that belongs to the set
        raise OSError(f"the dataset {builder.name!r} cannot be downloaded and prepared: {_line(error)}") from None


def _own_files(name: str, folder: Path | None) -> Path | None:
    """The folder with files that TFDS would download."""
    places = [folder / name, folder / name.replace("_", "-")] if folder else []
    return next((place for place in places if place.is_dir()), None)


@contextlib.contextmanager
def _short_patience():
    """Ask a server whether it is there before TFDS does, which asks for minutes before it gives up.

    That happens only where something really is downloaded: files that TFDS has, or was given, need no network.
    """
    from tensorflow_datasets.core.download import downloader

    original, known = downloader._Downloader.download, set()

    def download(self, url, *args, **kwargs):
        _require_server(url, known)
        return original(self, url, *args, **kwargs)

    downloader._Downloader.download = download
    try:
        yield
    finally:
        downloader._Downloader.download = original


def _require_server(url: str, known: set[str]) -> None:
    parts = urllib.parse.urlparse(url)
    host = "storage.googleapis.com" if parts.scheme == "gs" else parts.hostname
    if host is None or host in known or urllib.request.getproxies():  # a proxy answers for all of them
        return
    port = parts.port or {"http": 80, "ftp": 21}.get(parts.scheme, 443)
    try:
        socket.create_connection((host, port), timeout=PATIENCE).close()
    except OSError:
        raise _UnreachableError(host) from None
    known.add(host)


def _line(error: Exception) -> str:
    """The message of `error` in one line that is not too long."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 300 else f"{text[:300]} ..."


def _read(builder, settings: Data) -> Source:
    splits, notes = _splits(builder)
    inputs, target = _Inputs(builder), _Target(builder)
    if inputs.is_image:
        notes += inputs.choose_size(settings, [_examples(builder, split) for split in splits.values()])
    parts = {}
    for part, split in splits.items():
        x, y, unlabelled = _rows(builder, split, inputs, target)
        if unlabelled:
            notes += (f"rows of {split} without a class, left out: {unlabelled:,}",)
        if len(y):
            parts[part] = x, y
    if next(iter(splits)) not in parts:
        raise ValueError(f"the dataset {builder.name!r} has no rows with a target to learn from")
    if set(parts) == {"train"}:  # the others had no labels
        parts = {"all": parts["train"]}
    return Source(
        normalize(
            "-".join(filter(None, ("tfds", builder.name, builder.builder_config and builder.builder_config.name)))
        ),
        parts,
        task=target.task,
        class_names=target.class_names,
        target=target.name,
        feature_names=inputs.columns,
        vocabularies=inputs.vocabularies,
        notes=notes,
    )


@contextlib.contextmanager
def _refuse_damage(builder):
    import tensorflow

    try:
        yield
    except tensorflow.errors.OpError as error:
        reason = type(error).__name__
        raise ValueError(
            f"the data in {builder.data_dir} are damaged ({reason}): delete and prepare them anew"
        ) from None


def _splits(builder) -> tuple[dict[str, str], tuple[str, ...]]:
    """The split of each part, the one to learn from first; and a note on those that are left out."""
    # A set that says nothing of its splits is one that stands in for another in tests.
    available = list(builder.info.splits) or ["train"]
    found = {}
    for split in available:
        if split in PARTS:
            found.setdefault(PARTS[split], split)
    if len(available) == 1 or set(found) == {"train"}:
        found = {"all": found.get("train", available[0])}
    elif "train" not in found:
        raise ValueError(f"the dataset {builder.name!r} has no split called train. Received: {shorten(available)}")
    others = [split for split in available if split not in found.values()]
    order = [part for part in ("all", "train", "validation", "test") if part in found]
    notes = (f"splits left out: {shorten(others)}",) if others else ()
    return {part: found[part] for part in order}, notes


def _examples(builder, split: str, rows_at_once: int = 1):
    """Arrays of the inputs and of the target, some rows at a time, always in the same order."""
    import tensorflow_datasets as tfds

    once = tfds.ReadConfig(try_autocache=False)  # which would keep what is read only once
    dataset = builder.as_dataset(split=split, as_supervised=True, shuffle_files=False, read_config=once)
    return tfds.as_numpy(dataset.batch(rows_at_once))


def _rows(builder, split: str, inputs: "_Inputs", target: "_Target") -> tuple[np.ndarray, np.ndarray, int]:
    """`x` and `y` of a split, and how many rows had no class: sets for contests do not tell them."""
    store, targets, unlabelled = RowStore(), [], 0
    for batch, values in _examples(builder, split, inputs.rows_at_once):
        x, y = inputs.encode(batch), target.encode(values)
        labelled = y >= 0 if target.class_names else np.ones(len(y), bool)
        unlabelled += int((~labelled).sum())
        if labelled.any():
            store.append(x[labelled])
            targets.append(y[labelled])
    if not targets:
        return np.empty(0), np.empty(0), unlabelled
    return store.finish(), np.concatenate(targets), unlabelled


class _Inputs:
    """How the inputs of TFDS become rows of one array.

    Attributes:
        columns: Names of the columns of a table; `None` for images.
        rows_at_once: How many are read together.
    """

    def __init__(self, builder):
        self._features = _inputs(builder)
        self._kinds = {key: _kind(feature) for key, feature in self._features.items()}
        self._codes = {
            key: {name: code for code, name in enumerate(self._features[key].names if kind == "class" else (), start=1)}
            for key, kind in self._kinds.items()
            if kind in ("class", "text")
        }
        self.is_image = "image" in self._kinds.values()
        self.columns = None if self.is_image else tuple(self._names())
        self.rows_at_once = MOST_ROWS_AT_ONCE

    @property
    def vocabularies(self) -> dict[str, tuple[str, ...]]:
        return {key: tuple(codes) for key, codes in self._codes.items()}

    def choose_size(self, settings: Data, datasets) -> tuple[str, ...]:
        """Settle height, width and channels of images; a note, if that changes them."""
        (feature,) = self._features.values()
        fixed = None not in feature.shape
        sizes = {feature.shape[:2]} if None not in feature.shape[:2] else set()
        if not sizes and settings.image_size is None:
            sizes = _sizes(datasets)
        height, width = settings.image_size or _common_size(sizes)
        channels = images.COLORS[settings.color] if settings.color else feature.shape[2] or 3
        self._shape = (height, width, channels)
        if fixed:
            self.rows_at_once = min(max(1, CHUNK_BYTES // int(np.prod(feature.shape))), MOST_ROWS_AT_ONCE)
        else:
            self.rows_at_once = 1  # images of several sizes make no array
        if sizes == {(height, width)}:
            return ()
        which = "{} x {}".format(*next(iter(sizes))) if len(sizes) == 1 else "several sizes"
        return (f"images of {which}, resized to {height} x {width}",)

    def encode(self, batch) -> np.ndarray:
        """Rows `(rows, height, width, channels)`, uint8, or `(rows, columns)`, float32."""
        if self.is_image:
            return images.fit_all(batch, *self._shape)
        batch = batch if isinstance(batch, dict) else dict.fromkeys(self._features, batch)
        return np.concatenate([self._columns_of(key, batch[key]) for key in self._features], axis=1)

    def _names(self):
        for key, kind in self._kinds.items():
            if kind == "numbers":
                yield from (f"{key}_{number}" for number in range(self._features[key].shape[0]))
            else:
                yield key

    def _columns_of(self, key, values):
        kind = self._kinds[key]
        if kind == "class":
            values = values + 1  # no class is -1
        elif kind == "text":
            values = np.array([self._code(key, text) for text in _texts(values)])
        with np.errstate(over="ignore"):  # float64 beyond float32 becomes infinite, and is found later
            return values.reshape(len(values), -1).astype(np.float32)

    def _code(self, key, text):
        codes = self._codes[key]
        return codes.setdefault(text, len(codes) + 1) if text else 0


class _Target:
    """How the target of TFDS becomes class numbers, numbers or texts."""

    def __init__(self, builder):
        self.name = builder.info.supervised_keys[1]
        feature = builder.info.features[self.name]
        self._kind = _kind(feature)
        self.class_names = tuple(feature.names) if self._kind == "class" else None
        is_fraction = self._kind == "number" and np.dtype(feature.np_dtype).kind == "f"
        # Whole numbers may be either.
        self.task = "classification" if self._kind == "class" else "regression" if is_fraction else None

    def encode(self, values: np.ndarray) -> np.ndarray:
        """`(rows,)`, class numbers as int64."""
        if self._kind == "text":
            return np.array(_texts(values))
        return values.astype(np.int64) if self._kind == "class" else values


def _texts(values: np.ndarray) -> list[str]:
    return [value.decode(errors="replace").strip() for value in values]


def _sizes(datasets) -> set[tuple[int, int]]:
    """Heights and widths of all images, or the first two of them that differ."""
    sizes = set()
    for dataset in datasets:
        for batch, _ in dataset:
            sizes.add(batch.shape[1:3])
            if len(sizes) > 1:
                return sizes
    return sizes


def _common_size(sizes: set[tuple[int, int]]) -> tuple[int, int]:
    """Their own, if they are all alike and not large."""
    size = next(iter(sizes)) if len(sizes) == 1 else images.COMMON_SIZE
    return size if max(size) <= images.MOST_OWN_SIDE else images.COMMON_SIZE
