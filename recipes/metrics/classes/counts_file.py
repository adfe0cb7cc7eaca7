"""Counts in one small file, so that they can be made by several processes and merged by another."""

import json
import os
from pathlib import Path

import numpy as np

from recipes.arguments.npz import read_npz
from recipes.metrics.classes.score_sums import ScoreSums


def write(path: str | Path, kind: str, meta: dict, arrays: dict[str, np.ndarray], scores: ScoreSums | None) -> None:
    """Write everything into one NPZ file, whole or not at all.

    Args:
        path: Of the file.
        kind: Of the counts: they are read back as such only.
        meta: Plain values.
        arrays: By name.
        scores: Sums over scores, if there are any.
    """
    if scores is not None:
        arrays = arrays | {f"sum_{name}": values for name, values in scores.sums.items()}
        arrays["greatest_losses"] = scores.losses.rows
        meta = meta | {"scored_rows": scores.rows}
    beside = Path(f"{path}.part{os.getpid()}")
    try:
        with beside.open("wb") as stream:
            np.savez_compressed(stream, meta=json.dumps({"kind": kind, **meta}), **arrays)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def read(path: str | Path, kind: str) -> tuple[dict, dict[str, np.ndarray], ScoreSums | None]:
    """What `write` wrote: plain values, arrays, and the sums over scores.

    Raises:
        FileNotFoundError, ValueError: If there is no such file, or it holds something else.
    """
    arrays = read_npz(path)
    scores = None
    try:
        meta = json.loads(str(arrays.pop("meta")))
        if meta["kind"] != kind:
            raise ValueError
        if "scored_rows" in meta:
            scores = ScoreSums(len(meta["class_names"]), meta["bins"], meta["greatest_losses"])
            scores.losses.rows, scores.rows = arrays.pop("greatest_losses"), meta["scored_rows"]
            if "sum_squared_positives" not in arrays:  # of an older file: as if the weights were alike in all classes
                weight, squares = arrays["sum_weight"]
                arrays["sum_squared_positives"] = arrays["sum_positives"].sum(axis=1) * squares / (weight or 1)
            scores.sums = {name: arrays.pop(f"sum_{name}") for name in scores.sums}
    except (KeyError, ValueError, TypeError):
        raise ValueError(f"{path} holds no {kind}, as `save` writes them") from None
    return meta, arrays, scores


def merged(ours, others) -> ScoreSums | None:
    """The sums over scores of two counts, of ours with those of the others added.

    Raises:
        ValueError: If one had scores and the other labels, or their bins differ.
    """
    if ours.rows and others.rows and (ours.scores is None) != (others.scores is None):
        raise ValueError("counts can be merged if both had scores, or both labels")
    if others.scores is None:
        return ours.scores
    if ours.bins != others.bins:
        raise ValueError(f"counts can be merged if their bins agree. Received: {ours.bins} and {others.bins}")
    scores = ours.scores or ScoreSums(len(ours.class_names), ours.bins, ours.greatest_losses)
    scores.merge(others.scores)
    return scores
