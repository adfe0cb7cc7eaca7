"""Rules on the inputs: not finite, constant, or on scales that block a training."""

import numpy as np

from recipes.doctor.finding import FAULT, NOTE, Evidence, Finding
from recipes.doctor.rules.scales import have_common_scale, scales, scaling_lines
from recipes.doctor.seen import InputFacts, Seen

# Usual distance of a column from 0. Standardized columns have 1, pixels in 0..1 about 0.3.
LARGEST_SIZE, SMALLEST_SIZE = 10.0, 0.1
# Beyond this one, the first layer gives outputs of thousands, whatever the initial weights.
EXTREME_SIZE = 1e4
# Mean of a column in standard deviations.
LARGEST_OFFSET = 3.0
# Ratio of the largest to the smallest standard deviation of a column.
LARGEST_RATIO = 100.0
# Share of constant columns, of those of a table and of those that may be blank on purpose (0 beside values from 0 on).
MOST_CONSTANT, MOST_BLANK = 0.5, 0.95
_MANY_COLUMNS = 32


def not_finite(seen: Seen) -> Finding | None:
    """One NaN or infinite value makes the loss and then all weights NaN. The bound is none: not one is allowed."""
    data = seen.data
    for part, name, inputs, targets in (
        ("training", "x", data.inputs, data.targets),
        ("validation", "x_val", data.validation_inputs, data.validation_targets),
    ):
        if inputs is None:
            continue
        y_name = name.replace("x", "y")
        if inputs.first_bad is not None:
            row, place = inputs.first_bad
            where = f"row {row}, column {place}" if inputs.kind == "table" else f"row {row}, value {place} of it"
            evidence = (
                Evidence(f"share of {part} rows with such inputs", f"{max(1 - inputs.finite, 1e-12):.3g}", "0"),
                Evidence(f"first of them in `{name}`", where),
            )
        elif not targets.finite:
            evidence = (Evidence(f"first such target, in `{y_name}`", f"row {targets.first_bad}"),)
        else:
            continue
        what = "inputs" if inputs.first_bad is not None else "targets"
        return Finding(
            "input_not_finite",
            FAULT,
            f"Some {part} {what} are NaN, infinite or beyond the range of float32: one of them is enough to make the "
            "loss and all weights NaN.",
            evidence,
            f"is_good = np.isfinite({name}.reshape(len({name}), -1)).all(axis=1)\n"
            f"is_good &= np.isfinite({y_name}.reshape(len({y_name}), -1)).all(axis=1)\n"
            f"{name}, {y_name} = {name}[is_good], {y_name}[is_good]  # or fill them in, such as by the median",
        )
    return None


def constant_columns(seen: Seen) -> Finding | None:
    """Half of a table's columns constant, or 95 % of columns, pixels or steps that are naturally blank, are a fault.

    A constant column says nothing; many of them mean that something went wrong before, such as a join that found
    nothing. Columns that are 0 beside others that reach from 0 upwards (pixels at a border, words that do not occur,
    padding) are natural. Fewer are a note: the bias learns the same. The bounds were chosen on sets of scikit-learn,
    where digits have 5 % and MNIST has 15 % of constant pixels.
    """
    inputs = seen.data.inputs
    count, share = int(inputs.constant.sum()), float(inputs.constant.mean())
    if not count or seen.data.rows < 3 or inputs.kind in ("tokens", "other") or inputs.constant.size == 1:
        return None
    if inputs.kind == "table":
        is_blank = _are_blank(inputs)
        columns = ", ".join(map(str, np.flatnonzero(inputs.constant)[:5])) + (", ..." if count > 5 else "")
        evidence = Evidence("constant columns", f"{count} of {inputs.constant.size}: {columns}")
    else:
        is_blank = True
        evidence = Evidence("constant places", f"{count} of {inputs.constant.size}")
    if share < (MOST_BLANK if is_blank else MOST_CONSTANT):
        if is_blank:
            return None
        return Finding(
            "constant_features",
            NOTE,
            f"{_many(count)} of the {inputs.constant.size} input columns never {'changes' if count == 1 else 'change'} "
            "and so cannot tell rows apart.",
            (evidence,),
            "varies = x.std(axis=0) > 0\nx = x[:, varies]  # the same columns of all other rows",
            confidence=0.9,
        )
    return Finding(
        "constant_features",
        FAULT,
        f"{share:.0%} of the inputs have one value in all rows, so that most of what could tell rows apart is missing.",
        (
            Evidence("share of constant inputs", share, f"below {MOST_BLANK if is_blank else MOST_CONSTANT}"),
            evidence,
            *_constant_values(inputs),
        ),
        "print(x.std(axis=0))  # 0 marks the blank columns: read or join them again",
        confidence=0.85,
    )


def unscaled(seen: Seen) -> Finding | None:
    """Columns far from standardized are a note, until a trial with standardized inputs goes better; 1e4 is a fault.

    Bounds: usual distance from 0 (root mean square) 0.1 to 10 and mean within 3 standard deviations, as section 5 of
    the rules of earlier tools suggests; standard deviations within a factor of 100. Beyond 1e4 the outputs of the
    first layer saturate or overflow whatever comes behind it; chosen on the cases of the development part.
    """
    inputs = seen.data.inputs
    if inputs.is_normalized_inside or inputs.kind == "tokens" or seen.data.rows < 2:
        return None
    found = scales(inputs)
    if not len(found.std):
        return None
    evidence, reasons = [], []
    largest = int(found.size.argmax())
    size = float(found.size[largest])
    if size > LARGEST_SIZE:
        evidence += [
            Evidence(f"mean of {_column(inputs, found, largest)}", float(found.mean[largest])),
            Evidence(
                f"standard deviation of {_column(inputs, found, largest)}", float(found.std[largest]), "0.1 to 10"
            ),
        ]
        reasons.append(f"values of about {size:,.3g}")
    elif size < SMALLEST_SIZE:
        evidence.append(Evidence("largest root mean square of a column", size, "at least 0.1"))
        reasons.append(f"values of about {size:.2g} only")
    offset = np.where(np.abs(found.mean) > 1, np.abs(found.mean) / found.std, 0.0)
    if offset.max() > LARGEST_OFFSET:
        column = _column(inputs, found, int(offset.argmax()))
        evidence.append(Evidence(f"mean of {column} in standard deviations", float(offset.max()), "at most 3"))
        reasons.append(f"a mean of {offset.max():,.3g} standard deviations")
    free = found.std[~found.is_bounded]
    if len(free) > 1 and free.max() > LARGEST_RATIO * free.min():
        ratio = float(free.max() / free.min())
        evidence.append(Evidence("ratio of the largest to the smallest standard deviation", ratio, "at most 100"))
        reasons.append(f"scales that differ by a factor of {ratio:,.2g}")
    if not reasons:
        return None
    is_extreme = size >= EXTREME_SIZE
    text = " and ".join([", ".join(reasons[:-1]), reasons[-1]] if len(reasons) > 1 else reasons)
    return Finding(
        "input_unscaled",
        FAULT if is_extreme else NOTE,
        f"The inputs are not scaled: {text}, where initial weights and learning rate are made for about 1.",
        tuple(evidence),
        scaling_lines(inputs, validation=seen.data.validation_rows > 0),
        confidence=0.9 if is_extreme else 0.5,
    )


def _are_blank(inputs: InputFacts) -> bool:
    """Whether the constant columns are the background of the others: their least value, or 0 of many standardized."""
    values, others = inputs.low[inputs.constant], inputs.low[~inputs.constant]
    if not len(others):
        return False
    is_background = (values == np.median(others)).all() and (have_common_scale(inputs) or (others == values[0]).all())
    return bool(is_background or (inputs.constant.size >= _MANY_COLUMNS and (values == 0).all()))


def _constant_values(inputs: InputFacts) -> tuple[Evidence, ...]:
    if inputs.kind != "table":
        return ()
    values = np.unique(inputs.low[inputs.constant])
    return (Evidence("their value", float(values[0])),) if len(values) == 1 else ()


def _column(inputs: InputFacts, found, place: int) -> str:
    if not len(found.columns):
        return "the inputs"
    return f"{'column' if inputs.kind == 'table' else 'channel'} {found.columns[place]}"


def _many(count: int) -> str:
    return "One" if count == 1 else str(count)


RULES = (not_finite, constant_columns, unscaled)
