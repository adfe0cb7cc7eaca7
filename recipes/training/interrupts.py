"""Signals that ask a training to end, obeyed where nothing is lost."""

import contextlib
import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_NOTE = b"\nfinishing the step or validation, and storing the training; once more to stop at once\n"


class Interrupts:
    """Within it, the first SIGINT (Ctrl-C) or SIGTERM is only noted; the second is obeyed at once.

    A signal that is ignored, as shells have it for commands in the background, stays so. Outside of the main thread,
    where Python lets no handler be set, signals are obeyed as ever.

    Attributes:
        received: Number of the signal that was noted; `None` if there was none.
    """

    def __init__(self):
        self.received: int | None = None
        self._former = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            heeded = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
            self._former = {number: signal.signal(number, self._note) for number in heeded}
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._restore()

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.received is None:
            self.received = number
            with contextlib.suppress(OSError):  # the terminal may be gone
                os.write(2, _NOTE)  # in a handler, buffered streams may be in the middle of a line
            return
        self._restore()
        # What stood here before may be a function, or the system's own way, which Python cannot call.
        signal.raise_signal(number)

    def _restore(self) -> None:
        for number, handler in self._former.items():
            # Handlers that were not set by Python cannot be set by it either.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        self._former = {}
