"""Progress of a whole training: epochs done, and the time that the rest takes at most."""

import shutil
import sys
import time

import keras

from callbacks.watching.scalars import as_number


class Progress(keras.callbacks.Callback):
    """One line for the whole training: epoch, bar, time left, latest results.

    It is meant for `fit(..., verbose=0)`: Keras's own bar shows the time left of an epoch, not of the training. On a
    terminal the line is redrawn at most ten times a second. Elsewhere, as in a log file, about ten lines are printed.

    Args:
        stream: Text stream to write to. Default: `sys.stdout`.
    """

    # Without it, a callback with a hook at the end of batches makes JAX wait for the result of every step.
    async_safe = True

    def __init__(self, stream=None):
        super().__init__()
        self.stream = stream

    def on_train_begin(self, logs=None):
        self.out = self.stream or sys.stdout
        self.start = self.drawn = time.monotonic()
        self.first_epoch = None
        self.tenths = 0
        self.block = "━" if can_write("━", self.out) else "="
        self.results = ""

    def on_epoch_begin(self, epoch, logs=None):
        # With `initial_epoch`, no time was spent on the epochs before it.
        self.first_epoch = epoch if self.first_epoch is None else self.first_epoch
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.out.isatty() and time.monotonic() - self.drawn > 0.1:
            steps = self.params.get("steps")
            self.draw(self.epoch + ((batch + 1) / steps if steps else 0))

    def on_epoch_end(self, epoch, logs=None):
        numbers = {name: as_number(value) for name, value in logs.items() if name != "learning_rate"}
        self.results = "  ".join(f"{name} {value:.4g}" for name, value in numbers.items() if value is not None)
        tenths = 10 * (epoch + 1) // self.params["epochs"]
        if self.out.isatty():
            self.draw(epoch + 1)
        elif tenths > self.tenths:
            self.tenths = tenths
            self.out.write(self.line(epoch + 1) + "\n")
            self.out.flush()

    def on_train_end(self, logs=None):
        if self.out.isatty():
            self.out.write("\n")

    def state(self) -> dict:
        """What a resumed training needs to go on with its line: plain values."""
        elapsed = time.monotonic() - self.start
        return {"elapsed": elapsed, **{name: getattr(self, name) for name in ("first_epoch", "tenths", "results")}}

    def restore(self, state: dict) -> None:
        """The reverse of `state`, once the training has begun anew."""
        # The time that passed until the training was resumed is none that an epoch takes.
        self.start = time.monotonic() - state["elapsed"]
        self.first_epoch, self.tenths, self.results = state["first_epoch"], state["tenths"], state["results"]

    def line(self, done):
        """The line to be written once `done` epochs, which may be a fraction, have passed."""
        epochs = self.params["epochs"]
        left = seconds_left(time.monotonic() - self.start, done - self.first_epoch, epochs - done)
        bar = f"{self.block * round(20 * done / epochs):<20}"
        return f"epoch {self.epoch + 1}/{epochs}  {bar}  {clock(left)} left at most  {self.results}"

    def draw(self, done):
        self.drawn = time.monotonic()
        # A line that wraps onto a second one could not be redrawn.
        line = self.line(done)[: shutil.get_terminal_size().columns - 1]
        self.out.write(f"\r\x1b[2K{line}")
        self.out.flush()


def can_write(text: str, stream) -> bool:
    """Whether `stream` can encode `text`: a log file need not be UTF-8."""
    try:
        text.encode(getattr(stream, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def seconds_left(elapsed: float, done: float, remaining: float) -> float:
    """Seconds that `remaining` epochs take at the pace of the `done` epochs, which took `elapsed` seconds."""
    return elapsed / done * remaining if done > 0 else 0.0


def clock(seconds: float) -> str:
    """A duration as minutes and seconds, from an hour on with hours.

    >>> clock(83), clock(3725)
    ('1:23', '1:02:05')
    """
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
