import pickle

import keras
import numpy as np
import pytest

import recipes
from custom_layers import Maxout, PReLU
from recipes.optimizers import GradientClipping
from recipes.optimizers.by_name import NAMES
from recipes.settings import Optimizer
from recipes.settings.optimization import WITH_BETAS

ROWS = np.random.default_rng(0).normal(size=(16, 6)).astype(np.float32)
LABELS = np.arange(16) % 2
# One that `keras.optimizers.deserialize` does not know, and ours.
PECULIAR = ("lamb", "schedule_free_adamw")


def arrays(variables):
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def network(optimizer):
    """A `Sequential` that is built by its first batch, so that its paths change when it is loaded."""
    layers = [keras.layers.Dense(4, "relu", name="hidden"), keras.layers.RMSNormalization(name="norm")]
    model = keras.Sequential([*layers, keras.layers.Dense(2, name="logits")])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, run_eagerly=keras.backend.backend() != "jax")
    return model


@pytest.mark.parametrize(
    ("name", "kind", "momentum"),
    [
        ("sgd", keras.optimizers.SGD, 0.0),
        ("momentum", keras.optimizers.SGD, 0.9),
        ("nesterov", keras.optimizers.SGD, 0.9),
        ("adagrad", keras.optimizers.Adagrad, None),
        ("rmsprop", keras.optimizers.RMSprop, 0.0),
        ("adam", keras.optimizers.Adam, None),
        ("adamw", keras.optimizers.AdamW, None),
        ("nadam", keras.optimizers.Nadam, None),
        ("lamb", keras.optimizers.Lamb, None),
        ("Lion", keras.optimizers.Lion, None),
        ("muon", keras.optimizers.Muon, 0.95),
        ("adadelta", keras.optimizers.Adadelta, None),
        ("adafactor", keras.optimizers.Adafactor, None),
        ("adamax", keras.optimizers.Adamax, None),
        ("ftrl", keras.optimizers.Ftrl, None),
        ("ScheduleFreeAdamW", recipes.optimizers.ScheduleFreeAdamW, None),
        ("schedule-free-adamw", recipes.optimizers.ScheduleFreeAdamW, None),
    ],
)
def test_optimizers_come_by_name(name, kind, momentum):
    guard = recipes.optimizers.get(name, 0.25, global_clipnorm=2.0)
    optimizer = guard.inner_optimizer
    assert isinstance(optimizer, kind)
    assert float(guard.learning_rate) == 0.25
    assert getattr(optimizer, "momentum", None) == momentum
    assert getattr(optimizer, "nesterov", False) == (name in ("nesterov", "muon"))


def test_decay_rates_of_averages_reach_every_optimizer_that_has_them():
    for name in WITH_BETAS:
        optimizer = recipes.optimizers.get(name, beta_1=0.5, beta_2=0.25).inner_optimizer
        own = "adam_beta" if name == "muon" else "beta"
        assert (getattr(optimizer, f"{own}_1"), getattr(optimizer, f"{own}_2")) == (0.5, 0.25)
    for name in set(NAMES) - set(WITH_BETAS):
        with pytest.raises(ValueError, match=f"`beta_2` belongs to adam, .*. Received: 0.95 with {name}"):
            recipes.optimizers.get(name, beta_2=0.95)
        with pytest.raises(ValueError, match=f"optimizer.beta_1 belongs to adam, .*. Received: 0.95 with {name}"):
            Optimizer(name=name, beta_1=0.95)


def test_settings_know_the_same_names():
    assert [Optimizer(name=name).name for name in NAMES] == list(NAMES)
    missing = {kind for kind in dir(keras.optimizers) if kind[0].isupper()} - {
        type(recipes.optimizers.get(name).inner_optimizer).__name__ for name in NAMES
    }
    assert missing == {"Optimizer", "LossScaleOptimizer", "MultiOptimizer", "OptimizerMap"}


@pytest.mark.backend
@pytest.mark.parametrize("name", PECULIAR)
def test_a_loaded_optimizer_goes_on_as_if_nothing_had_happened(name, tmp_path):
    check_survival(name, tmp_path)


@pytest.mark.backend
@pytest.mark.extensive
@pytest.mark.parametrize(
    "name", [name for name in NAMES if name not in ("lamb", "muon", "nadam", "schedule_free_adamw")]
)
def test_any_loaded_optimizer_goes_on_as_if_nothing_had_happened(name, tmp_path):
    check_survival(name, tmp_path)


def check_survival(name, tmp_path):
    """Saving, loading and pickling keep state, factors by weight and what weight decay leaves alone."""
    options = {"weight_decay": 0.5, "global_clipnorm": 0.1, "learning_rate_factors": {"hidden": 0.1}}
    options |= {"rates": {"bias": 0.5}}
    if name != "schedule_free_adamw":
        options["decay_schedule"] = recipes.schedules.FlatCosine(1.0, 4)
    optimizer = recipes.optimizers.get(name, recipes.schedules.get("cosine", 0.1, 100), **options)
    optimizer.exclude_from_weight_decay(var_names=["logits"])
    model = network(optimizer)
    model.train_on_batch(ROWS, LABELS)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert [weight.path for weight in loaded.weights] != [weight.path for weight in model.weights]
    pickled = pickle.loads(pickle.dumps(model))
    for again in (loaded, pickled):
        for old, new in zip(arrays(model.optimizer.variables), arrays(again.optimizer.variables), strict=True):
            np.testing.assert_array_equal(old, new)
    for one in (model, loaded, pickled):
        one.train_on_batch(ROWS, LABELS)
    for again in (loaded, pickled):
        for old, new in zip(arrays(model.weights), arrays(again.weights), strict=True):
            np.testing.assert_array_equal(old, new)


@pytest.mark.backend
def test_the_weights_of_schedule_free_training_end_as_averages():
    optimizer = recipes.optimizers.get("schedule_free_adamw", 0.1)
    weight = keras.Variable([1.0, 2.0])
    fast = []
    for _ in range(3):
        optimizer.apply([keras.ops.convert_to_tensor([1.0, -1.0])], [weight])
        fast.append(arrays(optimizer.inner_optimizer._fast)[0])
    np.testing.assert_allclose(fast, [[0.9, 2.1], [0.8, 2.2], [0.7, 2.3]], rtol=1e-5)
    np.testing.assert_allclose(arrays([weight])[0], [0.9 * 0.8 + 0.1 * 0.7, 0.9 * 2.2 + 0.1 * 2.3], rtol=1e-5)
    for _ in range(2):  # at a second time, nothing happens
        optimizer.finalize_variable_values([weight])
        np.testing.assert_allclose(arrays([weight])[0], [0.8, 2.2], rtol=1e-5)


@pytest.mark.backend
def test_schedule_free_training_begins_at_the_initial_weights():
    # Keras's own begins at 0 on TensorFlow, where `fit` builds the optimizer in the step that it compiles.
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(2)])
    model.compile(recipes.optimizers.get("schedule_free_adamw", 1e-6), "mse", jit_compile=False)
    before = arrays(model.weights)
    model.fit(ROWS, ROWS[:, :2], batch_size=16, verbose=0)
    for old, new in zip(before, arrays(model.weights), strict=True):
        np.testing.assert_allclose(old, new, atol=2e-6)


@pytest.mark.backend
@pytest.mark.parametrize("wrapped", [True, False])
def test_loss_scaling_leaves_the_size_of_updates(wrapped):
    optimizer = GradientClipping(keras.optimizers.SGD(1.0, loss_scale_factor=100.0))
    if wrapped:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=8.0)
    weight = keras.Variable([1.0, 2.0])
    optimizer.build([weight])
    scale = optimizer.scale_loss(keras.ops.convert_to_tensor([1.0, -1.0]))
    assert arrays([scale])[0].tolist() == ([8.0, -8.0] if wrapped else [100.0, -100.0])
    if wrapped and keras.backend.backend() == "jax":  # where Keras scales in no other way
        state, weights = ([variable.value for variable in own] for own in (optimizer.variables, [weight]))
        moved = optimizer.stateless_apply(state, [scale], weights)[0][0]
    else:
        optimizer.apply([scale])
        moved = weight
    np.testing.assert_allclose(arrays([moved])[0], [0.0, 3.0], rtol=1e-6)


@pytest.mark.backend
def test_all_variables_of_a_wrapped_optimizer_are_set():
    first, second = (recipes.optimizers.get("adam", 0.1, percentile_clip=50) for _ in range(2))
    weights = [keras.Variable([1.0, 2.0])]
    first.apply([keras.ops.convert_to_tensor([3.0, 4.0])], weights)
    steps = first.apply_gradients([(keras.ops.convert_to_tensor([3.0, 4.0]), weights[0])])
    assert int(keras.ops.convert_to_numpy(steps)) == 2
    second.build(weights)
    second.set_weights(first.variables)
    for old, new in zip(arrays(first.variables), arrays(second.variables), strict=True):
        np.testing.assert_array_equal(old, new)
    with pytest.raises(ValueError, match="`weights` must have one value for each of the 10 variables .* Received: 3"):
        second.set_weights(first.variables[:3])


@pytest.mark.backend
def test_gradients_that_fit_no_weights_are_refused():
    optimizer, weight = GradientClipping(keras.optimizers.SGD(1.0)), keras.Variable([1.0])
    with pytest.raises(ValueError, match="optimizer must already be built"):
        optimizer.apply([keras.ops.ones(1)])
    optimizer.build([weight])
    with pytest.raises(ValueError, match="one gradient for each of the 1 weights. Received: 2"):
        optimizer.apply([keras.ops.ones(1)] * 2)
    several = keras.optimizers.MultiOptimizer(keras.optimizers.OptimizerMap(keras.optimizers.SGD(1.0)))
    with pytest.raises(ValueError, match="cannot be a MultiOptimizer, .* around each optimizer in it"):
        GradientClipping(several)


@pytest.mark.backend
@pytest.mark.parametrize("name", ["sgd", "muon", "schedule_free_adamw"])
def test_weight_decay_shrinks_kernels_only(name):
    inputs = keras.Input((4, 4, 2))
    layers = [
        keras.layers.Conv2D(4, 3, bias_initializer="ones"),
        keras.layers.BatchNormalization(beta_initializer="ones"),
        PReLU(),
        keras.layers.PReLU(alpha_initializer="ones"),  # a slope for each pixel
        keras.layers.LayerNormalization(axis=(1, 2, 3), beta_initializer="ones"),
        keras.layers.RMSNormalization(axis=(2, 3)),
        keras.layers.GroupNormalization(2, beta_initializer="ones"),
        keras.layers.SpectralNormalization(keras.layers.Conv2D(3, 1, bias_initializer="ones")),
        keras.layers.MultiHeadAttention(2, 2, bias_initializer="ones"),
        keras.layers.Reshape((4, 3)),
        Maxout(2, bias_initializer="ones"),
        keras.layers.GRU(2, bias_initializer="ones"),
    ]
    x = inputs
    for layer in layers:
        x = layer(x, x) if isinstance(layer, keras.layers.MultiHeadAttention) else layer(x)
    model = keras.Model(inputs, x)
    before = {weight.path: keras.ops.convert_to_numpy(weight) for weight in model.trainable_weights}
    optimizer = recipes.optimizers.get(name, 0.1, weight_decay=0.5)
    optimizer.build(model.trainable_weights)
    optimizer.apply([keras.ops.zeros(weight.shape) for weight in model.trainable_weights])
    for weight in model.trainable_weights:
        factor = 0.95 if weight.name in ("kernel", "recurrent_kernel") else 1.0
        np.testing.assert_allclose(keras.ops.convert_to_numpy(weight), factor * before[weight.path], rtol=1e-6)


@pytest.mark.backend
def test_kinds_of_weights_have_rates_of_their_own():
    factors = {
        "dense_1/bias": 0.1, "gru/recurrent_bias": 0.1, "dense_1_prelu/alpha": 2, "feature_scale_1/scale": 6,
        "periodic_embedding/kernel": 0.5, "periodic_embedding/bias": 0.5, "dense_1/kernel": 1, "norm/gamma": 1,
    }  # fmt: skip
    variables = []
    for path in factors:
        layer, name = path.split("/")
        with keras.name_scope(layer):
            variables.append(keras.Variable([1.0, 2.0], name=name))
    rates = {"bias": 0.1, "slope": 2, "feature_scale": 6, "number_embedding": 0.5}
    optimizer = recipes.optimizers.get("sgd", 0.1, rates=rates, learning_rate_factors={"gru": 0.5})
    optimizer.apply([keras.ops.ones(2)] * len(variables), variables)
    steps = [1.0 - value[0] for value in arrays(variables)]
    expected = [0.1 * factor * (0.5 if path.startswith("gru") else 1) for path, factor in factors.items()]
    np.testing.assert_allclose(steps, expected, rtol=1e-4)


@pytest.mark.backend
@pytest.mark.parametrize("name", ["sgd", "adamw", "muon"])
def test_weight_decay_follows_its_schedule(name):
    optimizer = recipes.optimizers.get(
        name, 0.1, weight_decay=0.5, decay_schedule=recipes.schedules.FlatCosine(1.0, 4), rates={"bias": 0.5}
    )
    weight, sizes = keras.Variable([[1.0]], name="kernel"), []
    for _ in range(5):
        optimizer.apply([keras.ops.zeros((1, 1))], [weight])
        sizes.append(arrays([weight])[0].item())
    np.testing.assert_allclose(sizes, np.cumprod([0.95, 0.95, 0.95, 0.975, 1.0]), rtol=1e-5)
    assert optimizer.inner_optimizer.weight_decay == 0.5


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("adm", {}, "unknown optimizer 'adm': did you mean 'adam'"),
        (3, {}, "unknown optimizer 3"),
        ("adam", {"learning_rate": -1.0}, "`learning_rate` must be more than 0 and finite. Received: -1.0"),
        ("adam", {"weight_decay": "x"}, "`weight_decay` must be more than 0 and finite. Received: 'x'"),
        ("momentum", {"momentum": "x"}, "`momentum` must be at least 0 and less than 1. Received: 'x'"),
        ("adam", {"weight_decay": 0}, "`weight_decay` must be more than 0 and finite. Received: 0"),
        ("adam", {"clipnorm": 0}, "`clipnorm` must be more than 0 and finite. Received: 0"),
        ("adam", {"clipnorm": 1, "clipvalue": 1}, "only one way of clipping can be set"),
        ("adam", {"clipnorm": 1, "percentile_clip": 10}, "only one way of clipping can be set"),
        ("adam", {"momentum": 0.9}, "`momentum` belongs to momentum and nesterov. Received: 0.9 with adam"),
        ("momentum", {"momentum": 1.0}, "`momentum` must be at least 0 and less than 1. Received: 1.0"),
        ("adam", {"beta_2": 1.0}, "`beta_2` must be at least 0 and less than 1. Received: 1.0"),
        ("adam", {"rates": {"scale": 2}}, "unknown kind of weight in `rates`: 'scale'"),
        ("adam", {"rates": {"bias": -1}}, r"`rates\[bias\]` must be more than 0 and finite. Received: -1"),
        ("adam", {"decay_schedule": 0.5}, "`decay_schedule` must be a schedule of Keras. Received: 0.5"),
        (
            "schedule_free_adamw",
            {"decay_schedule": recipes.schedules.FlatCosine(1.0, 5)},
            "ScheduleFreeAdamW decays by itself: leave `decay_schedule` out",
        ),
        ("adam", {"ema_momentum": -0.1}, "`ema_momentum` must be at least 0 and less than 1. Received: -0.1"),
        ("schedule_free_adamw", {"ema_momentum": 0.9}, "averages by itself: leave `ema_momentum` out. Received: 0.9"),
        ("adam", {"adaptive_clip": 0}, "`clip_factor` must be more than 0 and finite. Received: 0"),
    ],
)
def test_wrong_arguments_are_refused(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        recipes.optimizers.get(name, **arguments)


def test_a_whole_number_is_a_rate():
    assert float(keras.ops.convert_to_numpy(recipes.optimizers.get("sgd", 1).learning_rate)) == 1.0
