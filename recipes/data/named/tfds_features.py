"""Features of tensorflow-datasets (TFDS) as arrays: which kinds are supported, and how each becomes numbers."""

import numpy as np

from recipes.arguments.names import shorten
from recipes.data.images.pixels import COLORS, color_of, common_size, fit_all
from recipes.data.store import CHUNK_BYTES
from recipes.settings import Data

ALLOWED = (
    "8-bit images, one row of numbers, or columns of numbers, truth values, classes and texts as input, and one class, "
    "number or text as target"
)
# Rows of a table in one batch.
ROWS_AT_ONCE = 8192


def refuse_other_kinds(builder) -> None:
    """Refuse a set whose features are not those of `ALLOWED`.

    Raises:
        ValueError: With the features of the set.
    """
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
    received = [f"{key} ({type(feature).__name__})" for key, feature in builder.info.features.items()]
    return ValueError(
        f"the dataset {builder.name!r} of TFDS {why}. Allowed are {ALLOWED}. Received: {shorten(received, 10)}"
    )


def _inputs(builder) -> dict:
    """The input features, by the name of their column or columns; `None` for a feature that is not a plain one."""
    import tensorflow_datasets as tfds

    chosen, features = builder.info.supervised_keys[0], builder.info.features
    if isinstance(chosen, str) and chosen in features and isinstance(features[chosen], tfds.features.FeaturesDict):
        return dict(features[chosen])
    chosen = chosen if isinstance(chosen, dict) else {str(chosen): chosen}
    return {name: features[key] if isinstance(key, str) and key in features else None for name, key in chosen.items()}


def _kind(feature) -> str | None:
    """Kind of a feature: `"image"`, `"class"`, `"text"`, `"number"`, `"numbers"` (a vector), or `None` for others."""
    import tensorflow_datasets as tfds

    if type(feature) is tfds.features.Image:
        return "image" if np.dtype(feature.np_dtype) == np.uint8 and len(feature.shape) == 3 else None
    if isinstance(feature, tfds.features.ClassLabel):
        return "class"
    # Subclasses are other kinds: sound and bounding boxes are tensors, too.
    if type(feature) not in (tfds.features.Tensor, tfds.features.Scalar, tfds.features.Text):
        return None
    is_text = np.dtype(feature.np_dtype).kind in "OSU"
    if feature.shape == ():
        return "text" if is_text else "number"
    return "numbers" if not is_text and len(feature.shape) == 1 and feature.shape[0] else None


class Inputs:
    """Encodes the inputs of a TFDS set as rows of one array.

    Attributes:
        is_image: Whether the inputs are images, rather than a table.
        columns: Names of the columns of a table; `None` for images.
        rows_at_once: Number of rows in one batch.
    """

    def __init__(self, builder):
        self._features = _inputs(builder)
        self._kinds = {key: _kind(feature) for key, feature in self._features.items()}
        self._codes = {}
        for key, kind in self._kinds.items():
            if kind in ("class", "text"):
                names = self._features[key].names if kind == "class" else ()
                self._codes[key] = {name: code for code, name in enumerate(names, start=1)}
        self.is_image = "image" in self._kinds.values()
        self.columns = None if self.is_image else tuple(self._names())
        self.rows_at_once = ROWS_AT_ONCE

    def _names(self):
        for key, kind in self._kinds.items():
            if kind == "numbers":
                yield from (f"{key}_{number}" for number in range(self._features[key].shape[0]))
            else:
                yield key

    @property
    def vocabularies(self) -> dict[str, tuple[str, ...]]:
        """Categories that have been encoded so far, by column with classes or texts."""
        return {key: tuple(codes) for key, codes in self._codes.items()}

    def choose_size(self, settings: Data, datasets) -> tuple[str, ...]:
        """Choose height, width and channels of all images; returns a note where images are resized.

        Args:
            settings: Settings of the data, with the requested size and colour of images.
            datasets: Batches of each split; read only where neither settings nor features give the sizes.
        """
        (feature,) = self._features.values()
        if None not in feature.shape[:2]:
            sizes = {feature.shape[:2]}
        else:
            sizes = set() if settings.image_size else _sizes(datasets)
        height, width = settings.image_size or common_size(sizes)
        self._background = color_of(settings.background)
        self._shape = (height, width, COLORS[settings.color] if settings.color else feature.shape[2] or 3)
        # Images of several sizes make no array.
        self.rows_at_once = 1 if None in feature.shape else max(1, CHUNK_BYTES // int(np.prod(feature.shape)))
        if sizes == {(height, width)}:
            return ()
        which = "{} x {}".format(*next(iter(sizes))) if len(sizes) == 1 else "several sizes"
        return (f"images of {which}, resized to {height} x {width}",)

    def encode(self, batch) -> np.ndarray:
        """Rows `(rows, height, width, channels)`, uint8, or `(rows, columns)`, float32."""
        if self.is_image:
            return fit_all(batch, *self._shape, self._background)
        batch = batch if isinstance(batch, dict) else dict.fromkeys(self._features, batch)
        return np.concatenate([self._columns_of(key, batch[key]) for key in self._features], axis=1)

    def _columns_of(self, key, values):
        kind = self._kinds[key]
        if kind == "class":
            values = values + 1  # no class is -1
        elif kind == "text":
            values = np.array([self._code(key, text) for text in _texts(values)])
        with np.errstate(over="ignore"):  # float64 beyond float32 becomes infinite, which the scan of a column refuses
            return values.reshape(len(values), -1).astype(np.float32)

    def _code(self, key, text):
        codes = self._codes[key]
        return codes.setdefault(text, len(codes) + 1) if text else 0


def _sizes(datasets) -> set[tuple[int, int]]:
    """Heights and widths of the images: one if all are alike, otherwise the first two that differ."""
    sizes = set()
    for dataset in datasets:
        for batch, _ in dataset:
            sizes.add(batch.shape[1:3])
            if len(sizes) > 1:
                return sizes
    return sizes


class Target:
    """Encodes the target of a TFDS set as class numbers, numbers or texts.

    Attributes:
        name: Name of the target feature.
        task: `"classification"` or `"regression"`; `None` for whole numbers and texts, which may be either.
        class_names: Class names of a feature of classes, otherwise `None`.
    """

    def __init__(self, builder):
        self.name = builder.info.supervised_keys[1]
        feature = builder.info.features[self.name]
        self._kind = _kind(feature)
        self.class_names = tuple(feature.names) if self._kind == "class" else None
        is_fraction = self._kind == "number" and np.dtype(feature.np_dtype).kind == "f"
        self.task = "classification" if self._kind == "class" else "regression" if is_fraction else None

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Targets `(rows,)`; class numbers are int64, and -1 where a row has no class."""
        if self._kind == "text":
            return np.array(_texts(values))
        return values.astype(np.int64) if self._kind == "class" else values


def _texts(values: np.ndarray) -> list[str]:
    return [value.decode(errors="replace").strip() for value in values]
