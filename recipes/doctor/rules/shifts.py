"""How far validation rows differ from training rows: measures that several rules share."""

import numpy as np

from recipes.doctor.rules.scales import have_common_scale, together
from recipes.doctor.seen import DataFacts, InputFacts, TargetFacts

# Difference of the class mix: half the sum of absolute differences of the shares, and its normal score.
CLEAR_MIX, CLEAR_SCORE = 0.3, 4.75  # a probability of 1e-6
# Share of the columns of another scale that no random split gives.
CLEAR_SHARE = 0.3
# Share of validation rows of classes that no training row has.
MOST_UNKNOWN = 0.05


def class_change(data: DataFacts) -> tuple[float, float] | None:
    """Difference of the class mix and share of validation rows of unknown classes; `None` where it may be chance."""
    train, held = data.targets, data.validation_targets
    if held is None or not len(train.counts) or not len(held.counts):
        return None
    size = max(len(train.counts), len(held.counts))
    table = np.stack([np.pad(facts.counts, (0, size - len(facts.counts))) for facts in (train, held)]).astype(float)
    table = table[:, table.sum(axis=0) > 0]
    totals = table.sum(axis=1, keepdims=True)
    shares = table / totals
    mix = float(np.abs(shares[0] - shares[1]).sum() / 2)
    unknown = float(shares[1][table[0] == 0].sum())
    if mix < CLEAR_MIX and unknown < MOST_UNKNOWN:
        return None
    return (mix, unknown) if _normal_score(table) > CLEAR_SCORE else None


def number_change(train: TargetFacts, held: TargetFacts | None) -> float | None:
    """Difference of the means of regression targets in standard deviations; `None` where there are no numbers."""
    if held is None or "numbers" not in (train.form, held.form) or train.std == 0 or not (train.finite and held.finite):
        return None
    return abs(held.mean - train.mean) / train.std


def input_change(train: InputFacts, held: InputFacts | None) -> float:
    """Share of the columns whose scale differs by a factor of 5, or whose mean by 3 standard deviations."""
    if held is None or train.kind == "tokens" or train.mean.shape != held.mean.shape:
        return 0.0
    mean, std, held_mean, held_std = train.mean, train.std, held.mean, held.std
    if have_common_scale(train):
        (mean, std), (held_mean, held_std) = together(mean, std), together(held_mean, held_std)
    varies = std > 1e-9 * np.abs(mean)
    if not varies.any():
        return 0.0
    mean, std, held_mean, held_std = (values[varies] for values in (mean, std, held_mean, held_std))
    # A rare value may well be missing among few rows: a column that is constant there is no sign of another scale.
    ratio = np.where(held_std > 0, held_std, std) / std
    return float(((ratio > 5) | (ratio < 0.2) | (np.abs(held_mean - mean) > 3 * std)).mean())


def _normal_score(table: np.ndarray) -> float:
    """Score of the chi-square statistic of a table on the normal scale (Wilson and Hilferty)."""
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    statistic, freedom = (np.square(table - expected) / expected).sum(), table.shape[1] - 1
    if not freedom:
        return 0.0
    spread = 2 / (9 * freedom)
    return float(((statistic / freedom) ** (1 / 3) - (1 - spread)) / np.sqrt(spread))
