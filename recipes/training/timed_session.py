"""A training whose time is measured: what its steps take, its validation, and its callbacks."""

import statistics
from collections.abc import Iterator, Sequence

from recipes.runs.profile import Span
from recipes.runs.stopwatch import Stopwatch
from recipes.training.session import Session

# Calls of a step function that are looked at, the first ones of a training.
_MOST_CALLS = 50_000


class TimedSession(Session):
    """The callbacks of one training, and a stopwatch that tells their time from that of the steps and the validation.

    What callbacks compute inside the compiled step cannot be seen from outside, and counts as training. Hooks of
    batches that run beside the training, as on JAX, count where the training waits for them.

    Args:
        stopwatch: Stopwatch that measures the training.
        *args: Arguments of `Session`, and so are `**kwargs`.
    """

    def __init__(self, stopwatch: Stopwatch, *args, **kwargs):
        self.stopwatch = stopwatch
        self.calls = _no_calls()
        with self._hooks("callbacks are set up"):
            super().__init__(*args, **kwargs)

    def parts(self) -> Iterator[tuple[int, int, dict[str, int]]]:
        for part in super().parts():
            self.stopwatch.begin("building", "rows and step functions are set up")
            yield part

    def on_train_begin(self, logs=None):
        self.stopwatch.end()
        self.calls = _no_calls()  # each `fit` may compile anew
        with self._hooks("training begins"):
            super().on_train_begin(logs)

    def on_epoch_begin(self, epoch, logs=None):
        self.stopwatch.begin("training", f"epoch {epoch + 1}")
        with self._hooks("epoch begins"):
            super().on_epoch_begin(epoch, logs)

    def on_train_batch_begin(self, batch, logs=None):
        with self._hooks("step begins"):
            super().on_train_batch_begin(batch, logs)
        self.stopwatch.begin("training", f"steps from {self.first_step + batch + 1}")

    def on_train_batch_end(self, batch, logs=None):
        self.calls["training"].add(self.stopwatch.end())
        with self._hooks("step ends"):
            super().on_train_batch_end(batch, logs)

    def on_test_begin(self, logs=None):
        self.calls["training"].end_epoch()
        self.stopwatch.begin("validating", "validation")
        with self._hooks("validation begins"):
            super().on_test_begin(logs)

    def on_test_batch_begin(self, batch, logs=None):
        with self._hooks("validation step begins"):
            super().on_test_batch_begin(batch, logs)
        # Where a call is several steps, Keras does not say how many there are behind the last whole number of calls.
        self.stopwatch.begin("validating", f"validation steps from {batch + 1}")

    def on_test_batch_end(self, batch, logs=None):
        self.calls["validating"].add(self.stopwatch.end())
        with self._hooks("validation step ends"):
            super().on_test_batch_end(batch, logs)

    def on_test_end(self, logs=None):
        self.calls["validating"].end_epoch()
        with self._hooks("validation ends"):
            super().on_test_end(logs)
        self.stopwatch.end()

    def on_epoch_end(self, epoch, logs=None):
        self.calls["training"].end_epoch()
        with self._hooks("epoch ends"):
            super().on_epoch_end(epoch, logs)
        self.stopwatch.end()

    def on_train_end(self, logs=None):
        for calls in self.calls.values():
            for span, nanoseconds in compiling_calls(calls.spans, calls.in_first_epoch or 0):
                self.stopwatch.move(span, nanoseconds, "compiling", "compiling")
        with self._hooks("training ends"):
            super().on_train_end(logs)

    def _store(self, **options):
        with self.stopwatch("saving", "checkpoint"):
            super()._store(**options)

    def _hooks(self, name: str):
        return self.stopwatch("watching", f"callbacks: {name}")


class StepCalls:
    """The calls of one step function in one `fit`.

    Attributes:
        spans: The first calls, in their order.
        in_first_epoch: Number of calls in the first epoch; `None` until that has ended.
    """

    def __init__(self):
        self.spans: list[Span] = []
        self.in_first_epoch: int | None = None

    def add(self, span: Span) -> None:
        """Add a call that has ended."""
        if len(self.spans) < _MOST_CALLS:
            self.spans.append(span)

    def end_epoch(self) -> None:
        """Say that an epoch has ended, once or several times."""
        if self.in_first_epoch is None:
            self.in_first_epoch = len(self.spans)


def _no_calls() -> dict[str, StepCalls]:
    return {phase: StepCalls() for phase in ("training", "validating")}


def compiling_calls(calls: Sequence[Span], in_first_epoch: int) -> list[tuple[Span, int]]:
    """The calls of a step function in which it was compiled, and how many nanoseconds of each that took.

    A function is traced and compiled in its first call, and on JAX again in the last one of the first epoch, whose
    batch may be smaller. No backend tells how long that takes in the same way as another. So it is taken to be the
    duration of these two calls less the median duration of all others, which only compute. Where there are no others,
    the second of two calls stands for them; a single call counts as compiling as a whole.

    Args:
        calls: Calls of the function, in their order.
        in_first_epoch: Number of calls in the first epoch.
    """
    durations = [span.end - span.start for span in calls]
    compiled = [place for place in sorted({0, in_first_epoch - 1}) if 0 <= place < len(calls)]
    if len(calls) == 2:
        compiled = [0]
    others = [duration for place, duration in enumerate(durations) if place not in compiled]
    usual = int(statistics.median(others)) if others else 0
    return [(calls[place], max(0, durations[place] - usual)) for place in compiled]
