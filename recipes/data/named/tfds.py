"""Sets of tensorflow-datasets (TFDS) that hold images or a table, with the parts that they come with."""

from pathlib import Path

import numpy as np
import pyarrow

from recipes.arguments.names import normalize, shorten
from recipes.data.arrays import check_target
from recipes.data.named import tfds_builder
from recipes.data.named.tfds_features import Inputs, Target, refuse_other_kinds
from recipes.data.source import Source
from recipes.data.store import RowStore
from recipes.data.tables.column_values import cleaned
from recipes.data.tables.scan import Scan
from recipes.settings import Data

# Part that each split of TFDS becomes, by name. Others, such as `unlabelled` or `extra`, are left out.
PARTS = {
    "train": "train", "validation": "validation", "valid": "validation", "val": "validation", "dev": "validation",
    "test": "test",
}  # fmt: skip


def read(name: str, settings: Data, folder: Path | None, download: bool = True) -> Source:
    """A set of TFDS, downloaded and prepared first where it is not there yet.

    Args:
        name: `NAME`, `NAME/CONFIG`, `NAME:VERSION` or `NAME/CONFIG:VERSION`; `-` and `_` are alike.
        settings: Settings of the data, with size and colour of images.
        folder: Folder of local copies, with prepared data or the files that would be downloaded in `folder/NAME`.
            Default: the folder of TFDS, which the environment variable TFDS_DATA_DIR names.
        download: Whether the set may be downloaded.

    Returns:
        A source with those of the parts `"train"`, `"validation"` and `"test"` that the set has, their rows in TFDS's
        order; or with `"all"`, if it has only one split or only train. Images: `x` uint8 `(rows, height, width,
        channels)`. Tables: `x` float32 `(rows, columns)`, with codes for classes and texts, and NaN for missing
        numbers.

    Raises:
        ValueError: For an unknown name, and for sets of other contents, before anything is downloaded; for infinite
            values, missing targets and damaged data.
        FileNotFoundError: If the set is not there, and `download` is false.
        ConnectionError: If a download is needed and there is no network.
        OSError: If the set cannot be downloaded or prepared.
    """
    with tfds_builder.quiet():
        import tensorflow

        builder = tfds_builder.find(name, folder)
        refuse_other_kinds(builder)
        tfds_builder.prepare(builder, folder, download)
        try:
            return _read(builder, settings)
        except tensorflow.errors.OpError as error:
            raise ValueError(
                f"the data in {builder.data_dir} are damaged ({type(error).__name__}): delete and prepare them anew"
            ) from None


def _read(builder, settings: Data) -> Source:
    splits, notes = _splits(builder)
    inputs, target = Inputs(builder), Target(builder)
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
        normalize("-".join(["tfds", *builder.info.full_name.split("/")[:-1]])),  # without the version
        parts,
        task=target.task,
        class_names=target.class_names,
        target=target.name,
        feature_names=inputs.columns,
        vocabularies=inputs.vocabularies,
        notes=notes,
    )


def _splits(builder) -> tuple[dict[str, str], tuple[str, ...]]:
    """The split that becomes each part, the training part first, and a note on the splits that are left out."""
    available, found = list(builder.info.splits), {}
    for split, part in PARTS.items():
        if split in available:
            found.setdefault(part, split)
    if len(available) == 1 or set(found) == {"train"}:
        found = {"all": found.get("train", available[0])}
    elif "train" not in found:
        raise ValueError(f"the dataset {builder.name!r} has no split called train. Received: {shorten(available)}")
    others = [split for split in available if split not in found.values()]
    return found, (f"splits left out: {shorten(others)}",) if others else ()


def _examples(builder, split: str, rows_at_once: int = 1):
    """Batches of inputs and targets as arrays, always in the same order."""
    import tensorflow_datasets as tfds

    once = tfds.ReadConfig(try_autocache=False)  # a cache would fill the memory with rows that are read once
    dataset = builder.as_dataset(split=split, as_supervised=True, shuffle_files=False, read_config=once)
    return tfds.as_numpy(dataset.batch(rows_at_once))


def _rows(builder, split: str, inputs: Inputs, target: Target) -> tuple[np.ndarray, np.ndarray, int]:
    """`x` and `y` of a split, and the number of rows without a class, which test splits of competitions have."""
    store, targets, unlabelled = RowStore(), [], 0
    scans = [Scan(name) for name in inputs.columns or ()]
    for batch, values in _examples(builder, split, inputs.rows_at_once):
        x, y = inputs.encode(batch), target.encode(values)
        for column, scan in enumerate(scans):
            scan.update(cleaned(pyarrow.array(x[:, column])))
        labelled = y >= 0 if target.class_names else np.ones(len(y), bool)
        unlabelled += int((~labelled).sum())
        if labelled.any():
            store.append(x[labelled])
            targets.append(y[labelled])
    for scan in scans:
        scan.require("number", f"the dataset {builder.name!r} ({split})")
    if not targets:
        return np.empty(0), np.empty(0), unlabelled
    return store.finish(), check_target(np.concatenate(targets), store.rows, target.name), unlabelled
