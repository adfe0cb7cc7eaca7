"""Rules on the split: validation rows that were trained on, or are of another kind."""

from recipes.doctor.finding import FAULT, NOTE, Evidence, Finding
from recipes.doctor.rules.shifts import CLEAR_MIX, CLEAR_SHARE, MOST_UNKNOWN, class_change, input_change, number_change
from recipes.doctor.seen import Seen

# Rows below which tables like XOR are validated on purpose by what they are trained on.
FEWEST_ROWS, FEWEST_HELD_ROWS = 50, 10
MOST_LEAKED = 0.2
# Class mix of another training altogether.
ANOTHER_MIX, MANY_UNKNOWN = 0.5, 0.2
# Means of regression targets that differ by more than this many standard deviations.
CLEAR_SHIFT = 1.0
_SPLIT = "x, x_val, y, y_val = sklearn.model_selection.train_test_split(x, y, test_size=0.2, random_state=0)"


def leaked_rows(seen: Seen) -> Finding | None:
    """More than a fifth of the validation rows among the training rows, where training rows hardly repeat themselves.

    Inputs of few values repeat by nature; then validation rows are found among training rows as often as training
    rows are found a second time. A fifth is beyond what duplicates of collected data give.
    """
    data = seen.data
    if data.rows < FEWEST_ROWS or data.validation_rows < FEWEST_HELD_ROWS:
        return None
    if data.leaked <= max(MOST_LEAKED, 2 * data.repeated + 0.1):
        return None
    count = round(data.leaked * data.validation_rows)
    all_rows = f"All {count:,}" if count == data.validation_rows else f"{count:,} of {data.validation_rows:,}"
    return Finding(
        "validation_leak",
        FAULT,
        f"{all_rows} validation rows are among the training rows, so that validation scores say nothing about new "
        "rows.",
        (
            Evidence("share of validation rows among the training rows", data.leaked, f"below {MOST_LEAKED:g}"),
            Evidence("share of training rows that repeat another", data.repeated),
        ),
        _SPLIT,
        confidence=0.85,
    )


def shifted_targets(seen: Seen) -> Finding | None:
    """Validation rows of other classes or other values than the training rows, as the end of sorted rows has.

    A note where the class mix differs by 0.3 (half the sum of differences) or classes of 5 % of the validation rows
    have no training row, with a probability below 1e-6 by chance, or means of numbers by one standard deviation; a
    fault at 0.5, at 20 %, or where the values of both do not overlap.
    """
    data = seen.data
    if data.validation_rows < 2 * FEWEST_HELD_ROWS:
        return None
    found = class_change(data)
    if found is not None:
        mix, unknown = found
        evidence = (
            Evidence("difference of the class mix", mix, f"below {CLEAR_MIX:g}"),
            Evidence("share of validation rows of classes without training rows", unknown, f"below {MOST_UNKNOWN:g}"),
        )
        is_fault = mix > ANOTHER_MIX or unknown > MANY_UNKNOWN
        what = "have other classes than" if unknown > MOST_UNKNOWN else "have another mix of classes than"
    else:
        train, held = data.targets, data.validation_targets
        shift = number_change(train, held)
        if shift is None or shift <= CLEAR_SHIFT:
            return None
        evidence = (
            Evidence("difference of the means of the targets in standard deviations", shift, f"below {CLEAR_SHIFT:g}"),
            Evidence("range of the training targets", f"{train.low:,.4g} to {train.high:,.4g}"),
            Evidence("range of the validation targets", f"{held.low:,.4g} to {held.high:,.4g}"),
        )
        is_fault = held.low > train.high or held.high < train.low
        what = "have other targets than"
    sorted_rows = " The training rows are sorted by target: the validation rows may be their end." * data.is_sorted
    return Finding(
        "validation_shift",
        FAULT if is_fault else NOTE,
        f"The validation rows {what} the training rows, so that their scores say little about the training."
        + sorted_rows,
        evidence,
        f"# Shuffle before the split; `validation_split` takes the last rows as they are.\n{_SPLIT}",
        confidence=0.85 if is_fault else 0.5,
    )


def shifted_inputs(seen: Seen) -> Finding | None:
    """Inputs of training and validation on different scales: only one of them was scaled.

    Bounds: standard deviations that differ by a factor of 5, or means by 3 standard deviations, in more than 30 %
    of the columns; random splits of 20 rows stay far below.
    """
    data = seen.data
    if data.validation_rows < 2 * FEWEST_HELD_ROWS or data.rows < FEWEST_ROWS:
        return None
    share = input_change(data.inputs, data.validation_inputs)
    if share <= CLEAR_SHARE:
        return None
    train, held = data.inputs, data.validation_inputs
    place = int((train.std * (train.std > 0)).argmax())
    return Finding(
        "input_unscaled",
        FAULT,
        "Training and validation inputs are on different scales: what was done to the ones was not done to the others.",
        (
            Evidence("share of the columns on another scale", share, f"at most {CLEAR_SHARE:g}"),
            Evidence(
                f"column {place} in training, mean and spread", f"{train.mean[place]:.3g}, {train.std[place]:.3g}"
            ),
            Evidence(f"column {place} in validation", f"{held.mean[place]:.3g}, {held.std[place]:.3g}"),
        ),
        'mean, std = x.mean(axis=0, dtype="float64"), x.std(axis=0, dtype="float64") + 1e-7  # of raw training rows\n'
        "x, x_val = (x - mean) / std, (x_val - mean) / std",
        confidence=0.9,
    )


RULES = (leaked_rows, shifted_targets, shifted_inputs)
