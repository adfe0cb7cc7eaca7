import errno
import json
import os
import shutil
import signal

import keras
import pytest

import recipes
from callbacks import Record
from recipes.cli import main
from recipes.evaluation import finishing
from recipes.runs import pictures, writing
from recipes.runs.stored import Stored
from recipes.runs.watched import Watched
from recipes.training.prepared import Training


@pytest.fixture
def unfinished(run, tmp_path):
    """A copy of the run as it is when its model has just been saved."""
    directory = tmp_path / "run"
    directory.mkdir()
    for name in ("model.keras", "recipe.yaml", "versions.json", "history.csv", "record.npz", "record.csv", "rows.npz"):
        shutil.copy(run.directory / name, directory)
    writing.set_missing(directory, ("report", "predictions", "pictures"))
    return directory


def without_times(directory):
    """Content of `report.json` but for what was measured by the clock."""
    content = json.loads((directory / "report.json").read_text())
    for place in (content["analysis"]["latency"], *content["analysis"]["baselines"]):
        for name in ("one_row_ms", "thousand_rows_ms", "seconds"):
            place.pop(name, None)
    return content


def stop(error):
    def stopped(*_, **__):
        raise error

    return stopped


def test_the_command_makes_what_a_run_lacks(unfinished, run, capsys):
    assert main(["evaluate", str(unfinished)]) == 0
    assert str(run.report).splitlines()[0] in capsys.readouterr().out
    names = {path.name for path in run.directory.iterdir()}
    assert {path.name for path in unfinished.iterdir()} == names - {"manifest.json"}
    for name in ("versions.json", "report.txt"):
        assert (unfinished / name).read_text() == (run.directory / name).read_text()
    assert without_times(unfinished) == without_times(run.directory)
    assert Stored(unfinished).missing == ()


def test_a_picture_that_fails_is_a_note_and_can_be_drawn_later(unfinished, run, monkeypatch):
    monkeypatch.setattr(finishing, "analyse", lambda *_, **__: {})
    with monkeypatch.context() as patch:
        patch.setattr(pictures.plots, "learning_curves", stop(RuntimeError("no font")))
        with pytest.warns(UserWarning, match="could be drawn: no font; `keras-recipes evaluate .*run` draws them"):
            assert recipes.evaluate(unfinished).accuracy == run.report.accuracy
    assert Stored(unfinished).missing == ("pictures",)
    assert not (unfinished / "learning_curves.png").exists()
    drawn = []
    monkeypatch.setattr(finishing, "draw", lambda directory, *_: drawn.append(directory))
    for _ in range(2):  # the second time, nothing is lacking
        recipes.evaluate(unfinished)
    assert drawn == [unfinished]


@pytest.mark.parametrize(("writer", "what"), [("write_page", "page"), ("write_model_card", "model card")])
def test_a_page_or_card_that_fails_is_a_warning(run, monkeypatch, writer, what):
    written = []
    for name in ("write_page", "write_model_card"):
        monkeypatch.setattr(finishing, name, stop(OSError("disk full")) if name == writer else written.append)
    expected = f"the {what} of .* could not be written: disk full; `keras-recipes report .*` makes it"
    with pytest.warns(UserWarning, match=expected):
        finishing._write_pages(run.directory)
    assert len(written) == 1


def test_an_analysis_that_fails_is_a_warning_and_the_pictures_are_drawn(unfinished, run, monkeypatch):
    monkeypatch.setattr(finishing, "analyse", stop(RuntimeError("no memory\nleft")))
    monkeypatch.setattr(finishing, "draw", lambda *_: None)
    with pytest.warns(UserWarning, match="the report of .* has no analysis: no memory left"):
        assert recipes.evaluate(unfinished).accuracy == run.report.accuracy
    assert (Stored(unfinished).missing, Stored(unfinished).analysis) == ((), None)


def test_a_run_that_has_lost_its_history_gets_its_report_all_the_same(unfinished, run, assert_alike):
    (unfinished / "history.csv").unlink()
    with pytest.warns(UserWarning, match=r"no pictures of .*run, since it does not hold history.csv and record.npz"):
        assert recipes.evaluate(unfinished).accuracy == run.report.accuracy
    assert Stored(unfinished).missing == ()
    assert_alike(Stored(unfinished).report, run.report)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (KeyboardInterrupt(), KeyboardInterrupt),
        (OSError(errno.ENOSPC, "No space left on device"), OSError),
        (TypeError("not serializable"), ValueError),
    ],
)
def test_an_error_after_the_training_says_where_the_model_is(unfinished, run, error, kind):
    expected = r"the trained model is saved in .*run, without its report, predictions, pictures.*: `keras-recipes"
    with pytest.raises(kind, match=expected), finishing.keeping(unfinished, run.recipe):
        raise error
    of_arrays = run.recipe.replace(data={"name": "arrays"})
    expected = r"recipes.evaluate\(.*, \(x_test, y_test\)\) gives a report"
    with pytest.raises(kind, match=expected), finishing.keeping(unfinished, of_arrays):
        raise error


@pytest.fixture
def quick(monkeypatch):
    """Training that takes no time."""
    watched = Watched({"loss": [0.0], "val_loss": [0.0]}, Record(), 1)
    monkeypatch.setattr(Training, "fit", lambda *_, **__: watched)
    return {"pictures": False, "verbose": False, "name": "run"}


def test_an_interrupt_while_the_model_is_saved_loses_nothing(
    tmp_path, short_recipe, quick, monkeypatch, heeded_signals
):
    save = writing.save_model

    def interrupted(*arguments):
        os.kill(os.getpid(), signal.SIGINT)
        save(*arguments)

    monkeypatch.setattr(writing, "save_model", interrupted)
    with pytest.raises(KeyboardInterrupt, match="interrupted; the trained model is saved in .*run, without its report"):
        recipes.train(short_recipe, output=tmp_path, **quick)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert recipes.evaluate(tmp_path / "run").rows == 113
    assert Stored(tmp_path / "run").report.rows == 113
    assert Stored(tmp_path / "run").analysis is None  # which belongs to the pictures


def test_a_report_that_fails_leaves_the_model(tmp_path, short_recipe, quick, monkeypatch):
    monkeypatch.setattr(finishing, "report_on", stop(ValueError("outputs are not finite in 1 of 113 rows")))
    with pytest.raises(ValueError, match=r"saved in .*run, without .* \(outputs are not finite in 1 of 113 rows\)"):
        recipes.train(short_recipe, output=tmp_path, **quick)
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        "model.keras", "recipe.yaml", "versions.json", "history.csv", "record.npz", "record.csv", "rows.npz",
        "manifest.json",
    }  # fmt: skip


@pytest.mark.backend
@pytest.mark.whole
def test_an_error_when_training_has_ended_is_raised_after_everything_is_written(tmp_path, short_recipe):
    class Failing(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            (tmp_path / "run").mkdir()
            (tmp_path / "run" / "model.keras").write_text("of another run")
            raise RuntimeError("no connection")

    with pytest.raises(RuntimeError, match="no connection") as error:
        recipes.train(
            short_recipe, epochs=1, output=tmp_path, name="run", pictures=False, verbose=False, callbacks=[Failing()]
        )
    (ours,) = [path for path in tmp_path.iterdir() if path.name != "run"]
    assert error.value.__notes__ == [f"the training is finished and saved in {ours}"]
    assert (tmp_path / "run" / "model.keras").read_text() == "of another run"
    assert len(Stored(ours).history["loss"]) == 1
    assert (ours / "report.json").exists()


def test_a_stored_run_reads_the_report_that_was_made_meanwhile(unfinished, monkeypatch):
    monkeypatch.setattr(finishing, "draw", lambda *_: None)
    stored = Stored(unfinished)
    assert stored.analysis is None
    assert (stored.report, stored.missing) == (None, ("report", "predictions", "pictures"))
    report = recipes.evaluate(stored)
    assert stored.missing == ()
    assert stored.report.accuracy == report.accuracy
    assert stored.analysis["errors"]["test"] == pytest.approx(1 - report.accuracy)
    assert len(stored.predictions["label"]) == report.rows
