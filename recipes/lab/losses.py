"""Losses: the worked tables of the lectures, and where hinge, cross-entropy and a softmax of large scores differ."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np

from recipes.lab.result import Result, Table
from recipes.losses import WestonWatkinsHinge
from recipes.plots.axes import BLUE, GREEN, GREY, ORANGE

# Target and prediction.
PAIRS = (
    (10.2, 9.4), (3.5, 1.7), (7.1, 6.9), (14.5, 15.4), (17.2, 18.4), (9.5, 11.3), (2.7, 2.5), (11.5, 11.1), (5.9, 6.7),
    (15.3, 15.2),
)  # fmt: skip
TARGET_IMAGE = ((12, 24, 42, 23), (34, 32, 5, 2), (12, 31, 12, 31), (31, 64, 5, 13))
PREDICTED_IMAGE = ((15, 20, 40, 25), (34, 32, 5, 2), (12, 31, 12, 31), (31, 64, 5, 13))
SCORES, TRUE_CLASSES = ((3.2, 5.1, -1.7), (1.3, 4.9, 2.0), (2.2, 2.5, -3.1)), (0, 1, 2)
LEADING_SCORES = ((5, -3, 2), (5, 10, 10), (5, -20, -20))  # the true class is 0
BINARY = ((1, 0.9), (1, 0.2), (0, 0.1), (0, 0.8))  # target, and predicted probability of 1
LARGE = 1e4
_RIVALS = np.linspace(10, -20, 301)  # scores of both rivals of a true class with score 5
_SIZES = np.logspace(0, np.log10(LARGE), 121)


@dataclass(frozen=True)
class Losses(Result):
    """Losses of the worked examples. An error is the target minus the prediction.

    Attributes:
        errors: Errors of the ten pairs `(10,)`.
        mean_error: Their mean.
        mae: Their mean absolute value.
        mse: Their mean square.
        l1: Sum of the absolute errors of the image.
        l2: Sum of the squared errors of the image.
        cross_entropy: Softmax cross-entropy of the three rows of scores `(3,)`.
        hinge: Weston-Watkins hinge of them `(3,)`.
        leading_cross_entropy: Softmax cross-entropy of the rows in which the true class leads or lags `(3,)`, float64.
        rounded_cross_entropy: The same by Keras in float32 `(3,)`.
        leading_hinge: Hinge of these rows `(3,)`.
        binary: Cross-entropy, absolute error and squared error of the four pairs of two classes `(4, 3)`.
        naive: Softmax of the scores s and s - 1 by its formula, in float32, for growing s: probability of s `(sizes,)`.
        shifted: The same by Keras, which subtracts the largest score first `(sizes,)`.
        from_logits: Cross-entropy of a true class that lags by 1e4, computed from the scores.
        from_probabilities: The same, computed from probabilities.
    """

    errors: np.ndarray
    mean_error: float
    mae: float
    mse: float
    l1: float
    l2: float
    cross_entropy: np.ndarray
    hinge: np.ndarray
    leading_cross_entropy: np.ndarray
    rounded_cross_entropy: np.ndarray
    leading_hinge: np.ndarray
    binary: np.ndarray
    naive: np.ndarray
    shifted: np.ndarray
    from_logits: float
    from_probabilities: float

    title = "Loss functions"
    point = "Each loss has its own idea of a bad mistake, and of when there is nothing left to gain."
    grid = (2, 2)
    panel = (4.6, 3.3)

    @property
    def largest_safe_score(self) -> float:
        """Largest of the scores for which the softmax by its formula is a number."""
        return float(_SIZES[np.isfinite(self.naive)].max())

    @property
    def explanation(self) -> str:
        first, _, last = self.leading_cross_entropy
        return (
            f"Errors of both signs cancel in the mean error ({self.mean_error:.2f}), not in MAE ({self.mae:.2f}) and "
            f"MSE ({self.mse:.3f}); squares count large errors most. The absolute error of a probability is never "
            f"above 1, while cross-entropy has no limit: {self.binary[1, 0]:.3f} for 0.2 where 0.9 costs "
            f"{self.binary[0, 0]:.3f}. The hinge is satisfied once the true class leads by 1; cross-entropy still "
            f"falls, from {first:.4f} for (5, -3, 2) to {last:.1e} for (5, -20, -20), which float32 rounds to "
            f"{self.rounded_cross_entropy[2]:g}. (Printed tables have .0498, which is e^-3 and only close, and 2e-11, "
            "which is cut off.) Softmax by its formula gives NaN for scores above 88, so Keras subtracts the largest "
            f"first; and from probabilities, which Keras clips, a true class that lags by {LARGE:,.0f} costs "
            f"{self.from_probabilities:.1f} in place of {self.from_logits:,.0f}."
        )

    def tables(self) -> list[Table]:
        rows = zip(SCORES, TRUE_CLASSES, self.cross_entropy, self.hinge, strict=True)
        leading = zip(LEADING_SCORES, self.leading_cross_entropy, self.leading_hinge, strict=True)
        binary = zip(BINARY, self.binary, strict=True)
        columns = ("scores", "true class", "softmax cross-entropy", "hinge")
        return [
            Table(
                "Ten pairs of target and prediction, and an image of 4 x 4",
                ("measure", "value"),
                [
                    ("mean error", self.mean_error),
                    ("mean absolute error", self.mae),
                    ("mean squared error", self.mse),
                    ("L1 loss of the image", self.l1),
                    ("L2 loss of the image", self.l2),
                ],
            ),
            Table(
                "Three classes",
                columns,
                [
                    *((_text(scores), true, entropy, hinge) for scores, true, entropy, hinge in rows),
                    ("mean", "", self.cross_entropy.mean(), self.hinge.mean()),
                ],
            ),
            Table(
                "A true class that leads or lags",
                columns,
                [(_text(scores), 0, entropy, hinge) for scores, entropy, hinge in leading],
            ),
            Table(
                "Two classes",
                ("target, prediction", "cross-entropy", "absolute error", "squared error"),
                [(_text(pair), *values) for pair, values in binary],
            ),
        ]

    def panels(self) -> list[Callable]:
        return [self._draw_errors, self._draw_binary, self._draw_leads, self._draw_sizes]

    def _draw_errors(self, ax) -> None:
        e = np.linspace(-2.1, 2.1, 211)
        ax.plot(e, e**2, color=ORANGE, label=f"squared: mean {self.mse:.3f}")
        ax.plot(e, np.abs(e), color=BLUE, label=f"absolute: mean {self.mae:.2f}")
        ax.plot(self.errors, self.errors**2, "o", color=ORANGE, markersize=5)
        ax.plot(self.errors, np.abs(self.errors), "o", color=BLUE, markersize=5)
        ax.set(xlabel="error = target - prediction", ylabel="loss", ylim=(0, 4.4), xticks=(-2, -1, 0, 1, 2))
        ax.set_title("Ten predictions: squares stress large errors")
        ax.legend(loc="upper center")

    def _draw_binary(self, ax) -> None:
        p = np.linspace(0.005, 1, 400)
        for values, colour, name in (
            (-np.log(p), GREEN, "cross-entropy"),
            (1 - p, BLUE, "absolute error"),
            ((1 - p) ** 2, ORANGE, "squared error"),
        ):
            ax.plot(p, values, color=colour, label=name)
        for (_, prediction), values in zip(BINARY[:2], self.binary[:2], strict=True):
            for value, colour in zip(values, (GREEN, BLUE, ORANGE), strict=True):
                ax.plot(prediction, value, "o", color=colour, markersize=5)
            ax.annotate(f"{values[0]:.3f}", (prediction, values[0]), (4, 5), textcoords="offset points", fontsize=9)
        ax.set(
            xlabel="predicted probability of the true class", ylabel="loss", ylim=(0, 4.4), xticks=(0, 0.2, 0.5, 0.9, 1)
        )
        ax.set_title("A confident mistake: only cross-entropy is alarmed")
        ax.legend(loc="upper right")

    def _draw_leads(self, ax) -> None:
        lead = 5 - _RIVALS
        ax.plot(lead, _exact_cross_entropy(np.stack([np.full_like(_RIVALS, 5), _RIVALS, _RIVALS], -1)), color=GREEN)
        below = np.append(np.linspace(-5, 0.9, 60), 1 - np.logspace(-1, -13, 13))  # a lead of 1 makes the hinge 0
        ax.plot(below, 2 * (1 - below), color=BLUE)
        ax.text(1.7, 1e-7, "hinge: 0 from\na lead of 1 on", color=BLUE, fontsize=9)
        ax.text(11, 1e-3, "cross-entropy", color=GREEN, fontsize=9)
        for scores, loss in list(zip(LEADING_SCORES, self.leading_cross_entropy, strict=True))[1:]:
            ax.plot(5 - scores[1], loss, "o", color=GREEN, markersize=5)
            place, side = ((-3, -28), "left") if loss > 1 else ((-9, -10), "right")
            ax.annotate(
                f"{_text(scores)}:\n{loss:.2g}", (5 - scores[1], loss), place, textcoords="offset points", ha=side,
                fontsize=9,
            )  # fmt: skip
        ax.set(yscale="log", ylim=(1e-12, 100), xlabel="lead of the true class's score over two rivals", ylabel="loss")
        ax.set(yticks=(1, 1e-4, 1e-8, 1e-12), xticks=(-5, 0, 1, 5, 10, 15, 20, 25))
        ax.minorticks_off()
        ax.set_title("Hinge is satisfied, cross-entropy never is")

    def _draw_sizes(self, ax) -> None:
        ax.plot(_SIZES, self.shifted, color=BLUE, linewidth=4, alpha=0.5, label="minus the largest first")
        ax.plot(_SIZES, self.naive, color=ORANGE, linewidth=2, label="by its formula")
        ax.plot(self.largest_safe_score, self.shifted[0], "X", color=ORANGE, markersize=10)
        ax.annotate(
            "exp(s) overflows:\nNaN from here on", (self.largest_safe_score, 0.72), (7, -42),
            textcoords="offset points", fontsize=9,
        )  # fmt: skip
        ax.axvline(self.largest_safe_score, color=GREY, linewidth=0.8, linestyle=(0, (4, 3)), zorder=0)
        ax.minorticks_off()
        ax.set(
            xscale="log",
            ylim=(0, 1.1),
            yticks=(0, 0.5, 0.731, 1),
            yticklabels=("0", "0.5", "0.731", "1"),
            xlabel="score s",
            ylabel="probability of s",
        )
        ax.set_title("Softmax of the scores s and s - 1")
        ax.legend(loc="lower left")


def run() -> Losses:
    """The losses of the worked examples, by Keras and by `recipes.losses`."""
    target, prediction = (np.array(values)[:, None] for values in zip(*PAIRS, strict=True))
    image, predicted = (np.array(values, float).reshape(-1, 1) for values in (TARGET_IMAGE, PREDICTED_IMAGE))
    truth, probability = (np.array(values, float)[:, None] for values in zip(*BINARY, strict=True))
    entropy = _each(keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none"))
    hinge = _each(WestonWatkinsHinge(reduction="none"))
    two_classes = keras.losses.BinaryCrossentropy, keras.losses.MeanAbsoluteError, keras.losses.MeanSquaredError
    pairs = np.stack([_SIZES, _SIZES - 1], axis=-1).astype("float32")
    with np.errstate(over="ignore", invalid="ignore"):
        powers = np.exp(pairs)
        naive = powers[:, 0] / powers.sum(-1)
    lagging = np.array([[LARGE, 0.0]])
    probabilities = keras.ops.softmax(lagging.astype("float32"))
    clipping = _each(keras.losses.SparseCategoricalCrossentropy(reduction="none"))
    return Losses(
        errors=(target - prediction)[:, 0],
        mean_error=float(np.mean(target - prediction)),
        mae=_value(keras.losses.MeanAbsoluteError(), target, prediction),
        mse=_value(keras.losses.MeanSquaredError(), target, prediction),
        l1=_value(keras.losses.MeanAbsoluteError(reduction="sum"), image, predicted),
        l2=_value(keras.losses.MeanSquaredError(reduction="sum"), image, predicted),
        cross_entropy=entropy(TRUE_CLASSES, SCORES),
        hinge=hinge(TRUE_CLASSES, SCORES),
        leading_cross_entropy=_exact_cross_entropy(np.array(LEADING_SCORES)),
        rounded_cross_entropy=entropy((0, 0, 0), LEADING_SCORES),
        leading_hinge=hinge((0, 0, 0), LEADING_SCORES),
        binary=np.stack([_each(loss(reduction="none"))(truth, probability) for loss in two_classes], axis=-1),
        naive=naive,
        shifted=keras.ops.convert_to_numpy(keras.ops.softmax(pairs))[:, 0],
        from_logits=float(entropy((1,), lagging)[0]),
        from_probabilities=float(clipping((1,), probabilities)[0]),
    )


def _value(loss: keras.losses.Loss, target, prediction) -> float:
    return float(loss(target.astype("float32"), prediction.astype("float32")))


def _each(loss: keras.losses.Loss) -> Callable:
    """`loss` as a function of NumPy arrays that gives the loss of each row."""

    def of_rows(target, prediction) -> np.ndarray:
        values = loss(np.asarray(target), np.asarray(prediction, "float32"))
        return keras.ops.convert_to_numpy(values)

    return of_rows


def _exact_cross_entropy(scores: np.ndarray) -> np.ndarray:
    """Cross-entropy for the true class 0 in float64, which `log1p` keeps exact where the loss is almost 0."""
    return np.log1p(np.exp(scores[..., 1:] - scores[..., :1]).sum(-1))


def _text(numbers) -> str:
    return f"({', '.join(f'{number:g}' for number in numbers)})"
