"""Each rule against its layer: many rows of a signal with known moments, measured behind the real layer."""

import keras
import numpy as np
import pytest
from keras import layers

from custom_layers import Maxout, MaxoutConv1D, MaxoutConv2D, PReLU, RandomizedLeakyReLU
from recipes.initialization import moments
from recipes.initialization.moments import Signal
from recipes.initialization.variance import Walk, measured

INCOMING = Signal(mean=0.4, variance=1.5, shared=0.5)


def draw(signal, shape, rows=128, seed=0):
    """Rows of `signal`; what they share belongs to the last axis."""
    rng = np.random.default_rng(seed)
    units = signal.shared**0.5 * rng.standard_normal(shape[-1])
    return (
        signal.mean + units + (signal.variance - signal.shared) ** 0.5 * rng.standard_normal((rows, *shape))
    ).astype("float32")


def assert_as_calculated(model, *inputs, signals=None, within=0.03):
    """E[x], E[x^2] and E[x x'] of `model(inputs)` are those that the walk calculates."""
    walk = Walk(np.random.default_rng(1000))  # the seed of no rows: kernels would be made of the same numbers
    calculated = walk.through(model, signals or [INCOMING] * len(inputs))
    assert walk.unknown == []
    outputs = model(inputs[0] if len(inputs) == 1 else list(inputs), training=True)
    for output, signal in zip(keras.tree.flatten(outputs), calculated, strict=True):
        seen = measured(keras.ops.convert_to_numpy(output).astype("float64"))
        square = signal.raw[1]
        difference = np.abs(seen.raw - signal.raw) / [square**0.5, square, square]
        assert difference.max() < within, f"calculated {signal}, measured {seen}"
        assert abs(seen.shared - signal.shared) < within * square


def through(*stack, shape):
    inputs = keras.Input(shape)
    outputs = inputs
    for layer in stack:
        outputs = layer(outputs)
    return keras.Model(inputs, outputs)


@pytest.mark.parametrize(
    "name",
    ["relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "tanh", "sigmoid", "softplus", "exponential"],
)
def test_an_activation_is_integrated(name):
    assert_as_calculated(through(layers.Activation(name), shape=(4096,)), draw(INCOMING, (4096,)), within=0.04)


def test_an_integral_is_exact_to_four_digits():
    half_normal = moments.elementwise(Signal(0.0, 1.0), lambda x: np.maximum(x, 0))
    assert half_normal.raw == pytest.approx([(2 * np.pi) ** -0.5, 0.5, 1 / (2 * np.pi)], abs=1e-4)
    # Two rows with correlation 1/2 behind ReLU: the arc-cosine kernel of Cho & Saul 2009, at an angle of 60 degrees.
    alike = moments.elementwise(Signal(0.0, 1.0, 0.5), lambda x: np.maximum(x, 0)).raw[2]
    assert alike == pytest.approx((np.sin(np.pi / 3) + (np.pi - np.pi / 3) * 0.5) / (2 * np.pi), abs=1e-4)


def test_all_shared_stays_all_shared():
    assert moments.elementwise(Signal(0.0, 1.0, 1.0), np.tanh).spread == pytest.approx(0, abs=1e-6)


ELEMENTWISE = [
    layers.ReLU(max_value=2.0, negative_slope=0.1, threshold=0.2),
    layers.LeakyReLU(),
    layers.ELU(),
    PReLU(alpha_initializer="uniform"),
    layers.PReLU(alpha_initializer=keras.initializers.RandomUniform(-1, 1, seed=0)),
    RandomizedLeakyReLU(0.0, 1.0, seed=0),
    RandomizedLeakyReLU(0.1, 1.0, uniform="divisor", seed=0),
    RandomizedLeakyReLU(0.2, 0.2, uniform="divisor", seed=0),
    layers.Dropout(0.4, seed=0),
    layers.GaussianDropout(0.3, seed=0),
    layers.GaussianNoise(0.7, seed=0),
    layers.AlphaDropout(0.3, seed=0),
    layers.BatchNormalization(),
    layers.BatchNormalization(
        gamma_initializer=keras.initializers.RandomUniform(0, 2, seed=0),
        beta_initializer=keras.initializers.RandomNormal(stddev=0.5, seed=0),
    ),
    layers.LayerNormalization(beta_initializer=keras.initializers.RandomNormal(stddev=0.5, seed=0)),
    layers.GroupNormalization(groups=4),
    layers.RMSNormalization(),
    layers.UnitNormalization(),
    layers.Rescaling(2.0, offset=-1.0),
    layers.Normalization(mean=0.5, variance=4.0),
    layers.Identity(),
    layers.Reshape((64, 64)),
]


@pytest.mark.parametrize("layer", ELEMENTWISE, ids=lambda layer: layer.name)
def test_rule_of_a_layer_on_rows(layer):
    assert_as_calculated(through(layer, shape=(4096,)), draw(INCOMING, (4096,)))


@pytest.mark.parametrize("layer", [layers.Softmax(), layers.Activation("softmax"), layers.Dense(400, "softmax")])
def test_softmax_is_drawn_over_its_classes(layer):
    x = draw(INCOMING, (128 * 20,), rows=64).reshape(64, 128, 20)
    assert_as_calculated(through(layer, shape=(128, 20)), x, within=0.06)


ON_IMAGES = [
    [layers.AveragePooling2D(2)],
    [layers.AveragePooling2D(3, strides=1, padding="same")],
    [layers.MaxPooling2D(2)],
    [layers.MaxPooling2D((1, 4))],
    [layers.ReLU(), layers.MaxPooling2D(2)],
    [layers.Activation("gelu"), layers.MaxPooling2D(2)],
    [layers.GlobalAveragePooling2D()],
    [layers.GlobalMaxPooling2D()],
    [layers.ReLU(), layers.GlobalAveragePooling2D()],
    [layers.SpatialDropout2D(0.3, seed=0)],
    [layers.UpSampling2D(2)],
    [layers.Cropping2D(1)],
    [layers.ZeroPadding2D(1)],
    [layers.GroupNormalization(groups=-1)],
    [layers.Flatten(), layers.ReLU()],
    [layers.Permute((3, 1, 2))],
]


@pytest.mark.parametrize("stack", ON_IMAGES, ids=lambda stack: "-".join(type(layer).__name__ for layer in stack))
def test_rule_of_a_layer_on_images(stack):
    # An average over 16 positions of one image still varies by image, which instance normalization takes out: 1 / 16.
    within = 0.09 if isinstance(stack[0], layers.GroupNormalization) else 0.04
    assert_as_calculated(through(*stack, shape=(4, 4, 768)), draw(INCOMING, (4, 4, 768), rows=32), within=within)


KERNELS = [
    (layers.Dense(512, bias_initializer=keras.initializers.RandomNormal(0.3, 0.5, seed=0)), (256,)),
    (layers.Dense(512, activation="relu"), (16, 256)),
    (layers.EinsumDense("abc,cde->abde", (4, 8, 64), bias_axes="de"), (4, 256)),
    (layers.EinsumDense("abc,bcd->abd", (4, 512), bias_axes="d"), (4, 128)),
    (layers.Conv1D(512, 3, padding="causal", dilation_rate=2), (8, 64)),
    (layers.Conv2D(512, 3, padding="same"), (4, 4, 64)),
    (layers.Conv2D(512, 3, strides=2, padding="same", activation="tanh"), (6, 6, 32)),
    (layers.Conv2D(512, 3, groups=4), (5, 5, 64)),
    (layers.Conv3D(512, 2), (3, 3, 3, 32)),
    (layers.Conv1DTranspose(512, 4, strides=2, padding="same"), (6, 64)),
    (layers.Conv2DTranspose(512, 3, strides=2), (3, 3, 64)),
    (layers.Conv3DTranspose(512, 2, strides=1), (2, 2, 2, 32)),
    (layers.DepthwiseConv1D(5, depth_multiplier=2), (8, 512)),
    (layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2), (4, 4, 512)),
    (layers.SeparableConv1D(512, 3, padding="same"), (6, 256)),
    (layers.SeparableConv2D(512, 3), (4, 4, 256)),
    (Maxout(512, pieces=2), (256,)),
    (Maxout(512, pieces=5), (256,)),
    (MaxoutConv1D(512, 3, padding="same"), (8, 64)),
    (MaxoutConv2D(512, 3, pieces=3, padding="same"), (4, 4, 64)),
]


@pytest.mark.backend
@pytest.mark.parametrize(("layer", "shape"), KERNELS, ids=lambda value: getattr(value, "name", None))
def test_rule_of_a_kernel_layer(layer, shape):
    # Each position and channel of its own: what they share would be one draw for all positions of a channel.
    x = draw(INCOMING, (int(np.prod(shape)),), rows=64).reshape(64, *shape)
    assert_as_calculated(through(layer, shape=shape), x, within=0.1)


MERGES = [
    layers.Add,
    layers.Subtract,
    layers.Average,
    layers.Multiply,
    layers.Maximum,
    layers.Minimum,
    layers.Concatenate,
]


@pytest.mark.parametrize("merge", MERGES)
def test_rule_of_a_merge(merge):
    signals = [INCOMING, Signal(-0.2, 0.8, 0.1)]
    inputs = [keras.Input((4096,)), keras.Input((4096,))]
    rows = [draw(signal, (4096,), seed=seed) for seed, signal in enumerate(signals)]
    assert_as_calculated(keras.Model(inputs, merge()(inputs)), *rows, signals=signals)


@pytest.mark.parametrize("merge", [layers.Add, layers.Average, layers.Multiply, layers.Maximum, layers.Minimum])
def test_a_tensor_merged_with_itself_is_no_independent_signal(merge):
    inputs = keras.Input((4096,))
    assert_as_calculated(keras.Model(inputs, merge()([inputs, inputs])), draw(INCOMING, (4096,)))


OPERATIONS = {
    "sum": lambda a, b: a + b,
    "difference": lambda a, b: a - b,
    "product": lambda a, b: a * b,
    "maximum": keras.ops.maximum,
    "numbers": lambda a, b: (2.0 * a - 1.0) + keras.ops.relu(b) / 3,
    "joined": lambda a, b: keras.ops.concatenate([a, b], axis=-1),
    "shape": lambda a, b: keras.ops.reshape(a, (-1, 64, 64)),
    "transposed": lambda a, b: keras.ops.transpose(keras.ops.expand_dims(keras.ops.tanh(a), 1), (0, 2, 1)),
}


@pytest.mark.backend
@pytest.mark.parametrize("name", OPERATIONS)
def test_rule_of_an_operation(name):
    signals = [INCOMING, Signal(-0.2, 0.8, 0.1)]
    inputs = [keras.Input((4096,)), keras.Input((4096,))]
    rows = [draw(signal, (4096,), seed=seed) for seed, signal in enumerate(signals)]
    assert_as_calculated(keras.Model(inputs, OPERATIONS[name](*inputs)), *rows, signals=signals)


def test_an_embedding_gives_its_own_table():
    layer = layers.Embedding(50, 512, embeddings_initializer=keras.initializers.RandomNormal(0.2, 0.7, seed=0))
    model = through(layer, shape=(20,))
    codes = np.random.default_rng(0).integers(0, 50, (128, 20))
    assert_as_calculated(model, codes, signals=[Signal(0.0, 1.0)])


def test_frozen_batch_normalization_that_gathered_nothing_changes_nothing():
    layer = layers.BatchNormalization(trainable=False)
    assert_as_calculated(through(layer, shape=(4096,)), draw(INCOMING, (4096,)))
