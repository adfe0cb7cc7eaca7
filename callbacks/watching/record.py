"""What the watching callbacks saw of a training: plain arrays, one file, one table."""

import csv
import dataclasses
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

# The axes of each field: epochs, layers, bins, ends (lowest and highest), trace (the traced steps).
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
    "activation_range": ("epochs", "layers", "ends"),
    "trace_step": ("trace",),
    "trace_gradient_norm": ("trace", "layers"),
    "trace_total_gradient_norm": ("trace",),
}


@dataclass(frozen=True, eq=False, kw_only=True)
class Record:
    """What was seen of a training, by epoch and layer.

    Epochs are counted from 1; epoch 0 is the state before the first step. What a layer does not have (a frozen one no
    gradient, a linear one no saturation), and what was not measured in an epoch, is NaN. Fields that nobody measured
    are `None`.

    Attributes:
        layers: Names, in the order of the model.
        epochs: Their numbers, int64 `(epochs,)`.
        gradient_norm_mean: Euclidean norm of each layer's gradient before clipping, mean over the steps of the epoch
            in which it was finite `(epochs, layers)`; likewise `gradient_norm_max` and `gradient_norm_last`, which is
            that of the last step, finite or not.
        update_ratio: Norm of an update over the norm of the weights, root mean square over the epoch
            `(epochs, layers)`.
        total_gradient_norm_mean: The same as `gradient_norm_mean` of all layers together `(epochs,)`; likewise
            `total_gradient_norm_max` and `total_gradient_norm_last`.
        steps: Batches seen `(epochs,)`.
        clipped_steps: Updates that clipping changed `(epochs,)`.
        skipped_steps: Steps that were left out because a gradient was not finite `(epochs,)`.
        nonfinite_steps: Steps whose gradient was not finite, left out or not `(epochs,)`.
        activation_mean: Mean output of each layer over the probe `(epochs, layers)`.
        activation_std: Its standard deviation over all rows and units `(epochs, layers)`.
        activation_dead: Share of units that are silent for every row `(epochs, layers)`.
        activation_saturated: Share of outputs at the flat ends of the activation `(epochs, layers)`.
        activation_histogram: Share of the outputs in each of equally wide bins `(epochs, layers, bins)`.
        activation_range: Lower end of the first bin and upper end of the last one `(epochs, layers, 2)`.
        trace_step: Numbers of the updates that were traced, from 1 `(trace,)`.
        trace_gradient_norm: Gradient norms of those `(trace, layers)`.
        trace_total_gradient_norm: The same of all layers together `(trace,)`.
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
        sizes = {"epochs": len(self.epochs), "layers": len(self.layers), "ends": 2}
        for name, values in self.measured().items():
            expected = tuple(sizes.setdefault(axis, size) for axis, size in zip(_AXES[name], values.shape, strict=True))
            if values.shape != expected:
                raise ValueError(f"`{name}` must have the shape {expected}. Received: {values.shape}")

    def measured(self) -> dict[str, np.ndarray]:
        """The fields that somebody measured, by name."""
        return {name: getattr(self, name) for name in _AXES if getattr(self, name) is not None}

    def rows(self) -> Iterator[dict[str, float | int | str]]:
        """One row for each epoch and layer, with what has one number for both; that of an epoch alone is repeated."""
        fields = {name: values for name, values in self.measured().items() if _is_tabular(name)}
        for place, epoch in enumerate(self.epochs):
            for column, layer in enumerate(self.layers):
                cells = {
                    name: values[place, column] if values.ndim == 2 else values[place]
                    for name, values in fields.items()
                }
                yield {"epoch": int(epoch), "layer": layer, **{name: cell.item() for name, cell in cells.items()}}

    def to_csv(self, path: str | Path) -> None:
        """Write `rows()` with a line of names; what was not measured is left empty."""
        names = ["epoch", "layer", *filter(_is_tabular, self.measured())]
        with Path(path).open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, names)
            writer.writeheader()
            for row in self.rows():
                writer.writerow({name: "" if cell != cell else cell for name, cell in row.items()})

    def save(self, path: str | Path) -> None:
        """Write all arrays into one NPZ file, each under its name."""
        with Path(path).open("wb") as stream:
            np.savez_compressed(stream, layers=np.array(self.layers, str), epochs=self.epochs, **self.measured())

    @classmethod
    def load(cls, path: str | Path) -> "Record":
        """Read what `save` has written.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it is no record.
        """
        try:
            with np.load(path, allow_pickle=False) as content:
                arrays = {name: content[name] for name in content.files}
        except (ValueError, EOFError, zipfile.BadZipFile):
            arrays = {}
        known = {"layers", "epochs", *_AXES}
        if not {"layers", "epochs"} <= set(arrays) <= known:
            raise ValueError(f"{path} is no record of a training")
        return cls(**{**arrays, "layers": tuple(map(str, arrays["layers"]))})


def merged(records: list[Record]) -> Record:
    """One record of what several saw in the same training.

    Layers keep their order, those of the first record first where nothing else is known. What several records have of
    one epoch is that of the last one; their traces follow each other.
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
    # What has no holes keeps its whole numbers.
    for name in ("steps", "clipped_steps", "skipped_steps", "nonfinite_steps", "trace_step"):
        if name in fields and np.isfinite(fields[name]).all():
            fields[name] = fields[name].astype(np.int64)
    return Record(layers=layers, epochs=epochs, **fields)


def _in_order(sequences: list[tuple[str, ...]]) -> list[str]:
    """All names of `sequences`, each once; a new one stands behind the one that it followed."""
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
