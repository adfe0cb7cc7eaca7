import numpy as np
import pytest

import recipes
from recipes.lab.early_stopping import PATIENCE, EarlyStopped


def test_the_kept_epoch_is_compared_with_the_last():
    history = {"loss": [2.0, 1.0, 0.5], "val_loss": [1.0, 0.8, 0.9], "accuracy": [0.5, 0.7, 0.9]}
    history |= {"val_accuracy": [0.6, 0.7, 0.65]}
    result = EarlyStopped(
        history={name: np.array(values) for name, values in history.items()},
        best_epoch=2,
        stopped_epoch=3,
        reason="stopped in epoch 3: val_loss has not improved",
        test_error={"stopped": 0.3, "last": 0.4},
        test_loss={"stopped": 0.8, "last": 0.9},
        wrong_labels=60,
    )
    first, second = result.tables()[0].rows
    assert first == pytest.approx(("early stopping", 2, 1.0, 0.8, 30, 0.8, 30))
    assert second == pytest.approx(("to the end", 3, 0.5, 0.9, 35, 0.9, 40))
    assert len(result.plot()) == 2


@pytest.mark.extensive
@pytest.mark.backend
def test_the_validation_loss_turns_while_the_training_loss_falls_and_the_best_epoch_is_kept():
    result = recipes.lab.run("early-stopping")
    training, validation = result.history["loss"], result.history["val_loss"]
    assert (np.diff(training) < 0).all()
    assert result.best_epoch == np.argmin(validation[: result.stopped_epoch]) + 1
    assert result.stopped_epoch == result.best_epoch + PATIENCE
    assert validation[-1] > validation[result.best_epoch - 1] + 0.05
    assert result.test_loss["stopped"] < result.test_loss["last"]
    assert result.test_error["stopped"] < result.test_error["last"] - 0.05
    assert f"epoch {result.best_epoch} for {PATIENCE} epochs" in result.reason
