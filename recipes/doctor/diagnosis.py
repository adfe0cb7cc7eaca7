"""The result of a diagnosis: findings with the root cause first, as text, as plain values, as a picture."""

import json
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from recipes.disk.whole import write_text_whole
from recipes.doctor import outcome, picture, text
from recipes.doctor.finding import FAULT, Finding
from recipes.doctor.seen import Course, Reference, Seen
from recipes.metrics import BiasVariance
from recipes.metrics.plain_values import plain
from recipes.runs.files import DIAGNOSIS


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """What is wrong with a training, and why; printed, it is one screen of text.

    Attributes:
        findings: Findings, the root cause first, notes last. What a cause explains is among its `consequences`.
        seen: Facts that the findings were drawn from.
        seconds: Time that the diagnosis took.
    """

    findings: tuple[Finding, ...]
    seen: Seen
    seconds: float = 0.0

    @property
    def faults(self) -> tuple[Finding, ...]:
        """Findings that keep the training from working, the root cause first."""
        return tuple(finding for finding in self.findings if finding.severity == FAULT)

    @property
    def notes(self) -> tuple[Finding, ...]:
        """Findings that are worth knowing, and keep nothing from working."""
        return tuple(finding for finding in self.findings if finding.severity != FAULT)

    @property
    def root(self) -> Finding | None:
        """The root cause: the first fault; `None` where no fault was found."""
        return next(iter(self.faults), None)

    @property
    def is_healthy(self) -> bool:
        """Whether no fault was found."""
        return self.root is None

    @property
    def bias_variance(self) -> BiasVariance | None:
        """Bias and variance of the training under watch, with advice; `None` where an error is not known."""
        return outcome.bias_variance(self.seen)

    def __str__(self):
        return text.screen(self.findings, self.seen)

    def to_dict(self) -> dict[str, Any]:
        """Findings and the scores behind them as plain values, for JSON: what is not a finite number is `None`."""
        seen = self.seen
        return plain(
            {
                "healthy": self.is_healthy,
                "root": None if self.root is None else self.root.cause,
                "findings": [finding.to_dict() for finding in self.findings],
                "score": None if seen.data is None else text.score_name(seen),
                "course": None if seen.course is None else _course(seen.course),
                "reference": None if seen.reference is None else _reference(seen.reference),
                "bias_variance": _bias_variance(self.bias_variance),
                "trials": {name: _course(course) for name, course in seen.trials.items()},
                "seconds": self.seconds,
            }
        )

    def save(self, folder: str | PathLike) -> Path:
        """Write the diagnosis into a folder, as `diagnosis.json`: whole, or not at all.

        Args:
            folder: Folder that exists.

        Returns:
            The path of the file.

        Raises:
            OSError: If the file cannot be written.
        """
        file = Path(folder) / DIAGNOSIS
        write_text_whole(file, json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n")
        return file

    def plot(self, ax=None):
        """Draw the evidence of the root cause, or the course of the training where no fault was found.

        Args:
            ax: Matplotlib axes. Default: new ones.

        Returns:
            The axes.
        """
        return picture.evidence(self.root, self.seen, ax)


def _course(course: Course) -> dict[str, Any]:
    names = ("epochs", "steps", "balanced", "constant_output", "is_finite", "seconds")
    scores = {name: np.asarray(getattr(course, name)).tolist() for name in ("score", "train_score")}
    return {**scores, **{name: getattr(course, name) for name in names}}


def _reference(reference: Reference) -> dict[str, float]:
    return {**vars(reference), "best": reference.best}


def _bias_variance(errors: BiasVariance | None) -> dict[str, Any] | None:
    if errors is None:
        return None
    return {**vars(errors), "avoidable_bias": errors.avoidable_bias, "variance": errors.variance}
