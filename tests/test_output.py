import os
import subprocess
import sys

import pytest

from callbacks.progress import Progress
from recipes import cli
from recipes.disk.output import UnbreakableStream, unbreakable_output


class Full:
    encoding = "utf-8"

    def write(self, text):
        raise OSError(28, "No space left on device")

    flush = isatty = lambda self: False


def test_output_that_cannot_be_written_is_dropped_with_a_note(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", Full())
    with unbreakable_output():
        for _ in range(2):
            print("epoch 1", flush=True)
    assert capsys.readouterr().err == "note: not all output could be written: No space left on device\n"


def test_a_pipe_that_nobody_reads_ends_no_work_and_neither_does_a_stream_that_is_closed(monkeypatch):
    reader, writer = os.pipe()
    os.close(reader)
    stream = os.fdopen(writer, "w", buffering=1)
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", None)
    with unbreakable_output():
        print("epoch 1")
        print("a note", file=sys.stderr)
    assert sys.stdout is stream
    with pytest.raises(BrokenPipeError):
        stream.close()


def test_progress_is_shown_on_no_stream_at_all(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    with unbreakable_output():
        progress = Progress()
        progress.set_params({"epochs": 1, "steps": 1})
        progress.on_train_begin()
        progress.on_epoch_begin(0)
        progress.on_train_batch_end(0)
        progress.on_epoch_end(0, {"loss": 1.0})
        progress.on_train_end()


def test_a_character_that_a_stream_cannot_write_is_an_error_of_the_caller():
    with open(os.devnull, "w", encoding="ascii") as stream, pytest.raises(UnicodeEncodeError):
        UnbreakableStream(stream).write("ä")


def command(text, tmp_path):
    program = f"{sys.executable} -c 'import sys; from recipes.cli import main; sys.exit(main())'"
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    return subprocess.run(
        ["bash", "-c", text.replace("keras-recipes", program)], capture_output=True, text=True, env=environment
    )


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
def test_a_full_output_of_a_command_is_one_line_and_a_closed_one_is_none(tmp_path):
    full = command("keras-recipes list > /dev/full", tmp_path)
    assert (full.returncode, full.stderr) == (
        cli.ERROR, "keras-recipes: the output could not be written: No space left on device\n",
    )  # fmt: skip
    closed = command("keras-recipes list >&- 2>&-", tmp_path)
    assert (closed.returncode, closed.stdout, closed.stderr) == (0, "", "")
    assert command("keras-recipes list | head -1; exit ${PIPESTATUS[0]}", tmp_path).returncode == 0


def test_works_in_threads_that_end_in_any_order_leave_the_output_as_it_was():
    before = sys.stdout, sys.stderr
    first, second = unbreakable_output(), unbreakable_output()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    second.__exit__(None, None, None)
    assert (sys.stdout, sys.stderr) == before
