"""When a training is stored, and how it ends where a signal asks it to."""

import time
import warnings
from collections.abc import Callable
from typing import Any

from recipes.runs.checkpoints import Checkpoints
from recipes.runs.writing import one_line
from recipes.settings.training import CHECKPOINT
from recipes.training.interrupts import Interrupts

# `auto` stores as often as takes this share of the time, and between steps at most once in so many seconds. The first
# and the last checkpoint come on top: all together take 2 % of a training of a few seconds.
_SHARE = 0.015
_SECONDS_BETWEEN_STEPS = 60.0


class Checkpointing:
    """Stores a training where that is due: as `fit.checkpoint` says, at its end, and where a signal asks it to end.

    Args:
        checkpoints: Checkpoints of the training.
        setting: Value of `fit.checkpoint`; `None` to store the training only where a signal ends it.
        facts: Facts by which a training that can go on from these checkpoints is recognized.
        interrupts: Signals that ask the training to end.

    Attributes:
        found: State to go on from, as `store` has stored it; `None` to begin.
        spent: Seconds that checkpoints have taken so far.
    """

    def __init__(self, checkpoints: Checkpoints, setting: str | None, facts: dict[str, Any], interrupts: Interrupts):
        self.checkpoints, self.facts, self.interrupts = checkpoints, facts, interrupts
        self.found: dict[str, Any] | None = None
        number, unit = CHECKPOINT.fullmatch(setting).groups() if setting else (None, None)
        self._kind = unit.rstrip("s") if unit else setting
        self._number = int(number or 0)
        self._steps = 0
        self._cost = self.spent = 0.0
        self._stored = time.monotonic()

    @property
    def counts_steps(self) -> bool:
        """Whether the training is stored after a number of steps."""
        return self._kind == "step"

    def is_due_after_step(self) -> bool:
        """Whether the training is to be stored between two steps of an epoch. To be asked after each of them."""
        self._steps += 1
        waited = time.monotonic() - self._stored
        due = {
            "auto": waited >= max(_SECONDS_BETWEEN_STEPS, self._cost / _SHARE),
            "minute": waited >= 60 * self._number,
            "step": self._steps >= self._number,
        }
        return self.interrupts.received is not None or due.get(self._kind, False)

    def is_due_after_epoch(self) -> bool:
        """Whether the training is to be stored at the end of an epoch that is not its last."""
        due = self.is_due_after_step()  # the last step of the epoch
        waited = time.monotonic() - self._stored
        return due or self._kind == "epoch" or (self._kind == "auto" and waited >= self._cost / _SHARE)

    @property
    def is_due_at_end(self) -> bool:
        """Whether the training is to be stored after its last epoch: there is nothing else that holds it then."""
        return self._kind is not None

    def store(self, state: Callable[[], dict[str, Any]], *, is_last: bool = False) -> None:
        """Store the training, and end it where a signal has asked for that.

        A checkpoint that cannot be written is a warning, as the training is worth more.

        Args:
            state: Function that returns the state of the training; see `Session.state`.
            is_last: Whether the training is over, so that a signal has nothing to end.

        Raises:
            KeyboardInterrupt: Where a signal has ended it; with the place at which it is resumed, if it is stored.
        """
        start = time.monotonic()
        content = state()
        is_stored = False
        try:
            self.checkpoints.save({"facts": self.facts, **content})
            is_stored = True
        except (OSError, TypeError) as error:
            warnings.warn(f"the training goes on, but could not be stored: {one_line(error)}", stacklevel=2)
        self._steps, self._stored = 0, time.monotonic()
        self._cost = self._stored - start
        self.spent += self._cost
        if self.interrupts.received is not None and not is_last:
            if not is_stored:
                raise KeyboardInterrupt  # at best, there is an older checkpoint
            raise KeyboardInterrupt(
                f"interrupted {place_of(content)}: the same command with --resume, or resume=True, goes on from there"
            )


def place_of(state: dict[str, Any]) -> str:
    """The place of a state in its training, such as `after step 12 of epoch 3`."""
    if state["step"]:
        return f"after step {state['step']} of epoch {state['epoch'] + 1}"
    return f"after epoch {state['epoch']}"
