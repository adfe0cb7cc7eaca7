"""Metrics: the report of a classifier of MNIST or digits, and why accuracy misleads when classes are unbalanced."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np

from recipes.data import load_dataset
from recipes.lab.digits import Part, digits
from recipes.lab.result import Result, Table
from recipes.metrics.classes.classification import classification_report
from recipes.metrics.classes.single_label import ClassificationReport
from recipes.models import mlp
from recipes.plots.axes import BLUE, GREEN, ORANGE

BATCH, RARE = 60, 8
DIGITS, MNIST = "the digits of scikit-learn", "MNIST"
# Number of training rows: few, so that there are mistakes to look at.
ROWS = {DIGITS: 300, MNIST: 3000}
_WITHOUT_MNIST = ", as MNIST is not on this machine"
SCORES = {"precision": BLUE, "recall": ORANGE, "f1": GREEN}


@dataclass(frozen=True)
class Metrics(Result):
    """Reports on the test rows of MNIST, or of digits where MNIST is not on this machine.

    Attributes:
        data: Name of the data.
        report: Report of the network on all ten classes.
        rare: Report of the same network on the question whether a digit is an 8.
        never: Report of the answer "no" to this question for every row.
    """

    data: str
    report: ClassificationReport
    rare: ClassificationReport
    never: ClassificationReport

    title = "Metrics"
    point = "Always saying no has a high accuracy where yes is rare; recall and F1 show that it is worth nothing."
    grid = (1, 3)
    panel = (4.3, 3.7)

    @property
    def explanation(self) -> str:
        report, rare, never = self.report, self.rare, self.never
        worst = min(report.classes, key=lambda name: report.classes[name]["f1"])
        confused = report.most_confused[0]
        scores, eight = report.classes[worst], rare.classes["yes"]
        return (
            f"A network that has seen {ROWS[self.data]:,} digits classifies {report.accuracy:.1%} of "
            f"{report.rows:,} test rows correctly. Off the diagonal of the confusion matrix are its mistakes, most "
            f"often {confused.true} taken for {confused.predicted}. Precision is the share of a column on the "
            f"diagonal, recall that of a row, and F1 their harmonic mean: {worst} is hardest, with "
            f"{scores['precision']:.2f}, {scores['recall']:.2f} and {scores['f1']:.2f}. Of two unbalanced classes, "
            f"accuracy says little: who always denies that a digit is an {RARE} is right in {never.accuracy:.1%} of "
            f"the rows, not far from the {rare.accuracy:.1%} of the network, but finds none of them: recall and F1 are "
            f"0, where the network has {eight['recall']:.2f} and {eight['f1']:.2f}. (This is the homework on MNIST; "
            "the images are those of "
            f"{self.data}{_WITHOUT_MNIST if self.data == DIGITS else ''}.)"
        )

    def tables(self) -> list[Table]:
        names = ("precision", "recall", "f1")
        report = self.report
        rows = [
            (name, *(scores[key] for key in (*names, "accuracy", "support"))) for name, scores in report.classes.items()
        ]
        means = {"macro mean": report.macro, "micro mean": report.micro, "weighted mean": report.weighted}
        rows += [(name, *(mean[key] for key in names), report.accuracy, report.rows) for name, mean in means.items()]
        matrix = [
            (f"true {name}", *(int(count) for count in counts))
            for name, counts in zip(report.class_names, report.confusion_matrix, strict=True)
        ]
        return [
            Table("Classification report", ("class", "precision", "recall", "F1", "accuracy", "rows"), rows),
            Table("Confusion matrix", ("rows", *(f"as {name}" for name in report.class_names)), matrix),
            Table(
                f"Is it an {RARE}?",
                ("answers", "accuracy", "precision", "recall", "F1"),
                [(name, *scores.values()) for name, scores in self.answers().items()],
            ),
        ]

    def answers(self) -> dict[str, dict[str, float]]:
        """Scores of the answer "no" and of the network on the rare class, by name; 0 where a score is not defined."""
        reports = {"always no": self.never, "network": self.rare}
        return {
            name: {
                "accuracy": report.accuracy,
                **{key: float(np.nan_to_num(report.classes["yes"][key])) for key in SCORES},
            }
            for name, report in reports.items()
        }

    def panels(self) -> list[Callable]:
        return [self._draw_matrix, self._draw_classes, self._draw_rare]

    def _draw_matrix(self, ax) -> None:
        counts = self.report.confusion_matrix
        for true, row in enumerate(counts):
            for predicted, count in enumerate(row):
                if count:
                    colour = BLUE if true == predicted else ORANGE
                    # The root of the share makes single mistakes visible; more than half of the colour hides the text.
                    shade = 0.55 * np.sqrt(count / row.sum())
                    ax.fill_between(
                        (predicted - 0.5, predicted + 0.5), true - 0.5, true + 0.5, color=colour, alpha=shade, lw=0
                    )
                    ax.text(predicted, true, f"{count:g}", ha="center", va="center", fontsize=8)
        names = self.report.class_names
        ax.set(xlim=(-0.5, len(names) - 0.5), ylim=(len(names) - 0.5, -0.5), xlabel="predicted", ylabel="true class")
        ax.set_xticks(range(len(names)), names)
        ax.set_yticks(range(len(names)), names)
        ax.set_title(f"Ten digits: accuracy {self.report.accuracy:.1%}")

    def _draw_classes(self, ax) -> None:
        classes = self.report.classes
        for place, (key, colour) in enumerate(SCORES.items()):
            values = [scores[key] for scores in classes.values()]
            label = f"{'F1' if key == 'f1' else key}: mean {self.report.macro[key]:.3f}"
            ax.plot(values, np.arange(len(classes)) + 0.18 * (place - 1), "o", color=colour, markersize=6, label=label)
        ax.set_yticks(range(len(classes)), classes)
        ax.set(ylim=(len(classes) + 2.2, -0.6), xlim=(None, 1.01), xlabel="score", ylabel="class")
        ax.locator_params(axis="x", nbins=4)
        ax.grid(axis="y", linewidth=0.4)
        ax.set_title("Each class by itself")
        ax.legend(loc="lower left", ncols=1)

    def _draw_rare(self, ax) -> None:
        for shift, (name, scores) in zip((-0.2, 0.2), self.answers().items(), strict=True):
            places = np.arange(len(scores)) + shift
            ax.bar(places, list(scores.values()), 0.38, color=ORANGE if name == "always no" else BLUE, label=name)
            for place, score in zip(places, scores.values(), strict=True):
                ax.text(place, score + 0.015, f"{score:.2f}", ha="center", fontsize=8)
        ax.set_xticks(range(4), ("accuracy", "precision", "recall", "F1"))
        ax.set(ylim=(0, 1.25), yticks=(0, 0.5, 1))
        ax.set_title(f"Is it an {RARE}? ({self.rare.classes['yes']['support']:.0f} of {self.rare.rows:,} are)")
        ax.legend(loc="upper center", ncols=2)


def _images() -> tuple[str, Part, Part]:
    """Name of the data, training part and test part; nothing is downloaded."""
    try:
        dataset = load_dataset("mnist", seed=0, download=False)
    except (ValueError, OSError):  # it is not there, or tensorflow-datasets is not
        train, _, test = digits(ROWS[DIGITS])
        return DIGITS, train, test
    (x, y), test = dataset.train, dataset.test
    count = ROWS[MNIST]
    scale = np.float32(1 / 255)
    return MNIST, (x[:count] * scale, y[:count]), (test[0] * scale, test[1])


def run(*, epochs: int = 15) -> Metrics:
    """Reports of a network that was trained on few images.

    Args:
        epochs: Number of epochs.
    """
    data, (x, y), (x_test, y_test) = _images()
    model = mlp(x.shape[1:], 10, widths=(64,))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.003), loss, jit_compile=False)
    model.fit(x, y, BATCH, epochs, verbose=0, shuffle=False)
    predicted = model.predict(x_test, batch_size=len(x_test), verbose=0).argmax(-1)
    is_rare = (y_test == RARE).astype(int)
    names = ("no", "yes")
    return Metrics(
        data=data,
        report=classification_report(y_test, predicted, class_names=[str(digit) for digit in range(10)]),
        rare=classification_report(is_rare, (predicted == RARE).astype(int), class_names=names),
        never=classification_report(is_rare, np.zeros_like(is_rare), class_names=names),
    )
