import io
import re

import keras
import numpy as np
import pytest

from callbacks import AveragedWeights, EarlyStopping, Progress, StopOnDivergence
from callbacks.averaged_weights import averages
from recipes.optimizers import GradientClipping

pytestmark = pytest.mark.backend

JIT = keras.backend.backend() != "torch"  # whose compiler warns
X = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
Y = X @ np.array([1.0, -2.0, 0.5], dtype="float32")


class Spoiling(keras.callbacks.Callback):
    """Spoils the weights from an epoch on, the more the later; or makes them NaN in the epochs before it."""

    def __init__(self, start, before=None):
        super().__init__()
        self.start = start
        self.before = before

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 0 and self.before:
            self.good = self.model.get_weights()
            self.model.set_weights([weight * self.before for weight in self.good])
        elif epoch == self.start:
            self.good = self.good if self.before else self.model.get_weights()
        if epoch >= self.start:
            self.model.set_weights([weight + 10.0 * (epoch - self.start + (not self.before)) for weight in self.good])


def compiled(optimizer, **kwargs):
    keras.utils.set_random_seed(0)
    layers = [keras.Input((3,)), keras.layers.BatchNormalization(), keras.layers.Dropout(0.1), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    model.compile(optimizer, "mse", **kwargs)
    return model


def linear(learning_rate=0.001, **kwargs):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(learning_rate), "mse", **kwargs)
    return model


def fit(model, *callbacks, epochs=9, **kwargs):
    data = {"x": X, "y": Y, "validation_data": (X, Y), "batch_size": 16}
    return model.fit(**data, epochs=epochs, callbacks=list(callbacks), verbose=0, **kwargs).history


def arrays(variables):
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def test_the_weights_of_the_best_epoch_come_back_in_every_fit(capsys):
    model, stopping = linear(), EarlyStopping(patience=2, verbose=1)
    for _ in range(2):
        history = fit(model, Spoiling(2), stopping)
        assert (stopping.best_epoch, stopping.stopped_epoch, len(history["loss"])) == (1, 3, 4)
        best = history["val_loss"][1]
        np.testing.assert_allclose(model.evaluate(X, Y, verbose=0), best, rtol=1e-6)
        reason = f"stopped in epoch 4: val_loss has not improved on {best:.4g} of epoch 2 for 2 epochs"
        kept = f"the weights of epoch 2 are kept: val_loss was best, {best:.4g}"
        assert (stopping.reason, stopping.kept) == (reason, kept)
        assert capsys.readouterr().out == f"{reason}\n{kept}\n"
    fit(model, stopping, epochs=1)
    assert stopping.reason is None


def test_what_is_not_a_number_is_never_the_best():
    model, stopping = linear(), EarlyStopping(patience=4)
    history = fit(model, Spoiling(2, before=np.nan), stopping)["val_loss"]
    assert np.isnan(history[0])
    assert (stopping.best_epoch, stopping.best) == (2, history[2])
    stopping = EarlyStopping(patience=3)
    fit(linear(), Spoiling(9, before=np.nan), stopping)
    assert stopping.reason == "stopped in epoch 3: val_loss was not a number for 3 epochs"
    assert stopping.best is stopping.kept is None


def test_patience_may_be_steps_or_seconds():
    execution = 1 if keras.backend.backend() == "torch" else 3  # of which 4 batches make two
    stopping = EarlyStopping(patience=None, patience_steps=8)
    model = linear(0.0, steps_per_execution=execution)
    history = fit(model, stopping)["val_loss"]
    value = f"{history[0]:.4g}"
    assert stopping.reason == f"stopped in epoch 3: val_loss has not improved on {value} of epoch 1 for 8 steps"
    stopping = EarlyStopping(patience=3, patience_seconds=0, start_from_epoch=2)
    fit(model, stopping)
    assert stopping.stopped_epoch == 3
    assert re.search(r"of epoch 3 for \d+\.\d seconds$", stopping.reason)
    stopping = EarlyStopping(patience=None)
    assert len(fit(model, stopping)["loss"]) == 9
    assert stopping.reason is None
    stopping = EarlyStopping(patience=2, baseline=0.5)
    fit(model, stopping)
    assert stopping.reason == "stopped in epoch 2: val_loss has not improved on the baseline 0.5 for 2 epochs"


OPTIMIZERS = {
    "plain": lambda inner: inner,
    "scaled": lambda inner: keras.optimizers.LossScaleOptimizer(GradientClipping(inner)),
}


@pytest.mark.parametrize("wrapper", [pytest.param("plain", marks=pytest.mark.extensive), "scaled"])
def test_averages_are_what_is_validated_and_kept(wrapper):
    optimizer = OPTIMIZERS[wrapper](keras.optimizers.SGD(0.3, use_ema=True, ema_momentum=0.9))
    model, stopping = compiled(optimizer, jit_compile=JIT and wrapper == "plain"), EarlyStopping(patience=1)
    seen = []
    watching = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(arrays(model.weights)))
    for _ in range(2):
        history = fit(model, stopping, watching, epochs=4)["val_loss"]
        best = int(np.argmin(history))
        assert stopping.best_epoch == best
        np.testing.assert_allclose(model.evaluate(X, Y, verbose=0), history[best], rtol=1e-5)
        for weight, kept in zip(arrays(model.weights), seen[best], strict=True):
            np.testing.assert_array_equal(weight, kept)
        seen.clear()


@pytest.mark.extensive
def test_a_training_that_is_not_stopped_is_not_changed():
    def trained(callbacks):
        optimizer = keras.optimizers.Adam(0.01, use_ema=True, gradient_accumulation_steps=2)
        model = compiled(optimizer)
        losses = fit(model, *callbacks, epochs=3)["loss"]
        return losses, arrays([*model.variables, *optimizer.variables])

    losses, variables = trained([])
    watching = [AveragedWeights(), StopOnDivergence(factor=10, max_restarts=3)]
    same, others = trained([*watching, EarlyStopping(patience=9, restore_best_weights=False)])
    assert losses == same
    for one, other in zip(variables, others, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("place", [0, 1])
def test_a_second_callback_that_exchanges_weights_and_averages_is_noticed(place):
    model, callbacks = linear(), [EarlyStopping()]
    model.optimizer = keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.9)
    callbacks.insert(place, keras.callbacks.SwapEMAWeights(swap_on_epoch=bool(place)))
    with pytest.raises(ValueError, match="another callback .* during validation.* leave out .*SwapEMAWeights"):
        fit(model, *callbacks)


def test_unknown_values_are_named_after_one_epoch():
    with pytest.raises(ValueError, match="`monitor` must be one of loss, val_loss. Received: monitor='val_acc'"):
        fit(linear(), EarlyStopping(monitor="val_acc"))
    with pytest.raises(ValueError, match="one of loss .`fit` without validation data gives no val_ values."):
        linear().fit(X, Y, callbacks=[EarlyStopping()], verbose=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"patience": -1}, "`patience` must be a number of at least 0, or None. Received: -1"),
        ({"patience_steps": "many"}, "`patience_steps` must be a number .* Received: 'many'"),
        ({"patience_seconds": float("nan")}, "`patience_seconds` must be a number .* Received: nan"),
        ({"mode": "up"}, "`mode` must be auto, min or max. Received: 'up'"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        EarlyStopping(**arguments)


def test_a_metric_that_is_an_array_of_one_number_is_a_number(tmp_path):
    stopping, stream = EarlyStopping("val_f1", patience=1, mode="max"), io.StringIO()
    lower = keras.callbacks.ReduceLROnPlateau("val_f1", mode="max", patience=1)
    others = [StopOnDivergence(factor=9.0), lower, Progress(stream), keras.callbacks.CSVLogger(tmp_path / "log.csv")]
    model = linear(1e-9, metrics=[keras.metrics.F1Score(name="f1", threshold=0.5)])
    model.fit(
        X, Y[:, None] > 0, validation_data=(X, Y[:, None] > 0), epochs=3, callbacks=[stopping, *others], verbose=0
    )
    assert (stopping.best_epoch, stopping.stopped_epoch) == (0, 1)
    assert isinstance(stopping.best, float)
    assert re.search(r"val_f1 0\.\d+", stream.getvalue())


def test_several_numbers_cannot_be_monitored():
    stopping = EarlyStopping("f1", mode="max")
    stopping.set_model(keras.Sequential())
    stopping.on_train_begin()
    stopping.on_epoch_begin(0)
    with pytest.raises(ValueError, match=r"`monitor` must be one number .* average='macro'.* Received: f1 with \[0.5"):
        stopping.on_epoch_end(0, {"f1": np.array([0.5, 1.0])})


def test_an_interrupted_validation_leaves_the_averages_as_averages():
    class Interrupts(keras.callbacks.Callback):
        def on_test_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt

    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5), "mse")
    x, y = np.ones((8, 2), "float32"), np.ones(8, "float32")
    averaged = AveragedWeights()
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, batch_size=2, validation_data=(x, y), callbacks=[averaged, Interrupts()], verbose=0)
    shown = keras.ops.convert_to_numpy(model.weights[0])  # the averages, which are in the place of the weights
    averaged.set_model(model)
    averaged.on_train_begin()
    (_, average), *_ = averages(model)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(average), shown)
