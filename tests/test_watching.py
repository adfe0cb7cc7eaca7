import keras
import numpy as np
import pytest

import recipes
from callbacks import EarlyStopping
from recipes.training.watching import kept_epoch


def test_the_epoch_that_was_kept_is_known(run):
    assert run.kept_epoch == 1 + np.argmin(run.history["val_loss"])
    assert recipes.Stored(run.directory).kept_epoch == run.kept_epoch
    theirs, ours = keras.callbacks.EarlyStopping(restore_best_weights=True), EarlyStopping()
    assert kept_epoch([ours, theirs], last=7) == 7
    ours.best_weights, ours.best_epoch = [0], 4
    assert kept_epoch([ours, theirs], last=7) == 5
    theirs.best_weights, theirs.best_epoch = [0], 2
    assert kept_epoch([ours, theirs], last=7) == 3
    theirs.restore_best_weights = False
    assert kept_epoch([ours, theirs], last=7) == 5


def test_a_schedule_and_a_callback_may_not_both_set_the_rate(tmp_path):
    callback = keras.callbacks.ReduceLROnPlateau()
    with pytest.raises(ValueError, match="the cosine schedule sets the learning rate, and so does ReduceLROnPlateau"):
        recipes.train("digits", callbacks=[callback], output=tmp_path, pictures=False, verbose=False)


def test_what_callbacks_write_into_the_logs_loses_no_training(tmp_path, short_recipe):
    class Scribbler(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["twice"] = 2.0 * epoch
            logs["text"] = "x"
            if epoch % 2:
                logs["sometimes"] = 1.0

    run = recipes.train(short_recipe, callbacks=[Scribbler()], epochs=2, output=tmp_path, pictures=False, verbose=False)
    assert run.history["twice"] == [0, 2]
    # The recipe's schedule ends at 0.
    first, last = run.history["learning_rate"]
    assert first > 0.1 * run.recipe.optimizer.learning_rate > last
    assert not {"text", "sometimes"} & set(run.history)
