"""What simple models reach on the same rows: without it, nobody can tell a poor training from a hard task."""

from typing import NamedTuple

import numpy as np

from recipes.data import row_digests
from recipes.doctor.facts import simple_models
from recipes.doctor.facts.blocks import LARGEST
from recipes.doctor.facts.features import standardized, table, usable
from recipes.doctor.facts.targets import class_numbers, target_facts
from recipes.doctor.seen import Reference

MOST_ROWS, MOST_HELD_ROWS = 2000, 1000
# Columns of targets, or places with a class of their own, that stand for all.
MOST_TARGETS = 16
FEWEST_ROWS = 4
MOST_CELLS = 4
# Beyond so many columns of classes, and so many values, a forest takes longer than all else: it is left out.
MOST_FOREST_COLUMNS = 60
MOST_FOREST_VALUES = 600_000


class Coded(NamedTuple):
    """Targets as a table for regression.

    Attributes:
        table: Targets `(rows, groups * size)`, float64.
        size: Columns of one target: its classes (1 in the column of the class), or 1.
        form: `"classes"`, `"bits"` or `"numbers"`.
    """

    table: np.ndarray
    size: int
    form: str


def reference(x, y, validation=None, *, tokens: bool = False) -> Reference:
    """What a linear model, a small forest and nearest neighbours reach on at most 2,000 of the rows, in 1 to 3 seconds.

    The same rows give the same result; no generator of NumPy or Python is touched.

    Args:
        x: Inputs of the training rows `(rows, ...)`, numbers.
        y: Targets of the training rows `(rows, ...)`.
        validation: Inputs and targets of the validation rows, a pair; `None` without any. Without them, each training
            row is predicted by models of the others.
        tokens: Whether the inputs are whole numbers that go into an embedding.
    """
    x, y = _sample(np.asarray(x), np.asarray(y), MOST_ROWS, seed=0)
    held_x, held_y = x[:0], y[:0]
    if validation is not None and len(validation[0]):
        given_x, given_y = (np.asarray(part) for part in validation[:2])
        if given_x.shape[1:] == x.shape[1:] and given_y.shape[1:] == y.shape[1:]:
            held_x, held_y = _sample(given_x, given_y, MOST_HELD_ROWS, seed=1)
    distinct = np.unique(row_digests.of_arrays(x, np.zeros(len(x))), return_index=True)[1] if len(x) else []
    x, y = x[distinct], y[distinct]  # a repeated row would be predicted by its twin
    both = table(np.concatenate([x, held_x]), tokens=tokens)
    targets, is_good = _code(np.concatenate([y, held_y]), len(x))
    is_good &= usable(both)
    train, held = np.flatnonzero(is_good[: len(x)]), len(x) + np.flatnonzero(is_good[len(x) :])
    if len(train) < FEWEST_ROWS:
        return Reference(chance=0.0, margin=1.0)
    return _compared(both, targets, train, held)


def _compared(both, targets, train, held):
    """Scores of the models of the rows `train` on the rows `held`, or on `train` itself where there are none."""
    y, held_y = targets.table[train], targets.table[held]
    features, others = standardized(both[train], both[held])
    constant = np.zeros_like(y) + y.mean(axis=0)
    is_held = len(held) > 0
    truth = held_y if is_held else y
    chance = _score(np.zeros_like(truth) + y.mean(axis=0), truth, targets) if targets.form != "numbers" else 0.0
    # Cells of one row say nearly as much as rows do, up to a few of them.
    scored = len(truth) * (min(MOST_CELLS, truth.shape[1]) if targets.form == "bits" else 1)
    margin = (2.0 if targets.form == "numbers" else 1.0) / np.sqrt(scored)
    if not features.shape[1] or _score(constant, y, targets) == 1.0:  # nothing to learn from, or nothing to learn
        return Reference(chance=chance, margin=margin)
    predicted = _predictions(features, y, others, targets)
    without = {name: _score(of_train, y, targets) for name, (of_train, _) in predicted.items()}
    outputs = {name: pair[is_held] for name, pair in predicted.items()}
    scores = {name: _score(given, truth, targets) for name, given in outputs.items()}
    mixed = y[np.random.default_rng(2).permutation(len(y))]
    alone = np.nan
    if len(held) >= FEWEST_ROWS:
        held_features = standardized(both[held], both[:0])[0]
        if held_features.shape[1]:
            again = _predictions(held_features, held_y, held_features[:0], targets, MOST_FOREST_VALUES // 10)
            alone = max(_score(of_rows, held_y, targets) for of_rows, _ in again.values())
    return Reference(
        chance=chance,
        linear=scores["linear"],
        trees=max(score for name, score in scores.items() if name != "linear"),
        neighbors=max(without.values()),
        permuted=_score(simple_models.linear(features, mixed, others)[0], mixed, targets),
        validation=alone,
        balanced=max(_balanced(given, truth, y) for given in outputs.values()) if _is_plain(targets) else np.nan,
        margin=margin,
    )


def _sample(x, y, most, seed):
    """At most `most` rows, chosen at random where there are more."""
    rows = min(len(x), len(y))
    chosen = np.arange(rows)
    if rows > most:
        chosen = np.sort(np.random.default_rng(seed).permutation(rows)[:most])
    return x[chosen], y[chosen]


def _code(y, rows):
    """The targets as a table, and the mask of the rows `(rows,)` that can be used; the first `rows` ones set the form.

    Of more than `MOST_TARGETS` targets a row, evenly spaced ones are taken.
    """
    form = target_facts(y[:rows] if rows else y).form
    flat = y.reshape(len(y), -1).astype(np.float64)
    is_good = (np.abs(flat) <= LARGEST).all(axis=1)
    if form in ("labels", "binary", "one_hot"):
        numbers = _spaced_columns(class_numbers(y, form).reshape(len(y), -1))
        classes = np.unique(numbers)
        coded = (numbers[:, :, None] == classes).reshape(len(y), -1).astype(np.float64)
        return Coded(coded, len(classes), "classes"), is_good
    flat = _spaced_columns(flat)
    if form == "multi_label":
        return Coded(flat, 1, "bits"), is_good
    train = flat[:rows][is_good[:rows]]
    mean, std = (train.mean(axis=0), train.std(axis=0)) if len(train) else (0.0, np.ones(flat.shape[1]))
    varies = std > 1e-9 * np.abs(mean)
    flat = np.where(is_good[:, None], (flat - mean) / np.where(varies, std, 1.0), 0.0)
    return Coded(flat[:, varies] if varies.any() else flat[:, :1] * 0, 1, "numbers"), is_good


def _spaced_columns(values):
    return values[:, np.unique(np.linspace(0, values.shape[1] - 1, MOST_TARGETS).astype(int))]


def _is_plain(targets):
    return targets.form == "classes" and targets.table.shape[1] == targets.size


def _predictions(features, y, others, targets, most_values=MOST_FOREST_VALUES):
    """Predictions of the training rows, each without itself, and of the others, by name of the model."""
    predicted = {
        "linear": simple_models.linear(features, y, others),
        "neighbors": simple_models.neighbors(features, y, others),
    }
    if y.shape[1] <= MOST_FOREST_COLUMNS and features.size <= most_values:
        predicted["forest"] = simple_models.forest(features, y, others, classes=_is_plain(targets))
    return predicted


def _score(predicted, truth, targets):
    """Accuracy of class numbers or of each truth value; mean R2 of numbers, in [-1, 1]."""
    if targets.form == "numbers":
        total = np.square(truth - truth.mean(axis=0)).sum(axis=0)
        varies = total > 0
        if not varies.any():
            return 0.0
        r2 = 1 - np.square(truth - predicted).sum(axis=0)[varies] / total[varies]
        return float(np.clip(np.clip(r2, -1, 1).mean(), -1, 1))
    if targets.form == "bits":
        return float(((predicted > 0.5) == (truth > 0.5)).mean())
    shape = (len(truth), -1, targets.size)
    return float((predicted.reshape(shape).argmax(axis=-1) == truth.reshape(shape).argmax(axis=-1)).mean())


def _balanced(predicted, truth, y):
    """Mean recall over the classes that occur, where each class counts the same: outputs are divided by its share."""
    guess, numbers = (predicted / np.maximum(y.mean(axis=0), 1e-9)).argmax(axis=1), truth.argmax(axis=1)
    return float(np.mean([(guess[numbers == number] == number).mean() for number in np.unique(numbers)]))
