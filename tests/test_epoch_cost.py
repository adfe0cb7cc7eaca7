import keras
import pytest

import recipes
from callbacks import ActivationStatistics
from recipes.training import epoch_cost
from recipes.training.prepared import Training

SINGLE_STEPS = keras.backend.backend() == "torch"  # others make all steps of a short epoch in one call


def cost_of(recipe):
    dataset = recipes.load_dataset(recipe.data.name)
    training = Training.of(recipe, dataset)
    return training.core, dataset, epoch_cost.epoch_cost(training)


@pytest.mark.backend
def test_an_epoch_is_timed_and_its_memory_counted(short_recipe):
    model, dataset, cost = cost_of(short_recipe)
    assert cost.steps == -(-len(dataset.train[1]) // 32)
    assert cost.timed_steps == (5 * (cost.steps - 1) if SINGLE_STEPS else 4 * cost.steps)
    assert cost.validated
    assert 0 < cost.step_seconds < cost.seconds < 60
    assert cost.weights == cost.gradients == 4 * model.count_params()
    # Adam keeps two numbers for each weight; Keras a few of its own.
    assert 2 * cost.weights <= cost.optimizer < 2 * cost.weights + 100
    assert cost.activations == 32 * 4 * (30 + 16 + 16 + 16 + 1)
    assert (
        cost.to_dict()["memory"] == cost.memory == sum((cost.weights, cost.gradients, cost.optimizer, cost.activations))
    )
    assert f"an epoch of {cost.steps} steps of 32 rows ({cost.timed_steps} timed)" in str(cost)


@pytest.mark.extensive
def test_slow_steps_are_few(short_recipe, monkeypatch):
    monkeypatch.setattr(epoch_cost, "SECONDS", 0.0)
    ended = []
    monkeypatch.setattr(ActivationStatistics, "on_train_end", lambda self, logs=None: ended.append(self.model))
    model, dataset, cost = cost_of(short_recipe)
    assert (cost.timed_steps, cost.validated) == (1 if SINGLE_STEPS else cost.steps, False)
    assert cost.seconds == pytest.approx(cost.steps * cost.step_seconds)
    assert f"without validation ({cost.timed_steps} timed)" in str(cost)
    # The recipe's callbacks were there, and have ended: the optimizer has no more variables than without them.
    assert ended == [model]
    other = Training.of(short_recipe, dataset).core
    other.optimizer.build(other.trainable_variables)
    assert cost.optimizer == epoch_cost._size(other.optimizer.variables)


@pytest.mark.extensive
def test_long_epochs_are_calculated_from_some_of_their_steps(short_recipe, monkeypatch):
    monkeypatch.setattr(epoch_cost, "MOST_STEPS", 4)
    _, dataset, cost = cost_of(short_recipe.replace(fit={"batch_size": 1}))
    assert (cost.timed_steps, cost.steps) == (5 * 3 if SINGLE_STEPS else 4 * 4, len(dataset.train[1]))
    assert cost.seconds > 390 * cost.step_seconds


def test_durations_and_sizes_are_told_in_units_of_their_size():
    assert [epoch_cost._seconds(value) for value in (0.021, 0.41, 12.34, 600)] == [
        "0.02 s",
        "0.4 s",
        "12.3 s",
        "10 min",
    ]
    assert [epoch_cost._bytes(value) for value in (12, 85_544, 1_301_000, 4.2e9)] == [
        "12 B",
        "85.5 kB",
        "1.3 MB",
        "4.2 GB",
    ]
