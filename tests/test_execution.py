import keras
import numpy as np
import pytest

import recipes
from recipes.models import mlp
from recipes.training.execution import MOST_STEPS, has_batch_hooks, steps_in_one_call, steps_of_call
from recipes.training.prepared import Training

pytestmark = [
    pytest.mark.backend,
    pytest.mark.skipif(keras.backend.backend() == "torch", reason="PyTorch makes single steps"),
]


class Counter(keras.callbacks.Callback):
    """Counts the calls into the backend."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def on_train_batch_end(self, batch, logs=None):
        self.calls += 1


def test_calls_divide_the_epoch_and_are_short():
    small, large = mlp((64,), 10, widths=(32,)), mlp((784,), 10, widths=(2048, 2048))
    assert steps_of_call(small, 32, 46) == 46
    assert steps_of_call(small, 32, 1250) == 50  # the greatest divisor up to 64
    assert steps_of_call(small, 32, MOST_STEPS + 3) == 1  # a prime
    assert steps_of_call(large, 128, 64) == 1
    assert steps_of_call(keras.Sequential([keras.layers.Dense(1)]), 32, 46) == 1  # not built


def test_callbacks_of_the_user_that_act_between_steps_are_called_after_each():
    model = mlp((64,), 10, widths=(32,))
    assert steps_of_call(model, 32, 46, [keras.callbacks.CSVLogger("log.csv")]) == 46
    assert has_batch_hooks(Counter())
    assert steps_of_call(model, 32, 46, [Counter()]) == 1
    for hook in ("on_train_batch_begin", "on_train_batch_end", "on_test_batch_end"):
        assert has_batch_hooks(keras.callbacks.LambdaCallback(**{hook: print}))
    assert not has_batch_hooks(keras.callbacks.LambdaCallback(on_epoch_end=print))


def test_the_model_is_as_it_was_after_the_training():
    model = mlp((4,), 2, widths=(8,))
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    attributes = set(vars(model))
    with steps_in_one_call(model, 46, 46, 32, 1470):
        assert model.steps_per_execution == 46
    with steps_in_one_call(model, 46, 23, 32, 1470):  # what is left of an epoch
        assert model.steps_per_execution == 23
    assert model.steps_per_execution == 1
    assert set(vars(model)) == attributes


def test_the_training_is_the_same_up_to_rounding():
    recipe = recipes.get("tabular").replace(fit={"epochs": 2})
    dataset = recipes.load_dataset("iris")
    weights, histories = [], []
    for callbacks in ([], [Counter()]):
        training = Training.of(recipe, dataset)
        histories.append(training.fit(callbacks).history)
        weights.append(training.core.get_weights())
        # All validation rows count once, however many steps a call makes.
        np.testing.assert_allclose(min(histories[-1]["val_loss"]), training.validation_loss(), rtol=1e-5)
    assert callbacks[0].calls == 2 * 4
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    assert histories[0].keys() == histories[1].keys()
    np.testing.assert_allclose(histories[0]["val_loss"], histories[1]["val_loss"], rtol=1e-5)
