"""Bias and variance of a trained model, told apart by its errors, and what to do about the larger of the two.

Source: Ng 2018, Machine Learning Yearning, chapters 20 to 27. Of a training error of 5 % and a held-out error of 8 %,
where people err in 1 %, the avoidable bias is 4 points and the variance 3 points.
"""

from dataclasses import dataclass

BIAS, VARIANCE, NEITHER = "bias", "variance", "neither"
ERROR_RATE, UNEXPLAINED = "error rate", "1 - R2"
# Smallest difference of errors that is told.
MARGIN = 0.01

_LESS_BIAS = "a larger model, more epochs, a higher learning rate or less regularization"
_LESS_VARIANCE = "more training rows, augmentation, dropout, weight decay or fewer units"


@dataclass(frozen=True, kw_only=True)
class BiasVariance:
    """The errors of a model and what they say.

    Attributes:
        measure: Name of the error: `"error rate"` for classes, `"1 - R2"` for numbers.
        training_error: Error on training rows.
        held_out_error: Error on rows that were not trained on.
        human_error: Error of people on the same task; `None` where it is not known.
        simple_error: Error of simple models on held-out rows; `None` where it is not known.
        larger: Larger of the two that stands out: `"bias"`, `"variance"`, or `"neither"`.
        advice: What this means and what lowers it, one or two sentences.
    """

    measure: str
    training_error: float
    held_out_error: float
    human_error: float | None
    simple_error: float | None
    larger: str
    advice: str

    @property
    def avoidable_bias(self) -> float:
        """Training error above that of people; above 0, where theirs is not known."""
        return self.training_error - (self.human_error or 0.0)

    @property
    def variance(self) -> float:
        """Held-out error above that of the training rows."""
        return self.held_out_error - self.training_error

    @property
    def remedy(self) -> str:
        """What may lower the larger of the two, a noun phrase; empty where neither stands out."""
        return {BIAS: _LESS_BIAS, VARIANCE: _LESS_VARIANCE}.get(self.larger, "")

    def __str__(self):
        name, of = self.measure[:1].upper() + self.measure[1:], self.measure
        people = "" if self.human_error is None else f", {_size(self.human_error, of)} of people"
        most = "at most " if self.human_error is None else ""
        return (
            f"{name}: {_size(self.training_error, of)} on training rows, {_size(self.held_out_error, of)} on held-out "
            f"rows{people}: the avoidable bias is {most}{_difference(self.avoidable_bias, of)}, the variance "
            f"{_difference(self.variance, of)}."
        )


def bias_and_variance(
    training_error: float,
    held_out_error: float,
    *,
    human_error: float | None = None,
    simple_error: float | None = None,
    measure: str = ERROR_RATE,
    margin: float = MARGIN,
) -> BiasVariance:
    """Tell from its errors whether a model fits its training rows too little, or too closely to hold for others.

    The avoidable bias is the training error above that of people. Where their error is not known, it is at most the
    training error, and simple models may show that it can be avoided, or that held-out rows suffer from the variance.

    Args:
        training_error: Error on training rows, from 0: the share of wrong classes, or 1 - R2.
        held_out_error: Error on validation or test rows.
        human_error: Error of people. Default: not known.
        simple_error: Error of simple models, such as a linear one, on the held-out rows. Default: not known.
        measure: Name of the error.
        margin: Smallest difference of errors that is told, such as twice their standard error.
    """
    bias, variance = training_error - (human_error or 0.0), held_out_error - training_error
    larger = BIAS if bias >= variance else VARIANCE
    if max(bias, variance) <= margin:
        larger = NEITHER
    elif human_error is None and simple_error is not None and variance > margin:
        # A model that fits better than simple ones and predicts worse has more than the noise of the task to lose.
        larger = VARIANCE if training_error <= simple_error < held_out_error - margin else larger
    errors = training_error, held_out_error, human_error, simple_error
    return BiasVariance(
        measure=measure,
        training_error=training_error,
        held_out_error=held_out_error,
        human_error=human_error,
        simple_error=simple_error,
        larger=larger,
        advice=_advice(larger, *errors, measure, margin),
    )


def _advice(larger, training, held_out, human, simple, measure, margin) -> str:
    if larger == NEITHER:
        return f"Neither bias nor variance stands out: both are at most {_difference(margin, measure)}."
    if larger == VARIANCE:
        return (
            f"Variance (overfitting): the error on held-out rows is {_difference(held_out - training, measure)} above "
            f"that on training rows. What may lower it: {_LESS_VARIANCE}."
        )
    if human is not None:
        above = _difference(training - human, measure)
        return (
            f"Bias (underfitting): the training error is {above} above that of people. What may lower it: {_LESS_BIAS}."
        )
    if simple is not None and training - simple > margin:
        return (
            f"Bias (underfitting): simple models err less on held-out rows ({_size(simple, measure)}) than the model "
            f"does on those that it was trained on. What may lower it: {_LESS_BIAS}."
        )
    return (
        "Bias: the larger part of the error is there on training rows already. What may lower it, unless people err as "
        f"much: {_LESS_BIAS}."
    )


def _size(error: float, measure: str) -> str:
    return f"{100 * error:.3g}%" if measure == ERROR_RATE else f"{error:.3g}"


def _difference(errors: float, measure: str) -> str:
    if measure != ERROR_RATE:
        return f"{errors:.3g}"
    points = f"{100 * errors:.3g}"
    return f"{points} percentage point{'' if points == '1' else 's'}"
