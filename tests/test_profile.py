import contextlib
import json
import re
import time

import keras
import numpy as np
import pytest

import recipes
from recipes.cli import main
from recipes.runs.profile import PHASES, Span
from recipes.runs.stopwatch import Stopwatch, process_start
from recipes.training.timed_session import compiling_calls

SECOND = 10**9
ROWS = np.random.default_rng(0).normal(size=(120, 3)).astype("float32")
DATA = (ROWS, (ROWS[:, 0] > 0).astype("int64"))
RECIPE = recipes.get("tabular").replace(fit={"epochs": 2, "batch_size": 8}, model={"widths": [2]})


def calls(*seconds):
    return [Span("training", "step", 0, round(duration * SECOND), 3) for duration in seconds]


def inside_each_other(events):
    """Whether each event lies inside the one around it, or behind the one before it."""
    around = []
    for event in events:
        start, end = event["ts"], event["ts"] + event["dur"]
        while around and start >= around[-1]:
            around.pop()
        if around and end > around[-1]:
            return False
        around.append(end)
    return True


def test_each_moment_counts_for_the_innermost_span_and_the_phases_add_up():
    now = time.perf_counter_ns()
    stopwatch = Stopwatch("all", now - 10 * SECOND)
    stopwatch.begin("training", at=now - 7 * SECOND)
    stopwatch.begin("watching", at=now - 2 * SECOND)
    profile = stopwatch.stop()
    assert profile.seconds["other"] == pytest.approx(3, abs=0.02)
    assert profile.seconds["training"] == pytest.approx(5, abs=0.02)
    assert profile.seconds["watching"] == pytest.approx(2, abs=0.5)
    assert list(profile.seconds) == list(PHASES)
    assert [span.name for span in profile.spans] == ["all", "training", "watching"]
    assert profile.total == pytest.approx(sum(profile.seconds.values()))
    assert str(profile).splitlines()[-1].split()[:2] == ["total", f"{profile.total:.2f}"]


def test_an_error_closes_the_spans_that_it_leaves_open():
    stopwatch = Stopwatch("all")
    with contextlib.suppress(KeyError), stopwatch("training"):
        stopwatch.begin("validating")
        raise KeyError
    with stopwatch("drawing"):
        pass
    assert [(span.name, span.depth) for span in stopwatch.stop().spans] == [
        ("all", 0), ("training", 1), ("validating", 2), ("drawing", 1),
    ]  # fmt: skip


def test_a_long_training_has_its_epochs_in_the_trace_and_not_all_its_steps(monkeypatch):
    monkeypatch.setattr("recipes.runs.stopwatch.MOST_SPANS", 5)
    stopwatch = Stopwatch("all")
    with stopwatch("training"):
        for _ in range(2):
            with stopwatch("training", "epoch"):
                for _ in range(5):
                    stopwatch.begin("training", "step")
                    stopwatch.end()
    names = [span.name for span in stopwatch.stop().spans]
    assert (names.count("step"), names.count("epoch")) == (5, 2)


def test_compiling_is_what_the_first_call_takes_beyond_the_usual():
    first, *_ = steps = calls(5, 1, 1, 1, 9)
    assert compiling_calls(steps, 2) == [(first, 4 * SECOND), (steps[1], 0)]
    # The last batch of an epoch may be smaller, for which JAX compiles again.
    steps = calls(5, 1, 1, 3, 1, 1, 1, 1)
    assert compiling_calls(steps, 4) == [(steps[0], 4 * SECOND), (steps[3], 2 * SECOND)]
    assert compiling_calls(steps[:1], 1) == [(steps[0], 5 * SECOND)]
    assert compiling_calls(steps[:2], 2) == [(steps[0], 4 * SECOND)]
    assert compiling_calls([], 0) == []


def test_the_start_of_the_process_lies_before_its_first_line():
    age = time.perf_counter_ns() - process_start()
    # The processor time of one thread at least has passed since then.
    assert age >= time.thread_time_ns() - SECOND / 10


@pytest.mark.extensive
@pytest.mark.backend
@pytest.mark.whole
def test_a_profiled_training_says_where_its_time_went(tmp_path, capsys):
    start = time.perf_counter()
    run = recipes.train(RECIPE, DATA, output=tmp_path, pictures=False, profile=True)
    elapsed = time.perf_counter() - start
    assert 0.5 * elapsed < run.profile.total < elapsed + 0.1  # rounded part by part
    for phase in ("reading", "building", "compiling", "training", "validating", "watching", "saving", "evaluating"):
        assert run.profile.seconds[phase] > 0, phase
    assert run.profile.seconds["importing"] == run.profile.seconds["drawing"] == 0
    # Nothing else but the work between the phases.
    assert run.profile.seconds["other"] < 0.2 * run.profile.total
    file = run.directory / "trace.json"
    table = capsys.readouterr().out.partition("where the time went:\n")[2]
    assert str(run.profile) in table
    assert f"trace: {file}, which https://ui.perfetto.dev and chrome://tracing open" in table
    assert "trace.json" in json.loads((run.directory / "manifest.json").read_text())["files"]
    content = json.loads(file.read_text())
    assert content["otherData"] == run.profile.to_dict()
    events = content["traceEvents"]
    assert all(set(event) == {"name", "cat", "ph", "ts", "dur", "pid", "tid"} for event in events)
    assert inside_each_other(events)
    assert (events[0]["name"], events[0]["ts"]) == ("recipes.train", 0)
    assert [event["name"] for event in events if event["name"].startswith("epoch")] == ["epoch 1", "epoch 2"]
    calls_of_steps = sum(event["name"].startswith("steps") for event in events)
    # Measuring does not make TensorFlow take the 11 steps of an epoch one by one.
    assert calls_of_steps == (2 if keras.backend.backend() == "tensorflow" else 22)


def test_what_is_no_answer_to_profile_is_refused_before_any_work(tmp_path):
    with pytest.raises(ValueError, match="^`profile` must be True or False. Received: 'yes'$"):
        recipes.train(RECIPE, DATA, output=tmp_path, profile="yes")
    assert not any(tmp_path.iterdir())


@pytest.mark.extensive
def test_the_command_counts_from_the_start_of_its_process_and_keeps_the_trace_of_the_training(tmp_path, capsys):
    command = [
        "train",
        "tabular",
        "--data",
        "iris",
        "--epochs",
        "2",
        "--no-pictures",
        "--output",
        str(tmp_path),
        "--profile",
    ]
    assert main([*command, "--json"]) == 0
    profile = json.loads(capsys.readouterr().out)["profile"]
    assert profile["trace"] == str(tmp_path / "tabular-iris-seed0" / "trace.json")
    assert profile["seconds"]["importing"] > 0
    assert profile["total"] == pytest.approx(sum(profile["seconds"].values()))
    content = json.loads((tmp_path / "tabular-iris-seed0" / "trace.json").read_text())
    assert [event["name"] for event in content["traceEvents"][:2]] == ["keras-recipes train", "importing"]
    assert main([*command, "--resume"]) == 0
    table = capsys.readouterr().out.partition("where the time went:\n")[2]
    # The training was finished: the trace stays that of the training.
    assert re.search(r"^training +0\.00 s", table, flags=re.MULTILINE)
    assert "trace" not in table
    assert json.loads((tmp_path / "tabular-iris-seed0" / "trace.json").read_text()) == content
