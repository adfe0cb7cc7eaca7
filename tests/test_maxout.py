import keras
import numpy as np
import pytest
from abilities import NO_CHANNELS_FIRST, convolves_channels_first

from custom_layers import Maxout, MaxoutConv1D, MaxoutConv2D

pytestmark = pytest.mark.backend

# Class, first arguments, shape of one example, Keras's own layer.
AFFINE = {
    "dense": (Maxout, (3,), (6,), keras.layers.Dense),
    "conv1d": (MaxoutConv1D, (3, 2), (7, 4), keras.layers.Conv1D),
    "conv2d": (MaxoutConv2D, (3, 2), (5, 6, 4), keras.layers.Conv2D),
}


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def test_two_linear_pieces_make_the_absolute_value():
    layer = Maxout(1)
    layer.build((None, 1))
    layer.set_weights([np.array([[1.0, -1.0]]), np.zeros(2)])
    x = np.linspace(-3, 3, 13, dtype="float32")[:, None]
    np.testing.assert_array_equal(array(layer(x)), np.abs(x))


@pytest.mark.parametrize("pieces", [2, 5])
@pytest.mark.parametrize("kind", AFFINE)
def test_the_answer_is_the_largest_of_the_blocks_that_a_layer_of_keras_gives(kind, pieces):
    layer, arguments, shape, plain = AFFINE[kind]
    rows = normal(4, *shape)
    maxout = layer(*arguments, pieces=pieces, kernel_initializer="zeros")
    maxout.build(rows.shape)
    maxout.set_weights([normal(*weight.shape, seed=1) for weight in maxout.weights])
    maps = plain(pieces * arguments[0], *arguments[1:], kernel_initializer="zeros")
    maps.build(rows.shape)
    maps.set_weights(maxout.get_weights())
    blocks = np.split(array(maps(rows)), pieces, axis=-1)
    np.testing.assert_allclose(array(maxout(rows)), np.max(blocks, axis=0), atol=1e-5)


def test_the_kernel_holds_the_units_piece_by_piece():
    layer = Maxout(3, pieces=2, bias_initializer="ones")
    rows = normal(5, 4)
    layer(rows)
    kernel, bias = array(layer.kernel), array(layer.bias)
    assert (kernel.shape, bias.shape) == ((4, 6), (6,))
    by_piece = [rows @ kernel[:, 3 * piece : 3 * piece + 3] + bias[3 * piece : 3 * piece + 3] for piece in range(2)]
    np.testing.assert_allclose(array(layer(rows)), np.maximum(*by_piece), atol=1e-5)


def test_channels_first_is_channels_last_turned():
    if not convolves_channels_first():
        pytest.skip(NO_CHANNELS_FIRST)
    rows = normal(2, 4, 6, 5)
    last = MaxoutConv2D(3, 2, pieces=3)
    expected = array(last(rows))
    first = MaxoutConv2D(3, 2, pieces=3, data_format="channels_first")
    turned = rows.transpose(0, 3, 1, 2)
    first.build(turned.shape)
    first.set_weights(last.get_weights())
    np.testing.assert_allclose(array(first(turned)), expected.transpose(0, 3, 1, 2), atol=1e-5)
    assert first.compute_output_shape((None, 5, 4, 6)) == (None, 3, 3, 5)


def test_a_causal_convolution_does_not_see_what_comes():
    rows = normal(1, 8, 3)
    later = rows.copy()
    later[:, 5:] += 1
    layer = MaxoutConv1D(4, 3, padding="causal", dilation_rate=2)
    before, after = array(layer(rows)), array(layer(later))
    np.testing.assert_array_equal(before[:, :5], after[:, :5])
    assert (before[:, 5:] != after[:, 5:]).any()


@pytest.mark.parametrize(("kind", "pieces"), [("dense", 2), ("dense", 5), ("conv1d", 3), ("conv2d", 4)])
def test_the_second_moment_of_the_signal_is_kept_at_the_start(kind, pieces):
    layer, (_, *size), shape, _ = AFFINE[kind]
    keras.utils.set_random_seed(3)
    channels = 256 if kind == "dense" else 64
    answers = array(layer(512, *size, pieces=pieces)(normal(32, *shape[:-1], channels)))
    assert np.mean(answers**2) == pytest.approx(1, rel=0.05)


def test_an_initializer_of_the_user_is_used():
    layer = Maxout(2, kernel_initializer=keras.initializers.Constant(0.5))
    np.testing.assert_array_equal(array(layer(np.ones((1, 4), "float32"))), [[2.0, 2.0]])


def fit(x, y, maxout, *stack):
    """A model after 200 steps, and the share of the variance of `y` that it explains."""
    model = keras.Sequential([keras.Input(x.shape[1:]), maxout, *stack])
    # Tangents of a paraboloid: each is the largest somewhere, so that all learn.
    slopes = np.random.default_rng(0).uniform(-2, 2, maxout.kernel.shape)
    maxout.set_weights([slopes, -0.5 * np.sum(slopes**2, axis=0)])
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.1, 200)), "mse")
    rows = np.random.default_rng(1).integers(0, len(x), 200 * 256)
    model.fit(x[rows], y[rows], batch_size=256, shuffle=False, verbose=0)
    answers = model.predict(x, batch_size=len(x), verbose=0)[:, 0]
    return model, 1 - np.mean((answers - y) ** 2) / np.var(y)


@pytest.mark.parametrize(
    ("features", "convex"),
    [
        (1, lambda x: x[:, 0] ** 2),
        (2, lambda x: np.abs(x[:, 0]) + np.maximum(x[:, 1], 0.5 * x[:, 0])),
        (2, lambda x: np.logaddexp(2 * x[:, 0], -x[:, 1])),
    ],
    ids=["square", "absolute values", "log of exponentials"],
)
def test_one_unit_fits_a_convex_function(features, convex):
    x = np.random.default_rng(0).uniform(-2, 2, (1024, features)).astype("float32")
    model, explained = fit(x, convex(x), Maxout(1, pieces=16))
    assert explained > 0.99
    # It is convex itself: nowhere above its chords.
    left, right = x[:512], x[512:]
    answers = [array(model(rows)) for rows in (left, right, (left + right) / 2)]
    assert (answers[2] <= (answers[0] + answers[1]) / 2 + 1e-4).all()


def test_a_difference_of_two_units_fits_what_is_not_convex():
    x = np.linspace(-np.pi, np.pi, 1024, dtype="float32")[:, None]
    y = np.sin(x[:, 0])
    difference = keras.layers.Dense(1, use_bias=False)
    difference.build((None, 2))
    difference.set_weights([np.array([[1.0], [-1.0]])])
    difference.trainable = False
    assert fit(x, y, Maxout(2, pieces=16), difference)[1] > 0.99
    assert fit(x, y, Maxout(1, pieces=16))[1] < 0.9


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Maxout(0), r"`units` must be a whole number of at least 1. Received: units=0"),
        (lambda: Maxout(2.0), r"`units` must be a whole number of at least 1. Received: units=2.0"),
        (lambda: Maxout(True), r"Received: units=True"),
        (lambda: Maxout("many"), r"Received: units='many'"),
        (lambda: Maxout(3, pieces=1), r"`pieces` must be a whole number of at least 2. Received: pieces=1"),
        (lambda: Maxout(3, pieces=2.5), r"Received: pieces=2.5"),
        (lambda: Maxout(3, pieces=None), r"Received: pieces=None"),
        (lambda: MaxoutConv1D(0, 3), r"`filters` must be a whole number of at least 1. Received: filters=0"),
        (lambda: MaxoutConv2D(-4, 3), r"Received: filters=-4"),
        (lambda: MaxoutConv2D(4, 3, pieces=1), r"`pieces` must be .* at least 2. Received: pieces=1"),
        (lambda: MaxoutConv2D(4, 0), r"`kernel_size` argument must be .* Received kernel_size=0"),
        (lambda: MaxoutConv2D(4, 3, strides=0), r"`strides` argument must be .* Received strides=0"),
        (lambda: MaxoutConv2D(4, 3, padding="causal"), r"`padding` argument must be .* Received: causal"),
        (lambda: MaxoutConv1D(4, 3, padding="around"), r"`padding` argument must be .*'causal'.* Received: around"),
        (lambda: MaxoutConv1D(4, 3, data_format="middle"), r"`data_format` argument must be .* Received: .*middle"),
        (lambda: MaxoutConv2D(4, 3, strides=2, dilation_rate=2), r"not supported in conjunction .* Received: strides="),
    ],
)
def test_wrong_arguments_are_refused_at_construction(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("kind", AFFINE)
def test_numbers_of_numpy_are_whole_numbers(kind, tmp_path):
    layer, (size, *more), shape, _ = AFFINE[kind]
    model = keras.Sequential([keras.Input(shape), layer(np.int64(size), *more, pieces=np.int32(2))])
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.output_shape == model.output_shape


@pytest.mark.parametrize("kind", AFFINE)
def test_rows_of_another_size_are_refused(kind):
    layer, arguments, shape, _ = AFFINE[kind]
    maxout = layer(*arguments)
    maxout.build((None, *shape))
    with pytest.raises(ValueError, match="expected axis -1 .* to have value"):
        maxout(normal(2, *shape[:-1], shape[-1] + 1))
