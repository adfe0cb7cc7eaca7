"""Trainings that were interrupted: what goes on, what is refused, and what is said."""

import os
import shutil
import signal
import time
import warnings

import keras
import numpy as np
import pytest
from interrupted_training import assert_same_run, quick, train

import recipes
from recipes.cli import main
from recipes.runs.checkpoints import Checkpoints
from recipes.training import recipe_to_run
from recipes.training.checkpointing import Checkpointing
from recipes.training.interrupts import Interrupts
from recipes.training.same_training import facts_of, found_in


@pytest.fixture(scope="module")
def stopped_at_two(tmp_path_factory):
    """The output folder of a training of three epochs that was stopped in its second."""
    output = tmp_path_factory.mktemp("stopped")
    train(quick(), output, (1, 1))
    return output


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"optimizer": {"learning_rate": 0.5}}, "optimizer.learning_rate is 0.5, and was 0.001"),
        ({"fit": {"batch_size": 25}}, "fit.batch_size is 25, and was 50"),
        ({"fit": {"epochs": 1}}, "fit.epochs is 1, and was 3, of which 2 have begun"),
        ({"model": {"widths": (5,)}}, "model.widths is 5, and was 4"),
    ],
)
def test_another_recipe_is_refused(stopped_at_two, change, message):
    with pytest.raises(ValueError, match=f"cannot be resumed, since {message}: ask for the same training, or discard"):
        recipes.train(quick().replace(**change), output=stopped_at_two, name="run", resume=True, verbose=False)


def test_other_data_seeds_and_callbacks_are_refused(stopped_at_two):
    dataset = recipes.load_dataset("iris")
    x, y = (np.concatenate(parts) for parts in zip(dataset.train, dataset.validation, dataset.test, strict=True))
    options = {"output": stopped_at_two, "name": "run", "resume": True, "verbose": False}
    with pytest.raises(ValueError, match="the rows of the data have changed"):
        recipes.train(quick(), (x[:-1], y[:-1]), **options)
    with pytest.raises(ValueError, match="seed is 1, and was 0; the rows of the data have changed"):
        recipes.train(quick(), seed=1, **options)
    with pytest.raises(ValueError, match="callbacks is TerminateOnNaN, and was none"):
        recipes.train(quick(), callbacks=[keras.callbacks.TerminateOnNaN()], **options)


NONE_OF_OURS = "its checkpoint is none of a training of this version"


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("facts",), "x", NONE_OF_OURS),
        (("facts", "packages"), [], NONE_OF_OURS),
        (("facts", "settings"), {}, NONE_OF_OURS),
        (("variables", 0), None, NONE_OF_OURS),
        (("variables", 0), np.zeros(7), "has the shape .* and in the checkpoint .7,."),
        (("before_fine_tuning",), "x", NONE_OF_OURS),
        (("epoch",), -1, NONE_OF_OURS),
        (("epoch",), 10**30, "the checkpoint is of step 1 of epoch 1,000,000,"),
        (("step",), 10**30, "the checkpoint is of step 1,000,000,"),
        (("callbacks",), [], "the checkpoint does not fit this training"),
        (("callbacks", 0), {}, "the checkpoint does not fit this training"),
        (("callbacks", 0), None, "the checkpoint does not fit this training"),
        (("random",), {}, "the checkpoint does not fit this training"),
        (("random", "numpy", 2), 10**7, "the position in the 624 numbers of a generator is 10000000"),
        (("random", "numpy", 2), -1, "the position in the 624 numbers"),
    ],
)
def test_a_checkpoint_of_a_stranger_is_refused(stopped_at_two, tmp_path, place, value, message):
    state = Checkpoints(stopped_at_two / ".run-unfinished").latest()
    *parents, last = place
    part = state
    for name in parents:
        part = part[name]
    part[last] = value
    Checkpoints(tmp_path / ".run-unfinished").save(state)
    with pytest.raises(ValueError, match=message):
        recipes.train(quick(), output=tmp_path, name="run", resume=True, verbose=False)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("precision", "mixed_float16", "precision is float32, and was mixed_float16"),
        ("backend", "abacus", "backend is .*, and was abacus"),
        ("packages", {"keras": "2.0"}, "the version of keras is .*, and was 2.0"),
        ("model", "the user's own", "model is the recipe's, and was the user's own"),
    ],
)
def test_another_backend_version_or_model_is_refused(stopped_at_two, name, value, message, monkeypatch):
    def changed(self):
        state = latest(self)
        facts = {**state["facts"]}
        facts[name] = {**facts[name], **value} if isinstance(value, dict) else value
        return {**state, "facts": facts}

    latest = Checkpoints.latest
    monkeypatch.setattr(Checkpoints, "latest", changed)
    with pytest.raises(ValueError, match=message):
        recipes.train(quick(), output=stopped_at_two, name="run", resume=True, verbose=False)


def test_an_unfinished_training_is_not_overwritten_by_accident(stopped_at_two):
    with pytest.raises(FileExistsError, match="an unfinished training is in .*: `resume` goes on with it"):
        recipes.train(quick(), output=stopped_at_two, name="run", verbose=False)


@pytest.mark.extensive
@pytest.mark.backend
def test_more_epochs_may_be_asked_for(stopped_at_two, tmp_path):
    output = shutil.copytree(stopped_at_two, tmp_path / "copy")
    run, _ = train(quick(epochs=4), output, resume=True)
    whole, _ = train(quick(epochs=4), tmp_path / "whole")
    assert len(run.history["loss"]) == 4
    assert_same_run(run, whole)


def test_another_machine_a_schedule_and_callbacks_without_state_are_notes(stopped_at_two, monkeypatch):
    latest = Checkpoints.latest
    state = latest(Checkpoints(stopped_at_two / ".run-unfinished"))
    machine = {"processor": "abacus", "abilities": "beads", "threads": "1 hand"}
    state["facts"] = {**state["facts"], "machine": machine}
    state["facts"]["settings"]["schedule.name"] = "cosine"
    monkeypatch.setattr(Checkpoints, "latest", lambda self: state)
    recipe = quick(epochs=5).replace(schedule={"name": "cosine"})
    callbacks = [keras.callbacks.LambdaCallback()]
    facts = facts_of(recipe, recipes.load_dataset("iris").fingerprint, 0, callbacks, own_model=False)
    facts["data"] = state["facts"]["data"]
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always")
        assert found_in(Checkpoints(stopped_at_two), recipe, facts, callbacks, "run") is state
    assert [str(note.message).split(":")[0] for note in notes] == [
        f"the machine is {', '.join(facts['machine'].values())}, and was abacus, beads, 1 hand",
        "from here on, the cosine schedule is that of 5 epochs instead of 3",
        "LambdaCallback cannot be resumed, without the methods state and restore",
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.extensive)])
def test_a_signal_ends_the_training_after_its_step(number, tmp_path, capfd, heeded_signals):
    def interrupt(epoch, logs):
        if epoch == 1:
            os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    options = {"output": tmp_path, "pictures": False, "verbose": False}
    callbacks = [keras.callbacks.LambdaCallback(on_epoch_begin=interrupt)]
    with pytest.raises(KeyboardInterrupt, match="after step 1 of epoch 2: the same command with --resume, or resume="):
        recipes.train(quick(checkpoint="auto"), callbacks=callbacks, **options)
    assert "finishing the step" in capfd.readouterr().err
    assert signal.getsignal(number) is before
    with pytest.warns(UserWarning, match="LambdaCallback cannot be resumed"):
        run = recipes.train(
            quick(checkpoint="auto"), callbacks=[keras.callbacks.LambdaCallback()], resume=True, **options
        )
    assert len(run.history["loss"]) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["quick-seed0"]


def test_a_signal_that_is_ignored_stays_so(heeded_signals):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Interrupts() as interrupts:
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupts.received is None
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_a_second_signal_ends_the_training_at_once(heeded_signals):
    with Interrupts() as interrupts:
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupts.received == signal.SIGINT
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_a_finished_training_is_returned_as_it_is(tmp_path, capsys):
    options = {"output": tmp_path, "pictures": False}
    first = recipes.train(quick(), resume=True, **options)
    assert "nothing to resume: the training begins" in capsys.readouterr().out
    again = recipes.train(quick(), resume=True, **options)
    assert f"the training is finished, and saved in {first.directory}" in capsys.readouterr().out
    assert_same_run(first, again)
    with pytest.raises(FileExistsError, match="exists"):
        recipes.train(quick(epochs=4), resume=True, **options)


def test_a_training_that_diverges_leaves_nothing_to_resume(tmp_path):
    recipe = quick().replace(optimizer={"name": "sgd", "learning_rate": 1e30})
    with pytest.raises(ValueError, match="diverged"):
        recipes.train(recipe, output=tmp_path, verbose=False)
    assert not any(tmp_path.iterdir())


def test_a_checkpoint_that_cannot_be_written_is_a_warning():
    class FullDisk:
        def save(self, tree):
            raise OSError("No space left on device")

    checkpointing = Checkpointing(FullDisk(), "epoch", {}, Interrupts())
    with pytest.warns(UserWarning, match="the training goes on, but could not be stored: No space left on device"):
        checkpointing.store(dict)


def test_a_signal_promises_nothing_where_the_disk_is_full():
    class FullDisk:
        def save(self, tree):
            raise OSError("No space left on device")

    interrupts = Interrupts()
    interrupts.received = signal.SIGINT
    checkpointing = Checkpointing(FullDisk(), "epoch", {}, interrupts)
    with pytest.warns(UserWarning, match="could not be stored"), pytest.raises(KeyboardInterrupt) as interrupt:
        checkpointing.store(lambda: {"epoch": 1, "step": 0})
    assert not interrupt.value.args


@pytest.mark.extensive
def test_a_fast_dev_run_resumes_nothing(tmp_path):
    Checkpoints(tmp_path / ".quick-seed0-fast-dev-run-unfinished").save({"facts": "of another training"})
    options = {"output": tmp_path, "pictures": False, "verbose": False, "fast_dev_run": True}
    assert recipes.train(quick(), resume=True, **options).directory.name == "quick-seed0-fast-dev-run"


def test_an_error_amid_a_training_says_that_it_can_be_resumed(tmp_path):
    def fail(epoch, logs):
        if epoch == 2:
            raise RuntimeError("no more")

    callbacks = [keras.callbacks.LambdaCallback(on_epoch_begin=fail)]
    with pytest.raises(RuntimeError, match="no more") as error:
        recipes.train(quick(), callbacks=callbacks, output=tmp_path, verbose=False)
    assert error.value.__notes__ == ["the same command with --resume, or resume=True, goes on from the last checkpoint"]


@pytest.mark.parametrize(
    ("setting", "seconds", "stored"),
    [
        # Epochs of 4 steps of so many seconds each, in which a checkpoint takes one second: 1.5 % of 67.
        ("epoch", 1, [4, 8, 12]),
        ("3 steps", 1, [3, 6, 9, 12]),
        ("1 minute", 20, [3, 7, 11]),
        ("auto", 18, [4, 8, 12]),
        ("auto", 12, [4, 10]),
    ],
)
def test_checkpoints_are_written_as_the_recipe_says(setting, seconds, stored, monkeypatch):
    class Disk:
        def save(self, tree):
            monkeypatch.setattr(time, "monotonic", lambda: seconds * step + 1)

    monkeypatch.setattr(time, "monotonic", lambda: 0.0)
    checkpointing = Checkpointing(Disk(), setting, {}, Interrupts())
    seen = []
    for step in range(1, 13):
        monkeypatch.setattr(time, "monotonic", lambda step=step: seconds * step)
        if checkpointing.is_due_after_epoch() if step % 4 == 0 else checkpointing.is_due_after_step():
            checkpointing.store(dict)
            seen.append(step)
    assert seen == stored


@pytest.mark.parametrize("value", ["", "sometimes", "0 steps", "5", "-1 minutes", "1.5 minutes", "9999999999 steps"])
def test_a_checkpoint_setting_that_is_none_is_refused(value):
    with pytest.raises(ValueError, match=f"fit.checkpoint must be auto, epoch, .*Received: {value!r}"):
        quick(checkpoint=value)


def test_a_command_that_fails_says_that_it_can_be_resumed(monkeypatch, capsys):
    def fail(*arguments, **options):
        error = ValueError("no more")
        error.add_note("--resume goes on")
        raise error

    monkeypatch.setattr(recipe_to_run, "train", fail)
    assert main(["train", "digits"]) == 2
    assert capsys.readouterr().err == "keras-recipes: no more; --resume goes on\n"


@pytest.mark.parametrize("argument", ["overwrite", "resume"])
def test_a_text_is_no_truth_value(argument):
    with pytest.raises(ValueError, match=f"`{argument}` must be True or False. Received: 'no'"):
        recipes.train("digits", **{argument: "no"})
