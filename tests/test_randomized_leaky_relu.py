import keras
import numpy as np
import pytest

from custom_layers import RandomizedLeakyReLU

pytestmark = pytest.mark.backend

# The two ranges in use: least and greatest slope, their mean in training, and the slope after it.
RANGES = {"slope": (1 / 8, 1 / 3, 11 / 48, 11 / 48), "divisor": (1 / 8, 1 / 3, np.log(8 / 3) / 5, 2 / 11)}
NEGATIVE = -np.ones((200, 500), "float32")


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


def slopes(layer, shape=NEGATIVE.shape):
    return -array(layer(-np.ones(shape, "float32"), training=True))


def test_slopes_are_drawn_between_an_eighth_and_a_third_by_default():
    layer = RandomizedLeakyReLU()
    assert (layer.lower, layer.upper, layer.uniform) == (1 / 8, 1 / 3, "slope")
    assert layer.inference_slope == pytest.approx(11 / 48)


@pytest.mark.parametrize("uniform", RANGES)
def test_slopes_in_training_have_the_range_and_the_moments_that_are_told(uniform):
    lower, upper, mean, _ = RANGES[uniform]
    layer = RandomizedLeakyReLU(uniform=uniform, seed=0)
    drawn = slopes(layer)
    assert lower - 1e-6 <= drawn.min() < lower + 1e-3
    assert upper - 1e-3 < drawn.max() <= upper + 1e-6
    assert drawn.mean() == pytest.approx(mean, rel=0.005)
    assert np.mean(drawn**2) == pytest.approx(layer.slope_mean_square, rel=0.005)
    # What is uniform has equal shares of its range.
    even = drawn if uniform == "slope" else 1 / drawn
    counts, _ = np.histogram(even, bins=10)
    assert counts.min() > 0.95 * drawn.size / 10


@pytest.mark.parametrize("uniform", RANGES)
def test_the_slope_at_inference_is_fixed(uniform):
    *_, slope = RANGES[uniform]
    layer = RandomizedLeakyReLU(uniform=uniform)
    x = np.array([[-2.0, -0.5, 0.0, 3.0]], "float32")
    for answers in (layer(x), layer(x, training=False)):
        np.testing.assert_allclose(array(answers), [[-2 * slope, -0.5 * slope, 0, 3]], rtol=1e-6)
    assert layer.inference_slope == pytest.approx(slope)


def test_positive_numbers_pass_in_training():
    x = np.array([[0.0, 1.0, 7.0]], "float32")
    np.testing.assert_array_equal(array(RandomizedLeakyReLU()(x, training=True)), x)


def test_every_value_has_its_own_slope_at_every_call():
    layer = RandomizedLeakyReLU(seed=1)
    first, second = slopes(layer, (2, 4, 4, 3)), slopes(layer, (2, 4, 4, 3))
    assert np.unique(first).size == first.size
    assert (first != second).all()


@pytest.mark.parametrize("uniform", RANGES)
def test_the_same_seed_draws_the_same_slopes(uniform):
    one, again, other = (RandomizedLeakyReLU(uniform=uniform, seed=seed) for seed in (5, 5, 6))
    for _ in range(2):
        drawn = slopes(one, (8, 8))
        np.testing.assert_array_equal(slopes(again, (8, 8)), drawn)
        assert (slopes(other, (8, 8)) != drawn).any()


def test_the_seed_of_keras_repeats_slopes_without_a_seed():
    drawn = []
    for _ in range(2):
        keras.utils.set_random_seed(9)
        drawn.append(slopes(RandomizedLeakyReLU(), (8, 8)))
    np.testing.assert_array_equal(*drawn)


def test_fit_draws_and_predict_does_not():
    model = keras.Sequential([keras.Input((50,)), RandomizedLeakyReLU(0.0, 1.0, seed=2), keras.layers.Rescaling(1.0)])
    x = NEGATIVE[:64, :50]
    assert (model.predict(x, verbose=0) == -0.5).all()
    model.add(keras.layers.Dense(1, kernel_initializer="ones"))
    model.compile(keras.optimizers.SGD(0.0), "mse")
    target = np.full((64, 1), -25, "float32")
    # The variance of a uniform slope is 1/12, and of a sum of 50 of them 50/12.
    losses = [model.train_on_batch(x, target) for _ in range(10)]
    assert np.mean(losses) == pytest.approx(50 / 12, rel=0.2)
    assert len(set(losses)) == 10
    assert model.evaluate(x, target, verbose=0) == pytest.approx(0, abs=1e-6)


def test_equal_slopes_make_a_leaky_relu():
    x = np.random.default_rng(0).standard_normal((5, 6)).astype("float32")
    expected = array(keras.layers.LeakyReLU(negative_slope=0.2)(x))
    for uniform in RANGES:
        layer = RandomizedLeakyReLU(0.2, 0.2, uniform=uniform)
        for training in (True, False):
            np.testing.assert_allclose(array(layer(x, training=training)), expected, rtol=1e-6)


def test_half_precision_stays_in_the_range():
    for dtype, digits in (("float16", 1e-3), ("bfloat16", 1e-2)):
        for uniform in RANGES:
            layer = RandomizedLeakyReLU(uniform=uniform, dtype=dtype, seed=0)
            drawn = -array(keras.ops.cast(layer(NEGATIVE, training=True), "float32"))
            assert drawn.min() > (1 - digits) / 8
            assert drawn.max() < (1 + digits) / 3
            assert drawn.mean() == pytest.approx(RANGES[uniform][2], rel=0.005)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"uniform": "angle"}, r"`uniform` must be slope or divisor. Received: 'angle'"),
        ({"uniform": None}, r"`uniform` must be slope or divisor. Received: None"),
        ({"lower": "small"}, r"`lower` must be a finite number. Received: 'small'"),
        ({"upper": float("inf")}, r"`upper` must be a finite number. Received: inf"),
        ({"upper": float("nan")}, r"`upper` must be a finite number. Received: nan"),
        ({"lower": True}, r"`lower` must be a finite number. Received: True"),
        ({"lower": -0.1}, r"0 <= lower <= upper. Received: lower=-0.1, upper=0.33"),
        ({"lower": 0.5}, r"0 <= lower <= upper. Received: lower=0.5, upper=0.33"),
        ({"lower": 0, "uniform": "divisor"}, r"`lower` must be more than 0 for a divisor. Received: 0"),
        ({"seed": "lucky"}, r"`seed` must be an integer. Received: seed=lucky"),
    ],
)
def test_wrong_arguments_are_refused_at_construction(arguments, message):
    with pytest.raises(ValueError, match=message):
        RandomizedLeakyReLU(**arguments)
