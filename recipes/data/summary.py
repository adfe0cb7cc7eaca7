"""Summary of a dataset in full: columns and their kinds, classes and their shares, missing values."""

import numpy as np

from recipes.arguments.names import shorten
from recipes.arguments.text_table import table_lines, text_of
from recipes.data.dataset import PARTS, Dataset
from recipes.data.precision import restore
from recipes.data.preparation import SequencePreparation, TablePreparation
from recipes.data.sequences import lengths
from recipes.data.store import chunks_of

_MOST_CLASSES = 20


def summarize(dataset: Dataset) -> dict:
    """The summary in plain values, for programs: rows of each part, columns, classes or targets, notes."""
    content = {
        "name": dataset.name,
        "task": dataset.task,
        "rows": {part: len(getattr(dataset, part)[1]) for part in PARTS},
        "split": dataset.how_split,
        "target": dataset.target_name,
        "notes": list(dataset.notes),
    }
    if isinstance(dataset.preparation, TablePreparation):
        content["columns"] = _columns(dataset)
    elif isinstance(dataset.preparation, SequencePreparation):
        content |= _sequences(dataset)
    else:
        content["image_shape"] = list(dataset.train[0].shape[1:])
        content["channels"] = [
            {"mean": float(mean), "standard_deviation": float(scale)}
            for mean, scale in zip(dataset.preparation.mean, dataset.preparation.scale, strict=True)
        ]
    if dataset.class_names:
        counts = {part: np.bincount(getattr(dataset, part)[1], minlength=len(dataset.class_names)) for part in PARTS}
        content["classes"] = {
            name: {part: int(counts[part][number]) for part in PARTS} for number, name in enumerate(dataset.class_names)
        }
    else:
        _, y = dataset.train
        content["targets"] = {
            "least": float(y.min()), "greatest": float(y.max()), "mean": float(y.mean()),
            "standard_deviation": float(y.std()),
        }  # fmt: skip
    return content


def _sequences(dataset: Dataset) -> dict:
    """Lengths, values and features of the sequences of the training part."""
    preparation, (x, _) = dataset.preparation, dataset.train
    steps = lengths(x)
    least, most = np.inf, -np.inf
    constants = [preparation.rescaled.get(f"column_{number}", (0.0, 1.0)) for number in range(x.shape[2])]
    for rows in chunks_of(x):
        for number, rescaling in enumerate(constants):
            values = restore(rows[..., number], rescaling)
            least = np.fmin.reduce(values, axis=None, initial=least)
            most = np.fmax.reduce(values, axis=None, initial=most)
    return {
        "steps": {"least": int(steps.min()), "median": float(np.median(steps)), "greatest": int(steps.max())},
        "values": {"least": float(least), "greatest": float(most)},
        "features": [
            {"mean": float(restore(mean, rescaling)), "standard_deviation": float(scale * rescaling[1])}
            for mean, scale, rescaling in zip(preparation.mean, preparation.scale, constants, strict=True)
        ],
    }


def _columns(dataset: Dataset) -> list[dict]:
    """Kind and values of each column in the training part, and its missing and unseen values in all parts."""
    preparation, (x, _) = dataset.preparation, dataset.train
    missing, unseen = (np.zeros(x.shape[1], np.int64) for _ in range(2))
    least, most = np.full(x.shape[1], np.inf), np.full(x.shape[1], -np.inf)
    for part in PARTS:
        for rows in chunks_of(getattr(dataset, part)[0]):
            gaps = np.isnan(rows)
            missing += gaps.sum(axis=0)
            unseen += (rows == 0).sum(axis=0)
            if part == "train":
                least = np.minimum(least, np.where(gaps, np.inf, rows).min(axis=0))
                most = np.maximum(most, np.where(gaps, -np.inf, rows).max(axis=0))
    columns = []
    for number, name in enumerate(dataset.feature_names):
        column = {"name": name, "kind": "number"}
        if name in preparation.left_out:  # its values may not have been read, and its categories have no codes
            kind = "category" if name in preparation.vocabularies else "date" if name in preparation.dates else "number"
            column |= {"kind": kind, "left_out": preparation.left_out[name]}
        elif name in preparation.vocabularies:
            categories = preparation.vocabularies[name]
            column |= {"kind": "category", "categories": len(categories), "most_common": _common(x, number, categories)}
            if "" in categories:
                column["missing"] = sum(
                    int((getattr(dataset, part)[0][:, number] == categories.index("") + 1).sum()) for part in PARTS
                )
            column["rare_or_unseen"] = int(unseen[number])
        else:
            column["missing"] = int(missing[number])
            column |= {"kind": "date"} if name in preparation.dates else {}
            bounds = restore(np.array([least[number], most[number]]), preparation.rescaled.get(name, (0.0, 1.0)))
            column |= {"least": float(bounds[0]), "greatest": float(bounds[1])}
        columns.append(column)
    return columns


def _common(x: np.ndarray, column: int, categories: tuple[str, ...]) -> dict[str, float]:
    """The three most frequent categories and their shares of the rows."""
    counts = np.zeros(len(categories) + 1, np.int64)
    for rows in chunks_of(x):
        counts += np.bincount(rows[:, column].astype(np.int64), minlength=len(counts))
    order = np.argsort(-counts[1:], kind="stable")[:3]
    return {categories[code]: round(float(counts[code + 1] / len(x)), 4) for code in order}


def to_text(dataset: Dataset) -> str:
    """The summary as text, for people; contents as in `summarize`."""
    content = summarize(dataset)
    lines = [*dataset.describe().split("\n"), ""]
    if "columns" in content:
        table = [("column", "kind", "missing", "values in the training part")]
        table += [(c["name"], c["kind"], _missing(c), _values(c)) for c in content["columns"]]
        lines += table_lines(table, left=(0, 1, 3))
    elif "steps" in content:
        steps, values, features = content["steps"], content["values"], content["features"]
        lines += [
            f"sequences of {steps['least']:,} to {steps['greatest']:,} steps (median {steps['median']:g}), values from "
            f"{values['least']:g} to {values['greatest']:g}"
        ]
        for number, feature in enumerate(features):
            lines += [f"feature {number}: mean {feature['mean']:.4g}, deviation {feature['standard_deviation']:.4g}"]
    else:
        height = " x ".join(map(str, content["image_shape"]))
        lines += [f"images of {height}, pixels from {dataset.train[0].min():g} to {dataset.train[0].max():g}"]
        for number, channel in enumerate(content["channels"]):
            lines += [f"channel {number}: mean {channel['mean']:.4g}, deviation {channel['standard_deviation']:.4g}"]
    lines += ["", *_target(content)]
    return text_of(lines)


def _missing(column: dict) -> str:
    return "" if "left_out" in column else f"{column.get('missing', 0):,}"


def _values(column: dict) -> str:
    if "left_out" in column:
        return f"left out: {column['left_out']}"
    if column["kind"] == "category":
        common = [f"{name or '(missing)'} {share:.0%}" for name, share in column["most_common"].items()]
        more = column["categories"] - len(common)
        rare = f"; rare or unseen: {column['rare_or_unseen']:,}" if column["rare_or_unseen"] else ""
        return f"{column['categories']} categories: {', '.join(common)}{f', {more} more' if more > 0 else ''}{rare}"
    if column["kind"] == "date":
        days = np.array([column["least"], column["greatest"]])
        bounds = days.astype("datetime64[D]")
        if bounds[0] == bounds[1]:
            bounds = np.round(days * 86_400).astype("datetime64[s]")
        return f"{bounds[0]} to {bounds[1]}"
    # Six digits, or more where the values of a column differ in later ones, as seconds since 1970 do.
    bounds = column["least"], column["greatest"]
    tolerance = (bounds[1] - bounds[0]) / 100
    for digits in (6, 9, 12, 15):
        texts = [f"{bound:.{digits}g}" for bound in bounds]
        if all(abs(float(text) - bound) <= tolerance for text, bound in zip(texts, bounds, strict=True)):
            break
    return " to ".join(texts)


def _target(content: dict) -> list[str]:
    name = content["target"] or "target"
    if "targets" in content:
        t = content["targets"]
        return [
            f"{name} (training part): {t['least']:g} to {t['greatest']:g}, mean {t['mean']:g}, deviation "
            f"{t['standard_deviation']:g}"
        ]
    rows, counts = content["rows"], content["classes"]
    table = [(f"class of {name}" if content["target"] else "class", *PARTS, "share of all")]
    for label in list(counts)[:_MOST_CLASSES]:
        share = sum(counts[label].values()) / sum(rows.values())
        table.append((label, *(f"{counts[label][part]:,}" for part in PARTS), f"{share:.1%}"))
    more = list(counts)[_MOST_CLASSES:]
    return [*table_lines(table), *([f"and {len(more)} more: {shorten(more)}"] if more else [])]
