"""A finished training, as `train` returns it."""

from dataclasses import dataclass
from pathlib import Path

import keras

from callbacks.watching.record import Record
from recipes.metrics import ClassificationReport, RegressionReport
from recipes.runs.profile import Profile
from recipes.settings import Recipe


@dataclass(frozen=True, eq=False)
class Run:
    """A finished training.

    A `Run` is given as its folder would be: to `load_model`, `evaluate`, `predict`, `compare` and `transfer`.

    Attributes:
        model: Trained model that takes raw rows and gives probabilities, or values for a regression, as the run folder
            holds it. Compiled for evaluation.
        recipe: Recipe of the training with every change applied. Its part `model` was not used where the user brought
            a model.
        history: Values of each epoch, by name: `loss`, `val_loss`, the metrics, and what callbacks add to the logs in
            every epoch. Those of a regression are of scaled targets. The epochs of fine-tuning follow those of `fit`.
        record: Gradient norms, update ratios and activations, by epoch and layer.
        report: Report on the test part.
        directory: Run folder.
        kept_epoch: Epoch whose weights the model has, counted from 1 as in `history`.
        profile: Where the time has gone, if `train` was asked for it.
    """

    model: keras.Model
    recipe: Recipe
    history: dict[str, list[float]]
    record: Record
    report: ClassificationReport | RegressionReport
    directory: Path
    kept_epoch: int | None = None
    profile: Profile | None = None

    def __fspath__(self) -> str:
        return str(self.directory)
