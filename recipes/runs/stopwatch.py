"""A stopwatch for the phases of a training, which lie one within another."""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from recipes.runs.profile import OTHER, PHASES, Profile, Span

# A trace of so many spans has about six megabytes. Beyond, it gets epochs and whatever is around them, but no steps.
MOST_SPANS = 50_000
_DEPTH_OF_EPOCHS = 2


class Stopwatch:
    """Measures where time goes: each moment counts for the phase of the innermost span that is open.

    All spans are of one thread. Each costs two readings of the clock.

    Args:
        name: Name of the whole, as the outermost span of the trace.
        start: Start in nanoseconds, on the clock of `time.perf_counter_ns`. Default: now.
    """

    def __init__(self, name: str, start: int | None = None):
        self._nanoseconds = dict.fromkeys(PHASES, 0)
        self._open: list[list] = []  # phase, name, start, and nanoseconds of the spans inside
        self._spans: list[Span] = []
        self.begin(OTHER, name, start)

    @classmethod
    def of_process(cls, name: str) -> Self:
        """A stopwatch that has run since this process was started, with an open span of importing."""
        start = process_start()
        stopwatch = cls(name, start)
        stopwatch.begin("importing", at=start)
        return stopwatch

    @contextlib.contextmanager
    def __call__(self, phase: str, name: str | None = None) -> Iterator[None]:
        """A span of `phase` during the work.

        Args:
            phase: Key of `PHASES`.
            name: Name in the trace. Default: that of the phase.
        """
        depth = len(self._open)
        self.begin(phase, name)
        try:
            yield
        finally:
            while len(self._open) > depth:  # an error may have left spans open
                self.end()

    def begin(self, phase: str, name: str | None = None, at: int | None = None) -> None:
        """Open a span, which `end` closes."""
        self._open.append([phase, name or phase, time.perf_counter_ns() if at is None else at, 0])

    def end(self) -> Span:
        """Close the span that was opened last."""
        phase, name, start, inside = self._open.pop()
        span = Span(phase, name, start, time.perf_counter_ns(), len(self._open))
        duration = span.end - start
        self._nanoseconds[phase] += duration - inside
        if self._open:
            self._open[-1][3] += duration
        self._keep(span)
        return span

    def move(self, span: Span, nanoseconds: int, phase: str, name: str) -> None:
        """Count the first `nanoseconds` of a closed span, which has none inside, for another phase."""
        self._nanoseconds[span.phase] -= nanoseconds
        self._nanoseconds[phase] += nanoseconds
        self._keep(Span(phase, name, span.start, span.start + nanoseconds, span.depth + 1))

    def stop(self) -> Profile:
        """Close all spans, and return where the time has gone."""
        while self._open:
            self.end()
        seconds = {phase: round(value / 1e9, 2) for phase, value in self._nanoseconds.items()}
        return Profile(seconds, tuple(sorted(self._spans, key=lambda span: (span.start, span.depth))))

    def _keep(self, span: Span) -> None:
        if len(self._spans) < MOST_SPANS or span.depth <= _DEPTH_OF_EPOCHS:
            self._spans.append(span)


def process_start() -> int:
    """When this process was started, in nanoseconds on the clock of `time.perf_counter_ns`.

    Linux tells it in hundredths of a second. Elsewhere it is the latest time that it can have been, by the processor
    time that the process has used.
    """
    now = time.perf_counter_ns()
    try:
        # The name of the program, in parentheses, may hold spaces; the 20th value behind it counts ticks since boot.
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        age = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - ticks * 10**9 // os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        age = time.process_time_ns()
    return now - max(age, 0)
