"""What was seen of a training."""

import dataclasses
from dataclasses import dataclass
from typing import Any, Self

from callbacks.watching.record import Record


@dataclass(frozen=True, eq=False)
class Watched:
    """Course of a training: its history, its record, and which weights it ended with.

    Attributes:
        history: Values of each epoch, by name: `loss`, `val_loss`, the metrics, and what callbacks add to the logs in
            every epoch. Those of a regression are of scaled targets.
        record: Gradient norms, update ratios and activations, by epoch and layer.
        kept_epoch: Epoch whose weights the model has, counted from 1 as in `history`; `None` where a run folder of an
            older version does not hold it.
        reason: Why the training stopped and the weights of that epoch were kept; empty for the last weights of a
            training that ran to its last epoch.
        divergence: Why the training was stopped as diverged, and what may help; `None` where it did not diverge.
        temperature: Number by which the logits of the saved model are divided, learned on validation rows; `None` where
            they are used as they are.
    """

    history: dict[str, list[float]]
    record: Record
    kept_epoch: int | None
    reason: str = ""
    divergence: str | None = None
    temperature: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """The attributes as plain values and arrays, for a checkpoint; `from_dict` reads them back."""
        record = {"layers": list(self.record.layers), "epochs": self.record.epochs, **self.record.measured()}
        return {**vars(self), "record": record}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """What `to_dict` has returned; other values in the dictionary are left out."""
        record = Record(**{**values["record"], "layers": tuple(values["record"]["layers"])})
        names = [field.name for field in dataclasses.fields(cls)]
        return cls(**{**{name: values[name] for name in names}, "record": record})
