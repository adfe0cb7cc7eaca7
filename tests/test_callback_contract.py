"""What every callback must hold in every way of training: it works, changes nothing, and leaves nothing behind."""

import io

import keras
import numpy as np
import pytest

import recipes
from callbacks import ActivationStatistics, EarlyStopping, GradientNormLogger, Progress, StopOnDivergence
from callbacks.watching.wrapped_optimizers import chain_of

BACKEND = keras.backend.backend()
pytestmark = [pytest.mark.backend, pytest.mark.optimized]

X = np.random.default_rng(0).normal(size=(96, 6)).astype("float32")
Y = (X @ np.random.default_rng(1).normal(size=(6, 3))).argmax(axis=1)
SECOND = np.random.default_rng(2).normal(size=(96, 4)).astype("float32")


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.first, self.second = keras.layers.Dense(8, "tanh", name="first"), keras.layers.Dense(3, name="second")

    def call(self, inputs):
        return self.second(self.first(inputs))


def sequential():
    layers = keras.layers
    hidden = [layers.Dense(8, name="one"), layers.BatchNormalization(), layers.ReLU(), layers.Dropout(0.2)]
    return keras.Sequential([keras.Input((6,)), *hidden, layers.Dense(3, name="two")])


def functional():
    """Two inputs and outputs, a layer that is used twice, a frozen one."""
    inputs = {"x": keras.Input((6,), name="x"), "second": keras.Input((4,), name="second")}
    shared = keras.layers.Dense(4, "sigmoid", name="shared")
    frozen = keras.layers.Dense(4, name="frozen", trainable=False)
    hidden = shared(keras.layers.Dense(4, "relu", name="reduced")(inputs["x"])) + shared(frozen(inputs["second"]))
    outputs = {"classes": keras.layers.Dense(3, name="classes")(hidden), "size": keras.layers.Dense(1)(hidden)}
    return keras.Model(inputs, outputs)


def recurrent():
    layers = keras.layers
    steps = [layers.Reshape((3, 2)), layers.Masking(), layers.LSTM(4, name="lstm")]
    return keras.Sequential([keras.Input((6,)), *steps, layers.Dense(3)])


MODELS = {
    "sequential": sequential,
    "functional": functional,
    "subclassed": Subclassed,
    "recurrent": recurrent,
    "sequential of two": lambda: keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(3)]
    ),
    "unbuilt": lambda: keras.Sequential([keras.layers.Dense(8, "relu"), keras.layers.Dense(3)]),
}
OPTIMIZERS = {
    "adam": lambda: keras.optimizers.Adam(0.01),
    "clipped": lambda: keras.optimizers.SGD(0.1, momentum=0.9, global_clipnorm=0.5),
    "accumulated": lambda: keras.optimizers.Adam(0.01, gradient_accumulation_steps=2),
    # Keras's own fails in a second fit on JAX.
    "averaged": lambda: recipes.optimizers.get("adamw", 0.01, ema_momentum=0.9),
    "scaled": lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.RMSprop(0.01)),
    "guarded": lambda: recipes.optimizers.get("adam", 0.01, clipnorm=0.1),
    "scaled and guarded": lambda: keras.optimizers.LossScaleOptimizer(
        recipes.optimizers.AdaptiveGradientClipping(keras.optimizers.Adam(0.01, gradient_accumulation_steps=2))
    ),
}
CALLBACKS = {
    "gradients": lambda x: GradientNormLogger(trace_every=2),
    "activations": lambda x: ActivationStatistics(x),
    "stopping": lambda x: EarlyStopping("loss", patience=50, restore_best_weights=False),
    "divergence": lambda x: StopOnDivergence(factor=1e6),
    "progress": lambda x: Progress(io.StringIO()),
}
# With the further ones, each model and each optimizer comes once, and each two of model, optimizer and way of compiling
# meet where that may matter.
CONDITIONS = [
    ("sequential", "guarded", {"steps_per_execution": 4}),
]
FURTHER_CONDITIONS = [
    ("functional", "accumulated", {}),
    ("recurrent", "averaged", {}),
    ("subclassed", "clipped", {"jit_compile": True, "steps_per_execution": 4}),
    ("unbuilt", "scaled", {}),
    ("sequential", "adam", {}),
    ("sequential", "scaled and guarded", {"jit_compile": True}),
    ("sequential", "averaged", {"run_eagerly": True}),
    ("functional", "guarded", {"jit_compile": True}),
    ("subclassed", "accumulated", {"steps_per_execution": 4}),
    ("functional", "adam", {"policy": "mixed_float16"}),
]


def rows(kind):
    if kind != "functional":
        return X, Y
    return {"x": X, "second": SECOND}, {"classes": Y, "size": X[:, :1]}


def compiled(kind, optimizer, policy="float32", **options):
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy(policy)
    try:
        model = MODELS[kind]()
    finally:
        keras.config.set_dtype_policy("float32")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    loss = {"classes": loss, "size": "mse"} if kind == "functional" else loss
    if BACKEND == "torch":  # compiles for minutes, and makes one step at a time
        options = {**options, "jit_compile": False, "steps_per_execution": 1}
    if BACKEND == "jax":  # takes long, operation by operation
        options = {**options, "run_eagerly": False}
    model.compile(OPTIMIZERS[optimizer](), loss, **options)
    return model


def fit(model, kind, callbacks=(), epochs=2, **options):
    x, y = rows(kind)
    keras.utils.set_random_seed(1)  # of the order of the rows
    return model.fit(x, y, batch_size=16, epochs=epochs, callbacks=list(callbacks), verbose=0, **options)


def state(model):
    return [np.array(value) for value in (*model.get_weights(), *map(np.asarray, numbers(model.optimizer)))]


def numbers(optimizer):
    return [keras.ops.convert_to_numpy(variable) for variable in optimizer.variables]


@pytest.mark.parametrize(
    ("kind", "optimizer", "options"),
    [*CONDITIONS, *(pytest.param(*condition, marks=pytest.mark.extensive) for condition in FURTHER_CONDITIONS)],
    ids=lambda value: str(value).replace(" ", ""),
)
def test_a_watched_training_is_the_same_and_leaves_nothing_behind(kind, optimizer, options):
    alone, watched = compiled(kind, optimizer, **options), compiled(kind, optimizer, **options)
    callbacks = [make(rows(kind)[0]) for make in CALLBACKS.values()]
    for _ in range(2 if kind == "sequential" else 1):  # and once more with the same callbacks
        fit(alone, kind)
        history = fit(watched, kind, callbacks).history
    exact = BACKEND != "tensorflow" or options.get("jit_compile")
    for one, other in zip(state(alone), state(watched), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=0 if exact else 1e-6)
    for part in chain_of(watched.optimizer):
        assert not {"apply", "stateless_apply", "_keras_recipes_hook", "save_own_variables"} & set(vars(part))
    gradients, activations = callbacks[0].record, callbacks[1].record
    assert gradients.epochs.tolist() == [1, 2]
    assert gradients.steps.tolist() == [6, 6]
    assert activations.epochs.tolist() == [0, 1, 2]
    assert set(gradients.layers) <= set(activations.layers)
    assert np.isfinite(gradients.gradient_norm_mean).all()
    assert (gradients.gradient_norm_max >= gradients.gradient_norm_mean * 0.999).all()
    assert (gradients.update_ratio > 0).all()
    assert history["gradient_norm"] == pytest.approx(gradients.total_gradient_norm_mean)


def norms_by_hand(model, x, y, weights):
    """The norms of one batch's gradient by layer, from a second backward pass."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    if BACKEND == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            value = loss(y, model(x))
        gradients = tape.gradient(value, [weight.value for weight in weights])
    elif BACKEND == "jax":
        import jax

        fixed = [variable.value for variable in model.non_trainable_variables]

        def value(values):
            return loss(y, model.stateless_call(values, fixed, x)[0])

        gradients = jax.grad(value)([weight.value for weight in model.trainable_variables])
    else:
        model.zero_grad()
        loss(y, model(x)).backward()
        gradients = [weight.value.grad for weight in weights]
    squares = [float(np.sum(np.square(keras.ops.convert_to_numpy(gradient)))) for gradient in gradients]
    return np.sqrt([squares[0] + squares[1], squares[2] + squares[3]])


@pytest.mark.parametrize(
    "optimizer", [pytest.param("adam", marks=pytest.mark.extensive), "clipped", "guarded", "scaled"]
)
def test_norms_are_those_of_a_second_backward_pass_before_clipping(optimizer):
    model = compiled("subclassed", optimizer)
    model(X[:1])
    expected = norms_by_hand(model, X, Y, model.trainable_weights)
    logger = GradientNormLogger()
    model.fit(X, Y, batch_size=96, callbacks=[logger], verbose=0)
    assert logger.record.layers == ("first", "second")
    np.testing.assert_allclose(logger.record.gradient_norm_last[0], expected, rtol=1e-5)
    np.testing.assert_allclose(logger.record.total_gradient_norm_mean, np.hypot(*expected), rtol=1e-5)
    assert logger.record.clipped_steps == [optimizer in ("clipped", "guarded")]


@pytest.mark.extensive
def test_accumulated_gradients_are_averaged_and_seen_once_for_each_update():
    whole, parts = compiled("subclassed", "adam"), compiled("subclassed", "accumulated")
    records = []
    for model, size in ((whole, 96), (parts, 48)):
        logger = GradientNormLogger(trace_every=1)
        model.fit(X, Y, batch_size=size, epochs=3, shuffle=False, callbacks=[logger], verbose=0)
        records.append(logger.record)
    assert [len(record.trace_step) for record in records] == [3, 3]
    np.testing.assert_allclose(records[0].trace_gradient_norm, records[1].trace_gradient_norm, rtol=1e-4)
    np.testing.assert_allclose(records[0].update_ratio, records[1].update_ratio, rtol=1e-3)
    assert [record.steps.tolist() for record in records] == [[1, 1, 1], [2, 2, 2]]


def test_the_update_ratio_is_the_norm_of_what_changed_over_that_of_the_weights():
    model = compiled("subclassed", "adam")
    model(X[:1])
    before = model.get_weights()
    logger = GradientNormLogger()
    model.fit(X, Y, batch_size=96, callbacks=[logger], verbose=0)
    moves = [np.linalg.norm(new - old) for new, old in zip(model.get_weights(), before, strict=True)]
    sizes = [np.linalg.norm(old) for old in before]
    expected = [np.hypot(*moves[:2]) / np.hypot(*sizes[:2]), np.hypot(*moves[2:]) / np.hypot(*sizes[2:])]
    np.testing.assert_allclose(logger.record.update_ratio[0], expected, rtol=1e-4)


@pytest.mark.extensive
def test_norms_of_mixed_precision_are_unscaled():
    model = compiled("subclassed", "adam", policy="mixed_float16")
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    full = compiled("subclassed", "adam")
    records = []
    for watched in (model, full):
        logger = GradientNormLogger()
        watched.fit(X, Y, batch_size=96, callbacks=[logger], verbose=0)
        records.append(logger.record)
    np.testing.assert_allclose(records[0].gradient_norm_last, records[1].gradient_norm_last, rtol=0.02)


@pytest.mark.parametrize("optimizer", ["adam", "guarded", "scaled"])
def test_steps_that_are_not_finite_are_counted(optimizer):
    broken = X.copy()
    broken[40] = np.nan  # in the third of six batches
    model, logger = compiled("subclassed", optimizer), GradientNormLogger()
    model.fit(broken, Y, batch_size=16, shuffle=False, callbacks=[logger], verbose=0)
    record = logger.record
    if optimizer == "adam":  # applies them: all that follow are broken, too
        assert (record.nonfinite_steps, record.skipped_steps) == ([4], [0])
        assert not np.isfinite(record.gradient_norm_last).any()
    else:
        assert (record.nonfinite_steps, record.skipped_steps, record.steps) == ([1], [1], [6])
        assert np.isfinite(record.gradient_norm_last).all()
    assert np.isfinite(record.gradient_norm_mean).all()


@pytest.mark.whole
@pytest.mark.extensive
@pytest.mark.parametrize("optimizer", ["adam", "scaled and guarded"])
def test_what_is_saved_while_watched_loads_as_if_never_watched(tmp_path, optimizer):
    model, logger = compiled("sequential", optimizer), GradientNormLogger()
    saved = [
        keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras"),
        keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.weights.h5", save_weights_only=True),
        keras.callbacks.BackupAndRestore(tmp_path / "backup", delete_checkpoint=False),
    ]
    fit(model, "sequential", [logger, *saved])
    model.save(tmp_path / "after.keras")
    expected = numbers(model.optimizer)
    for name in ("2.keras", "after.keras"):
        loaded = keras.saving.load_model(tmp_path / name).optimizer
        for one, other in zip(expected, numbers(loaded), strict=True):
            np.testing.assert_array_equal(one, other)
    for file in ("2.weights.h5", "backup/latest.weights.h5"):
        fresh = compiled("sequential", optimizer)
        fresh.optimizer.build(fresh.trainable_variables)
        fresh.load_weights(tmp_path / file)
        for one, other in zip(expected, numbers(fresh.optimizer), strict=True):
            np.testing.assert_array_equal(one, other)
    # And what was interrupted goes on, watched.
    resumed = compiled("sequential", optimizer)
    fit(resumed, "sequential", [saved[2], GradientNormLogger()], epochs=3)
    assert int(chain_of(resumed.optimizer)[-1]._iterations.numpy()) == 18


@pytest.mark.extensive
def test_an_interrupted_fit_leaves_nothing_that_harms_the_next():
    class Interrupts(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise KeyboardInterrupt

    model, logger = compiled("sequential", "guarded"), GradientNormLogger()
    before = len(compiled("sequential", "guarded").optimizer.variables)
    with pytest.raises(KeyboardInterrupt):
        fit(model, "sequential", [logger, Interrupts()])
    fit(model, "sequential", [GradientNormLogger()])
    fit(model, "sequential")
    fresh = compiled("sequential", "guarded")
    fresh.optimizer.build(fresh.trainable_variables)
    assert len(model.optimizer.variables) == len(fresh.optimizer.variables) > before


def test_a_training_that_goes_back_is_traced_on():
    class Explodes(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1 and not diverging.restarts:
                self.model.optimizer.learning_rate = 1e30

    model, logger = compiled("subclassed", "clipped"), GradientNormLogger(trace_every=1)
    model(X[:1])
    diverging = StopOnDivergence(factor=5, max_restarts=1, rate_factor=1e-30)
    fit(model, "subclassed", [logger, Explodes(), diverging], epochs=4)
    assert diverging.restarts == [1]
    assert logger.record.trace_step.tolist() == list(range(1, 25))
    assert logger.record.steps.tolist() == [6, 6, 6, 6]


@pytest.mark.extensive
def test_two_loggers_may_watch_one_training():
    first, second = GradientNormLogger(trace_every=1), GradientNormLogger(trace_every=3)
    model = compiled("sequential", "guarded")
    fit(model, "sequential", [first, second])
    np.testing.assert_array_equal(first.record.gradient_norm_mean, second.record.gradient_norm_mean)
    assert first.record.trace_step.tolist() == list(range(1, 13))
    assert second.record.trace_step.tolist() == [1, 4, 7, 10]
    np.testing.assert_array_equal(first.record.trace_gradient_norm[::3], second.record.trace_gradient_norm)
    assert "apply" not in vars(chain_of(model.optimizer)[-1])


def watched_within(scope, optimizer):
    with scope():
        model = compiled("sequential of two", optimizer)
    watching = [GradientNormLogger(trace_every=1), ActivationStatistics(X)]
    stopping = [EarlyStopping("loss", patience=5), StopOnDivergence()]
    model.fit(X, Y, batch_size=48, epochs=2, shuffle=False, verbose=0, callbacks=[*watching, *stopping])
    return watching[0].record, watching[1].record


on_two_devices = pytest.mark.skipif(BACKEND != "tensorflow", reason="MirroredStrategy is TensorFlow's")


@on_two_devices
@pytest.mark.extensive
@pytest.mark.parametrize("optimizer", ["guarded", "scaled"])
def test_two_devices_see_the_reduced_gradient_and_the_same_activations(optimizer, scopes):
    (gradients, activations), (reduced, same) = (watched_within(scope, optimizer) for scope in scopes)
    np.testing.assert_allclose(gradients.trace_gradient_norm, reduced.trace_gradient_norm, rtol=1e-5)
    np.testing.assert_array_equal(gradients.steps, reduced.steps)
    np.testing.assert_allclose(activations.activation_std, same.activation_std, rtol=1e-4)


@on_two_devices
def test_accumulation_on_two_devices_is_refused(scopes):
    with pytest.raises(ValueError, match="gradients cannot be accumulated on several devices"):
        watched_within(scopes[1], "accumulated")
