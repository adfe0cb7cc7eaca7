"""Output that nobody reads any more, or that a full disk does not take, ends no work that is worth more than it."""

import contextlib
import os
import sys


class UnbreakableStream:
    """A text stream that drops what cannot be written, from the first failure on.

    Args:
        stream: Stream to write to; `None`, as Python gives for an output that was closed, drops everything.
    """

    def __init__(self, stream):
        self._stream = stream
        self.error: Exception | None = None
        self.is_over = False

    def write(self, text: str) -> int:
        self._try("write", text)
        return len(text)

    def flush(self) -> None:
        self._try("flush")

    def isatty(self) -> bool:
        return self._stream is not None and self._stream.isatty()

    def __getattr__(self, name: str):
        return getattr(self._stream, name)

    def _try(self, method: str, *arguments) -> None:
        if self.error is not None or self._stream is None:
            return
        try:
            getattr(self._stream, method)(*arguments)
        except UnicodeError:
            raise
        except (OSError, ValueError) as error:  # a broken pipe or a full disk; a closed stream
            self.error = error
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        """Go on."""


class NamedOutput(UnbreakableStream):
    """A text stream whose errors say that it is the output that cannot be written, but for that of a closed pipe."""

    def _fail(self, error: Exception) -> None:
        if isinstance(error, BrokenPipeError):
            raise error
        raise OSError(f"the output could not be written: {_reason(error)}") from None


@contextlib.contextmanager
def unbreakable_output():
    """Let nothing that is printed during the work end it; a note on the other stream says that output is lost."""
    with _unbreakable("stdout") as output, _unbreakable("stderr") as errors:
        try:
            yield
        finally:
            output.flush()
            if output.error is not None:
                print(f"note: not all output could be written: {_reason(output.error)}", file=errors)


@contextlib.contextmanager
def _unbreakable(name: str):
    """Let a standard stream be unbreakable during the work."""
    stream = UnbreakableStream(getattr(sys, name))
    setattr(sys, name, stream)
    try:
        yield stream
    finally:
        stream.is_over = True
        # Works in several threads end in any order: the last one takes away those that lie below its own.
        while isinstance(top := getattr(sys, name), UnbreakableStream) and top.is_over:
            setattr(sys, name, top._stream)


def open_standard_streams() -> None:
    """Open the standard streams that the caller has closed: else the next file that is opened takes their number.

    What any library then prints would be written into that file.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    for name, number in (("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w", encoding="utf-8", closefd=False))


def drop_output() -> None:
    """Connect standard output with nothing, so that the rest of its buffer does not fail when the process ends."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
