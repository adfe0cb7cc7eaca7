import keras
import numpy as np
import pytest
from model_state import random_numbers, seed_all, state
from sklearn.datasets import load_breast_cancer

import recipes
from recipes.doctor import diagnosing
from recipes.doctor.changes import Change, ImpossibleChangeError, changed_layers, widened
from recipes.doctor.unchanged import FailingModelError, unchanged

ROWS = np.random.default_rng(0).normal(size=(60, 4)).astype("float32")
LABELS = np.arange(60) % 3


def network(units=3, activation="softmax", loss="sparse_categorical_crossentropy", columns=4):
    layers = [keras.Input((columns,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(units, activation)]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.Adam(0.01), loss=loss)
    return model


@keras.saving.register_keras_serializable(package="tests")
class OwnModel(keras.Model):
    def __init__(self, message=""):
        super().__init__()
        self.hidden, self.last = keras.layers.Dense(2, "relu"), keras.layers.Dense(3, "softmax")
        self.message = message

    def call(self, inputs):
        if self.message:
            raise RuntimeError(self.message)
        return self.last(self.hidden(inputs))


def own_model(message=""):
    model = OwnModel(message)
    model.compile("adam", loss="sparse_categorical_crossentropy")
    return model


def test_a_contradiction_is_certain_without_training():
    found = recipes.diagnose(network(1, loss="mse"), ROWS, (LABELS == 1).astype("float32"))
    assert found.root.cause == "output_softmax_single_unit"
    assert found.seen.course is None


@pytest.mark.backend
def test_a_suspicion_becomes_a_fault_by_a_trial_and_nothing_of_it_remains():
    # Eight columns that decide, and two large ones that say nothing.
    x, y = load_breast_cancer(return_X_y=True)
    x = (x[:, :8] - x[:, :8].mean(axis=0)) / x[:, :8].std(axis=0)
    noise = np.random.default_rng(1).uniform(0, 3000, size=(len(x), 2))
    x = np.column_stack([x, noise]).astype("float32")
    kept = x.copy(), y.copy()
    seed_all(0)
    model = network(1, "sigmoid", "binary_crossentropy", columns=10)
    model.fit(x[:64], y[:64], verbose=0)
    before = state(model)
    seed_all(0)
    numbers = random_numbers()
    seed_all(0)
    found = recipes.diagnose(model, x[:400], y[:400], (x[400:], y[400:]), epochs=6, human_error=0.02)
    assert random_numbers() == numbers
    assert state(model) == before
    assert (x == kept[0]).all() and (y == kept[1]).all()  # noqa: PT018
    assert found.root.cause == "input_unscaled"
    assert "input_unscaled" in found.seen.trials
    assert found.bias_variance.human_error == 0.02
    assert model.history.epoch == [0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]), ROWS, LABELS), "`model` must be a Keras model"),
        (("digits", ROWS, LABELS), "Received: 'digits'"),
        ((network(), ROWS[:0], LABELS[:0]), "`x` must have rows"),
        ((network(), ROWS, LABELS[:9]), "must have as many rows"),
        ((network(), None, LABELS), "`x` must be given"),
        ((network(), [["a"] * 4] * 60, LABELS), "`x` must hold numbers"),
        ((network(), ROWS, LABELS, (ROWS,)), "`validation_data` must be"),
        ((network(), ROWS, LABELS, (ROWS[:, :2], LABELS)), "does not take validation rows of shape \\(2,\\)"),
        ((network(), {"a": ROWS, "b": ROWS}, LABELS), "models of one input and one output"),
    ],
)
def test_what_cannot_be_diagnosed_is_refused_in_one_line(arguments, message):
    with pytest.raises(ValueError, match=message) as error:
        recipes.diagnose(*arguments)
    assert "\n" not in str(error.value)
    assert "\x1b" not in str(error.value)


@pytest.mark.parametrize("low", [-1.0, 0.0])
def test_targets_of_a_hinge_loss_are_two_classes(low):
    x, y = load_breast_cancer(return_X_y=True)
    x = ((x - x.mean(axis=0)) / x.std(axis=0)).astype("float32")
    y = np.where(y == 1, 1.0, low)
    seed_all(0)
    found = recipes.diagnose(network(1, "linear", "hinge", 30), x[:400], y[:400], (x[400:], y[400:]), epochs=4)
    assert found.is_healthy
    assert found.seen.course.score[-1] > 0.9


def test_values_that_are_not_finite_are_a_finding():
    x = ROWS.copy()
    x[7, 2] = np.nan
    found = recipes.diagnose(network(), x, LABELS)
    assert (found.root.cause, found.root.evidence[1].value) == ("input_not_finite", "row 7, column 2")


@pytest.mark.parametrize("error", [-0.1, 5, "1%", np.nan])
def test_an_error_of_people_is_a_share(error):
    with pytest.raises(ValueError, match=r"`human_error` must be from 0 to 1. Received: "):
        recipes.diagnose(network(), ROWS, LABELS, human_error=error)


def loss_that_fails(y_true, y_pred):
    raise RuntimeError("no such loss")


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (own_model("boom"), "boom"),
        (network(columns=9), "shape (4,)"),
        (network(loss=loss_that_fails), "no such loss"),
    ],
)
def test_an_error_of_the_model_itself_is_a_finding_that_says_what_it_is(model, words):
    found = recipes.diagnose(model, ROWS, LABELS, epochs=1)
    assert [fault.cause for fault in found.faults] == ["first_step_fails"]
    assert words in found.root.sentence
    assert "\x1b" not in found.root.sentence


def test_an_error_of_the_watching_is_not_blamed_on_the_model(monkeypatch):
    def fails(*rows, **options):
        raise ZeroDivisionError("of our own")

    monkeypatch.setattr(diagnosing, "watch", fails)
    model = network()
    before = state(model)
    with pytest.raises(ZeroDivisionError, match="of our own"):
        recipes.diagnose(model, ROWS, LABELS, epochs=1)
    assert state(model) == before


def test_a_model_that_fails_as_it_is_built_says_so():
    with pytest.raises(FailingModelError, match="^boom$"), unchanged(own_model("boom"), ROWS, LABELS):
        pass


@pytest.mark.backend
def test_a_model_of_the_users_own_is_tried_as_far_as_it_can_be_changed():
    model = own_model()
    model(ROWS[:1])
    with pytest.raises(ImpossibleChangeError):
        widened(model, keras.optimizers.Adam())
    kernel = np.array(keras.ops.convert_to_numpy(model.hidden.kernel))
    with changed_layers(model, Change(("bad_init",), initialize=True), ROWS):
        assert not np.array_equal(keras.ops.convert_to_numpy(model.hidden.kernel), kernel)
