"""Facts of the rows: inputs and targets of training and validation, repeated and leaked rows."""

import numpy as np

from recipes.data import row_digests
from recipes.doctor.facts.blocks import spaced
from recipes.doctor.facts.inputs import input_facts
from recipes.doctor.facts.targets import class_numbers, target_facts
from recipes.doctor.seen import DataFacts

# Bytes of rows whose digests are made; of more, evenly spaced rows stand for all.
MOST_BYTES = 2**29
# Fewer rows are sorted by chance.
FEWEST_SORTED = 20


def data_facts(
    x, y, validation=None, *, tokens: bool = False, normalized_inside: bool = False, mispaired: float | None = None
) -> DataFacts:
    """The facts of training and validation rows.

    Args:
        x: Inputs of the training rows `(rows, ...)`.
        y: Targets of the training rows `(rows, ...)`.
        validation: Inputs and targets of the validation rows, a pair; `None` without any.
        tokens: Whether the inputs are whole numbers that go into an embedding.
        normalized_inside: Whether the model scales its inputs itself.
        mispaired: Share of the training rows that came with another target when they were read again.
    """
    x, y = np.asarray(x), np.asarray(y)
    targets = target_facts(y)
    known = _digests(x)
    repeated = 1 - len(np.unique(known)) / max(1, len(known))
    facts = {
        "rows": len(x),
        "validation_rows": 0,
        "inputs": input_facts(x, tokens=tokens, normalized_inside=normalized_inside),
        "targets": targets,
        "repeated": repeated,
        "is_sorted": _is_sorted(y, targets.form),
        "mispaired": mispaired,
    }
    if validation is not None and len(validation[0]):
        held_x, held_y = (np.asarray(part) for part in validation[:2])
        facts |= {
            "validation_rows": len(held_x),
            "validation_inputs": input_facts(held_x, tokens=tokens, normalized_inside=normalized_inside),
            "validation_targets": target_facts(held_y),
            "leaked": _leaked(x, known, held_x),
        }
    return DataFacts(**facts)


def _digests(x):
    rows = spaced(x, MOST_BYTES // max(1, x[:1].nbytes))
    return row_digests.of_arrays(rows, np.zeros(len(rows)))


def _leaked(x, known, held_x):
    """Share of validation rows among the training rows."""
    if held_x.shape[1:] != x.shape[1:]:
        return 0.0
    share = len(known) / len(x)  # a leaked row is found with this probability
    if held_x.dtype != x.dtype:  # equal numbers of another dtype have other bytes
        common = np.result_type(x.dtype, held_x.dtype)
        known = _digests(spaced(x, MOST_BYTES // max(1, x[:1].size * common.itemsize)).astype(common))
        share, held_x = len(known) / len(x), held_x.astype(common)
    digests = _digests(held_x)
    return min(1.0, row_digests.count_known(digests, known) / len(digests) / share)


def _is_sorted(y, form):
    if form == "multi_label" or len(y) < FEWEST_SORTED:
        return False
    values = y if form == "numbers" else class_numbers(y, form)
    if values[:1].size != 1:
        return False
    changes = np.diff(values.reshape(-1).astype(np.float64))
    return bool(changes.any() and ((changes >= 0).all() or (changes <= 0).all()))
