"""What the watching callbacks have measured of a training: plain arrays, one file, one table."""

import csv
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from callbacks.watching.csv_cells import without_formula

# The axes of each field. "bounds" are the lowest and the highest value, "trace" the traced updates.
_AXES = {
    "gradient_norm_mean": ("epochs", "layers"),
    "gradient_norm_max": ("epochs", "layers"),
    "gradient_norm_last": ("epochs", "layers"),
    "update_ratio": ("epochs", "layers"),
    "total_gradient_norm_mean": ("epochs",),
    "total_gradient_norm_max": ("epochs",),
    "total_gradient_norm_last": ("epochs",),
    "steps": ("epochs",),
    "clipped_steps": ("epochs",),
    "skipped_steps": ("epochs",),
    "nonfinite_steps": ("epochs",),
    "activation_mean": ("epochs", "layers"),
    "activation_std": ("epochs", "layers"),
    "activation_dead": ("epochs", "layers"),
    "activation_saturated": ("epochs", "layers"),
    "activation_histogram": ("epochs", "layers", "bins"),
    "activation_range": ("epochs", "layers", "bounds"),
    "trace_step": ("trace",),
    "trace_gradient_norm": ("trace", "layers"),
    "trace_total_gradient_norm": ("trace",),
}


@dataclass(frozen=True, eq=False, kw_only=True)
class Record:
    """Measurements of a training, by epoch and layer.

    Epochs are counted from 1; epoch 0 is the state before the first step. NaN stands for what a layer does not have
    (a frozen one no gradient, a linear one no saturation), and for what was not measured in an epoch. Fields that were
    not measured at all are `None`.

    Attributes:
        layers: Names of the layers, in the order of the model.
        epochs: Numbers of the epochs, int64 `(epochs,)`.
        gradient_norm_mean: Euclidean norm of each layer's gradient before clipping, mean over the steps of the epoch
            in which it was finite `(epochs, layers)`.
        gradient_norm_max: Largest finite gradient norm of each layer in the epoch `(epochs, layers)`.
        gradient_norm_last: Gradient norm of each layer in the last step of the epoch, finite or not `(epochs, layers)`.
        update_ratio: Norm of an update over the norm of the weights, root mean square over the epoch
            `(epochs, layers)`.
        total_gradient_norm_mean: Gradient norm of all layers together, mean as in `gradient_norm_mean` `(epochs,)`.
        total_gradient_norm_max: Largest finite gradient norm of all layers together `(epochs,)`.
        total_gradient_norm_last: Gradient norm of all layers together in the last step `(epochs,)`.
        steps: Number of batches `(epochs,)`.
        clipped_steps: Number of updates that clipping changed `(epochs,)`.
        skipped_steps: Number of steps that were skipped because a gradient was not finite `(epochs,)`.
        nonfinite_steps: Number of steps whose gradient was not finite, skipped or not `(epochs,)`.
        activation_mean: Mean output of each layer over the watched rows `(epochs, layers)`.
        activation_std: Standard deviation of the outputs over all rows and units `(epochs, layers)`.
        activation_dead: Share of units that are silent for every row `(epochs, layers)`.
        activation_saturated: Share of saturated outputs of the activation `(epochs, layers)`.
        activation_histogram: Share of the outputs in each of equally wide bins `(epochs, layers, bins)`.
        activation_range: Lower end of the first bin and upper end of the last one `(epochs, layers, 2)`.
        trace_step: Numbers of the traced updates, counted from 1 `(trace,)`.
        trace_gradient_norm: Gradient norm of each layer in the traced updates `(trace, layers)`.
        trace_total_gradient_norm: Gradient norm of all layers together in the traced updates `(trace,)`.
    """

    layers: tuple[str, ...] = ()
    epochs: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0, np.int64))
    gradient_norm_mean: np.ndarray | None = None
    gradient_norm_max: np.ndarray | None = None
    gradient_norm_last: np.ndarray | None = None
    update_ratio: np.ndarray | None = None
    total_gradient_norm_mean: np.ndarray | None = None
    total_gradient_norm_max: np.ndarray | None = None
    total_gradient_norm_last: np.ndarray | None = None
    steps: np.ndarray | None = None
    clipped_steps: np.ndarray | None = None
    skipped_steps: np.ndarray | None = None
    nonfinite_steps: np.ndarray | None = None
    activation_mean: np.ndarray | None = None
    activation_std: np.ndarray | None = None
    activation_dead: np.ndarray | None = None
    activation_saturated: np.ndarray | None = None
    activation_histogram: np.ndarray | None = None
    activation_range: np.ndarray | None = None
    trace_step: np.ndarray | None = None
    trace_gradient_norm: np.ndarray | None = None
    trace_total_gradient_norm: np.ndarray | None = None

    def __post_init__(self):
        sizes = {"epochs": len(self.epochs), "layers": len(self.layers), "bounds": 2}
        for name, values in self.measured().items():
            expected = tuple(sizes.setdefault(axis, size) for axis, size in zip(_AXES[name], values.shape, strict=True))
            if values.shape != expected:
                raise ValueError(f"`{name}` must have the shape {expected}. Received: {values.shape}")

    def measured(self) -> dict[str, np.ndarray]:
        """The fields that were measured, by name."""
        return {name: getattr(self, name) for name in _AXES if getattr(self, name) is not None}

    def rows(self) -> Iterator[dict[str, float | int | str]]:
        """A table: one row for each epoch and layer, in which numbers of a whole epoch are repeated for each layer."""
        fields = {name: values for name, values in self.measured().items() if _is_tabular(name)}
        for place, epoch in enumerate(self.epochs):
            for column, layer in enumerate(self.layers):
                cells = {
                    name: values[place, column] if values.ndim == 2 else values[place]
                    for name, values in fields.items()
                }
                yield {"epoch": int(epoch), "layer": layer, **{name: cell.item() for name, cell in cells.items()}}

    def to_csv(self, path: str | Path, keep_formulas: bool = False) -> None:
        """Write `rows()` into a CSV file with a header; what was not measured is left empty.

        Args:
            path: Path of the file.
            keep_formulas: Whether a name of a layer that a spreadsheet program would take for a formula, such as
                `=1+1`, is written as it is. Default: it gets an apostrophe in front of it.
        """
        names = ["epoch", "layer", *filter(_is_tabular, self.measured())]
        with Path(path).open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, names)
            writer.writeheader()
            for row in self.rows():
                cells = {name: "" if cell != cell else cell for name, cell in row.items()}
                writer.writerow({name: without_formula(cell, keep_formulas) for name, cell in cells.items()})

    def save(self, path: str | Path) -> None:
        """Write all arrays into one NPZ file, each under its name."""
        with Path(path).open("wb") as stream:
            np.savez_compressed(stream, layers=np.array(self.layers, str), epochs=self.epochs, **self.measured())

    @classmethod
    def load(cls, path: str | Path) -> "Record":
        """Read a record that `save` has written.

        Raises:
            FileNotFoundError: If the file does not exist.
            ValueError: If it is not a record.
        """
        try:
            with np.load(path, allow_pickle=False) as content:
                arrays = {name: content[name] for name in content.files}
        except OSError:
            raise
        except Exception:  # a damaged archive can fail in many ways
            arrays = {}
        return cls.from_arrays(arrays, path)

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], where: str | Path) -> "Record":
        """The record whose fields are `arrays`, by name, as `save` writes them.

        Args:
            arrays: Arrays by name.
            where: File that they are from, for the message.

        Raises:
            ValueError: If they are no record.
        """
        known = {"layers": ("layers",), "epochs": ("epochs",), **_AXES}
        if {"layers", "epochs"} <= set(arrays) <= set(known):
            kinds = {"layers": "U", "epochs": "iu"}
            fits = [
                values.ndim == len(known[name]) and values.dtype.kind in kinds.get(name, "iuf")
                for name, values in arrays.items()
            ]
            if all(fits):
                try:
                    return cls(**{**arrays, "layers": tuple(map(str, arrays["layers"]))})
                except ValueError as error:
                    raise ValueError(f"{where} is no record of a training: {error}") from None
        raise ValueError(f"{where} is no record of a training")


def merged(records: list[Record]) -> Record:
    """One record from several of the same training.

    Layers keep their order, those of the first record first where their order is not known. Where several records have
    the same field of an epoch, that of the last record is taken; traces are put one after the other.
    """
    layers = tuple(_in_order([record.layers for record in records]))
    epochs = np.unique(np.concatenate([np.zeros(0, np.int64), *(record.epochs for record in records)]))
    fields = {}
    for record in records:
        places = {
            "epochs": np.searchsorted(epochs, record.epochs),
            "layers": np.array([layers.index(name) for name in record.layers], np.int64),
        }
        whole = {"epochs": len(epochs), "layers": len(layers)}
        for name, values in record.measured().items():
            shape = tuple(whole.get(axis, size) for axis, size in zip(_AXES[name], values.shape, strict=True))
            columns = [places.get(axis, np.arange(size)) for axis, size in zip(_AXES[name], values.shape, strict=True)]
            field = np.full(shape, np.nan, np.result_type(values, np.float32))
            former = fields.get(name)
            if former is not None and _AXES[name][0] != "trace":
                field[...] = former
            field[np.ix_(*columns)] = values
            if former is not None and _AXES[name][0] == "trace":
                field = np.concatenate([former, field + former[-1] if name == "trace_step" else field])
            fields[name] = field
    # Counts without gaps are whole numbers again.
    for name in ("steps", "clipped_steps", "skipped_steps", "nonfinite_steps", "trace_step"):
        if name in fields and np.isfinite(fields[name]).all():
            fields[name] = fields[name].astype(np.int64)
    return Record(layers=layers, epochs=epochs, **fields)


def _in_order(sequences: list[tuple[str, ...]]) -> list[str]:
    """All names of `sequences`, each once; a new one is put behind the name that it followed in its sequence."""
    order: list[str] = []
    for names in sequences:
        place = 0
        for name in names:
            if name in order:
                place = order.index(name) + 1
            else:
                order.insert(place, name)
                place += 1
    return order


def _is_tabular(name: str) -> bool:
    return _AXES[name] in (("epochs", "layers"), ("epochs",))
