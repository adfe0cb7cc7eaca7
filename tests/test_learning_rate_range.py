"""The range test: what it finds, what it leaves behind (nothing), and what it refuses."""

import dataclasses
import json
import re
import sys

import keras
import numpy as np
import pytest
from keras import layers
from model_state import bits, random_numbers, state

import recipes
from recipes.cli import find_lr
from recipes.training.batches import Batches, RowsInMemory
from recipes.training.learning_rate_range import find_learning_rate, smooth, suggest

BACKEND = pytest.mark.backend
pytestmark = pytest.mark.optimized


def rows(count=256, features=8, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((count, features)).astype("float32")
    return x, (x @ rng.standard_normal((features, classes))).argmax(axis=1)


def network():
    stack = [keras.Input((8,)), layers.Dense(16), layers.BatchNormalization(), layers.ReLU(), layers.Dropout(0.2)]
    return keras.Sequential([*stack, layers.Dense(3)])


@keras.saving.register_keras_serializable(package="keras_recipes_tests")
class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden, self.dropout, self.out = layers.Dense(16, "relu"), layers.Dropout(0.2), layers.Dense(3)

    def call(self, inputs, training=False):
        return self.out(self.dropout(self.hidden(inputs), training=training))


@keras.saving.register_keras_serializable(package="keras_recipes_tests")
class Noisy(layers.Layer):
    """A layer of the user's own, which draws without a seed of its own."""

    def call(self, inputs):
        return inputs + 0.1 * keras.random.normal(keras.ops.shape(inputs))


def noisy():
    return keras.Sequential([keras.Input((8,)), Noisy(), layers.Dense(3)])


def plain():
    return keras.optimizers.Adam(0.01)


def scheduled():
    schedule = keras.optimizers.schedules.CosineDecay(0.01, 100)
    return recipes.optimizers.get("adamw", schedule, global_clipnorm=1.0, weight_decay=0.1, ema_momentum=0.9)


def loss_scaled():
    return keras.optimizers.LossScaleOptimizer(recipes.optimizers.get("momentum", 0.01, adaptive_clip=0.1))


def accumulating():
    return keras.optimizers.SGD(lambda: 0.01, momentum=0.9, gradient_accumulation_steps=2)


def seed(number):
    keras.utils.set_random_seed(number)
    if "torch" in sys.modules:  # which Keras seeds only where it is the backend
        sys.modules["torch"].manual_seed(number)


def compiled(build=network, optimizer=plain):
    seed(1)
    model = build()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=optimizer(), loss=loss, metrics=["accuracy"])
    return model


@BACKEND
@pytest.mark.parametrize(
    ("build", "optimizer"),
    [
        (network, plain),
        pytest.param(Subclassed, scheduled, marks=pytest.mark.extensive),
        pytest.param(noisy, plain, marks=pytest.mark.extensive),
        *(
            pytest.param(network, optimizer, marks=pytest.mark.extensive)
            for optimizer in (scheduled, loss_scaled, accumulating)
        ),
    ],
)
def test_a_fit_afterwards_gives_the_weights_it_would_have_given_without(build, optimizer):
    if build is noisy and keras.backend.backend() == "jax":
        pytest.skip("on JAX, Keras draws nothing without a seed")
    x, y = rows()
    found = []
    for tested in (False, True):
        model = compiled(build, optimizer)
        if tested:
            find_learning_rate(model, x, y, steps=30, highest=1.0)
        history = model.fit(x, y, epochs=2, verbose=0)
        found.append((state(model), history.history, random_numbers()))
    assert found[0] == found[1]


@pytest.mark.extensive
@BACKEND
def test_a_model_amid_its_training_keeps_every_bit():
    x, y = rows()
    model = compiled(optimizer=scheduled)
    model.fit(x, y, epochs=2, verbose=0)
    model.stop_training = True
    optimizer, step, history = model.optimizer, model.train_function, model.history
    before, rate = state(model), optimizer.learning_rate
    seed(5)
    expected = random_numbers()
    seed(5)
    find_learning_rate(model, x, y, steps=60)
    assert random_numbers() == expected
    assert state(model) == before
    assert model.optimizer is optimizer
    assert model.train_function is step
    assert model.history is history
    assert model.stop_training
    assert float(model.optimizer.learning_rate) == float(rate)


@pytest.fixture(scope="module")
def tested():
    model = compiled()
    return model, find_learning_rate(model, *rows(), lowest=1e-4, highest=0.1, steps=31)


def test_an_optimizer_that_is_not_built_stays_so(tested):
    model, _ = tested
    assert not model.optimizer.built
    assert model.train_function is None


@BACKEND
def test_everything_is_restored_after_an_error_too():
    class Broken(keras.utils.PyDataset):
        num_batches = 100

        def __getitem__(self, index):
            if index == 12:
                raise OSError("the disk is gone")
            return tuple(part[:32] for part in rows())

    model = compiled()
    model.build((None, 8))
    before = bits(model.variables)
    with pytest.raises(OSError, match="the disk is gone"):
        find_learning_rate(model, Broken())
    assert bits(model.variables) == before
    assert model.train_function is None


@BACKEND
def test_it_finds_a_rate_that_trains_and_stops_where_the_loss_diverges():
    x, y = rows(1024)
    model = compiled(optimizer=lambda: keras.optimizers.SGD(1e-9))
    result = find_learning_rate(model, x, y, highest=1e4)
    assert result.stopped
    assert len(result.rates) == len(result.losses) == len(result.smoothed) < 100
    assert np.isfinite(result.losses).all()
    assert 0.01 < result.suggestion < 1
    assert f"{result.suggestion:.2g}" in str(result)
    assert "\n" not in str(result)
    assert result.curve == (result.rates, result.losses)
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.suggestion = 1.0


def test_the_rates_grow_by_a_constant_factor(tested):
    _, result = tested
    np.testing.assert_allclose(result.rates, np.geomspace(1e-4, 0.1, 31)[: len(result.rates)])
    assert not result.stopped
    assert result.rates[-1] == pytest.approx(0.1)


@pytest.mark.extensive
@BACKEND
def test_the_same_seed_gives_the_same_curve_and_another_one_another():
    model = compiled()
    first, again, other = (find_learning_rate(model, *rows(), steps=20, highest=1, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.losses, again.losses)
    assert (first.losses != other.losses).any()


def test_losses_that_are_not_finite_end_the_test():
    class Spoiled(keras.utils.PyDataset):
        num_batches = 100

        def __getitem__(self, index):
            x, y = (part[:32] for part in rows())
            return (x if index < 70 else x * np.nan), y

    result = find_learning_rate(compiled(), Spoiled(), highest=1.0)
    assert result.stopped
    assert len(result.rates) == len(result.losses) == 70
    assert np.isfinite(result.losses).all()


@BACKEND
@pytest.mark.parametrize("kind", ["batches", "tf.data", "dict"])
def test_rows_come_in_many_forms(kind):
    if kind == "batches":
        dataset = recipes.load_dataset("iris")
        model = recipes.mlp((4,), 3)
        recipes.compile_model(model, "tabular", 4, task="classification")
        result = find_learning_rate(model, Batches(RowsInMemory(*dataset.prepared("train")), 32), steps=60)
    elif kind == "tf.data":
        import tensorflow as tf

        result = find_learning_rate(compiled(), tf.data.Dataset.from_tensor_slices(rows()).batch(64), steps=60)
    else:
        x, y = rows()
        inputs = {"left": keras.Input((3,), name="left"), "right": keras.Input((5,), name="right")}
        model = keras.Model(inputs, layers.Dense(3)(layers.Concatenate()([inputs["left"], inputs["right"]])))
        model = compiled(lambda: model)
        weights = np.ones(len(y))
        parts = {"left": x[:, :3], "right": x[:, 3:]}
        result = find_learning_rate(model, parts, y, sample_weight=weights, steps=60)
    assert 1e-5 < result.suggestion < 10


def test_the_suggestion_is_a_third_of_the_rate_at_four_fifths_of_the_fall():
    rates = np.geomspace(1e-6, 10, 1000)
    # 1 below 0.001, 0 from 0.1 on, a straight line over the logarithm between them: four fifths at 10 ** -1.4.
    losses = np.clip((-1 - np.log10(rates)) / 2, 0, 1)
    lag = 10 ** (7 / 999 * 9)  # of the average: 9 steps
    assert suggest(rates, losses) == pytest.approx(10**-1.4 * lag / 3, rel=0.05)


def test_the_average_is_debiased():
    np.testing.assert_allclose(smooth([2.0, 2.0, 2.0]), [2.0, 2.0, 2.0])
    np.testing.assert_allclose(smooth([1.0, 3.0]), [1.0, (0.09 * 1 + 0.1 * 3) / 0.19])


def test_plot_draws_on_the_axes_it_is_given(tested):
    from matplotlib.figure import Figure

    _, result = tested
    ax = Figure().subplots()
    assert result.plot(ax) is ax
    assert ax.get_xscale() == "log"
    assert any(f"{result.suggestion:.2g}" in text.get_text() for text in ax.get_legend().get_texts())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lowest": 0}, "`lowest` must be more than 0 and finite. Received: 0"),
        ({"highest": float("inf")}, "`highest` must be more than 0 and finite. Received: inf"),
        ({"lowest": 1.0, "highest": 0.1}, "`lowest` must be less than `highest`. Received: lowest=1.0, highest=0.1"),
        ({"steps": 9}, "`steps` must be a whole number of at least 10. Received: 9"),
        ({"seed": -1}, "`seed` must be a whole number of at least 0. Received: -1"),
        ({"batch_size": 0}, "`batch_size` must be a whole number of at least 1. Received: 0"),
        ({"batch_size": 257}, "`x` must have the rows of one batch, 257, at least. Received: 256 rows"),
        ({"sample_weight": np.ones(3)}, "must have equally many rows. Received: [3, 256]"),
        ({"x": iter([])}, "(iterators are used up). Received: list_iterator"),
        ({"model": 3}, "`model` must be a Keras model. Received: 3"),
        ({"model": network}, "`model` must be a Keras model"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_done(arguments, message):
    x, y = rows()
    model = compiled()
    before = state(model)
    with pytest.raises(ValueError, match=re.escape(message)):
        find_learning_rate(**{"model": model, "x": x, "y": y, **arguments})
    assert state(model) == before
    assert model.train_function is None


def test_a_model_that_is_not_compiled_is_refused():
    with pytest.raises(ValueError, match="`model` must be compiled, with an optimizer. Received: sequential"):
        find_learning_rate(network(), *rows())


@BACKEND
def test_a_loss_that_does_not_fall_is_refused():
    model = compiled()
    before = bits(model.variables)
    with pytest.raises(ValueError, match="the training loss falls at no learning rate from 1e-12 to 1e-09"):
        find_learning_rate(model, *rows(), lowest=1e-12, highest=1e-9, steps=40)
    assert bits(model.variables) == before


@pytest.mark.extensive
def test_the_command_tells_the_rate_the_flag_and_draws(tmp_path, capsys):
    flags = ["tabular", "--data", "iris", "--fit.class_weight", "balanced", "--steps", "60"]
    find_lr.run([*flags, "--plot", str(tmp_path / "range.png")])
    line, hint = capsys.readouterr().out.splitlines()
    assert line.startswith("suggested learning rate 0.")
    assert hint.startswith("to train with it: --optimizer.learning_rate 0.")
    assert (tmp_path / "range.png").read_bytes().startswith(b"\x89PNG")
    (tmp_path / "mine.yaml").write_text("optimizer: {name: sgd}")
    find_lr.run([*flags, "--json", "--config", str(tmp_path / "mine.yaml"), "--optimizer.name", "adam"])
    told = json.loads(capsys.readouterr().out)
    assert f"{told['suggestion']:.2g}" in line
    assert len(told["rates"]) == len(told["losses"]) == len(told["smoothed"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "find-lr needs the name of a recipe"),
        (["digts"], "did you mean 'digits'"),
        (["digits", "--step", "3"], "unknown flag --step"),
        (["digits", "--plot", "range.txt"], "--plot must be a file that ends in"),
        (["digits", "--plot", "nowhere/range.png"], "--plot must be in a folder that exists"),
    ],
)
def test_the_command_refuses_in_one_line(arguments, message):
    with pytest.raises((ValueError, OSError), match=message):
        find_lr.run(arguments)


def test_rows_that_are_not_finite_are_refused():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.ones((40, 3), "float32")
    x[7, 1] = np.nan
    with pytest.raises(ValueError, match="must be finite. Received: NaN or infinite values"):
        recipes.find_learning_rate(model, x, np.ones(40))
