"""Where the time of a training has gone: seconds by phase, and a trace of its spans."""

import json
import os
import shlex
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recipes.arguments.text_table import table_lines
from recipes.disk.whole import write_text_whole
from recipes.runs import files
from recipes.runs.folder import changing_results

OTHER = "other"
# Phases in their order, and what each contains.
PHASES = {
    "importing": "Python, Keras and its backend, from the start of the process",
    "reading": "data: read, checked, split, and a digest of each row",
    "building": "network, its optimizer, loss and metrics, and the pipeline of rows",
    "compiling": "first call of each step function, less the median of its later calls",
    "training": "training steps, with what callbacks compute inside of them",
    "validating": "validation after each epoch",
    "watching": "callbacks, between steps and epochs, with what they compile themselves",
    "saving": "model, history, record and checkpoints",
    "evaluating": "test part, analysis and diagnosis",
    "drawing": "pictures, page and model card",
    OTHER: "everything else",
}


@dataclass(frozen=True)
class Span:
    """A span of time within others.

    Attributes:
        phase: Phase that the time counts for, but for the spans inside this one; a key of `PHASES`.
        name: Name in the trace.
        start: Start in nanoseconds, on the clock of `time.perf_counter_ns`.
        end: End, likewise.
        depth: Number of spans around this one.
    """

    phase: str
    name: str
    start: int
    end: int
    depth: int


@dataclass(frozen=True, eq=False)
class Profile:
    """Where the time of a training has gone. It prints as a table.

    Attributes:
        seconds: Seconds of each phase, by its name, in hundredths. Phases do not overlap: together they are the whole
            time. What libraries compute in threads beside the training counts only where the training waits for it.
        spans: Spans of time within each other, the outermost first.
    """

    seconds: dict[str, float]
    spans: tuple[Span, ...]

    @property
    def total(self) -> float:
        """Seconds of all phases together."""
        return round(sum(self.seconds.values()), 2)

    @property
    def trained(self) -> bool:
        """Whether there was any training."""
        return any(span.phase == "training" for span in self.spans)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for programs."""
        return {"seconds": self.seconds, "total": self.total}

    def trace(self) -> dict[str, Any]:
        """The spans in the Trace Event Format, as complete events with times in whole microseconds."""
        first = self.spans[0].start
        events = []
        for span in self.spans:
            # Both ends are rounded down, and not the duration, so that no span ends after the one around it.
            start, end = ((place - first) // 1000 for place in (span.start, span.end))
            times = {"ts": start, "dur": end - start, "pid": os.getpid(), "tid": 1}
            events.append({"name": span.name, "cat": span.phase, "ph": "X", **times})
        return {"traceEvents": events, "displayTimeUnit": "ms", "otherData": self.to_dict()}

    def keep(self, directory: Path) -> Path | None:
        """Write the trace into a run folder, in place of an older one; what fails is a warning, since the run is fine.

        Args:
            directory: Run folder.

        Returns:
            The file; `None` where it could not be written.
        """
        file = directory / files.TRACE
        try:
            with changing_results(directory, (files.TRACE,)):
                write_text_whole(file, json.dumps(self.trace()) + "\n")
        except (OSError, ValueError) as error:
            warnings.warn(f"the trace could not be written: {error}", stacklevel=2)
            return None
        return file

    def with_trace(self, file: Path | None) -> str:
        """The table, and a line on the file of the trace and what opens it; without one where `file` is `None`."""
        text = f"where the time went:\n{self}"
        viewers = "https://ui.perfetto.dev and chrome://tracing"
        return text if file is None else f"{text}\n\ntrace: {shlex.quote(str(file))}, which {viewers} open"

    def __str__(self):
        total = self.total
        rows = [
            (phase, f"{seconds:.2f} s", f"{100 * seconds / max(total, 0.01):.0f} %", PHASES[phase])
            for phase, seconds in self.seconds.items()
        ]
        return "\n".join(table_lines([*rows, ("total", f"{total:.2f} s", "", "")], left=(0, 3)))
