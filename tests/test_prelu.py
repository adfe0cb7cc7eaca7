import keras
import numpy as np
import pytest

from custom_layers import PReLU

pytestmark = pytest.mark.backend

IMAGES = np.random.default_rng(0).standard_normal((2, 4, 5, 3)).astype("float32")


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_slopes_begin_at_a_quarter_one_for_each_channel():
    layer = PReLU()
    answers = array(layer(IMAGES))
    assert array(layer.alpha).tolist() == [[[0.25] * 3]]
    np.testing.assert_allclose(answers, np.where(IMAGES > 0, IMAGES, IMAGES / 4), rtol=1e-6)


def test_each_channel_has_its_own_slope():
    layer = PReLU()
    layer.build(IMAGES.shape)
    slopes = np.array([0.0, -1.0, 2.0], "float32")
    layer.set_weights([slopes[None, None]])
    np.testing.assert_allclose(array(layer(IMAGES)), np.where(IMAGES > 0, IMAGES, slopes * IMAGES), rtol=1e-6)


@pytest.mark.parametrize("shape", [(3,), (7, 3), (4, 5, 3), (2, 4, 5, 3)])
def test_rows_of_any_rank_have_a_slope_for_each_channel(shape):
    layer = PReLU()
    layer.build((None, *shape))
    assert layer.alpha.shape == (*(1 for _ in shape[:-1]), 3)


def test_images_may_differ_in_size():
    layer = PReLU()
    for size in (4, 9):
        assert layer(np.ones((1, size, size + 1, 3), "float32")).shape == (1, size, size + 1, 3)
    with pytest.raises(ValueError, match="expected axis 3 .* to have value 3"):
        layer(np.ones((1, 4, 4, 2), "float32"))


def test_channels_may_come_first():
    layer = PReLU(data_format="channels_first")
    turned = IMAGES.transpose(0, 3, 1, 2)
    np.testing.assert_allclose(array(layer(turned)), array(PReLU()(IMAGES)).transpose(0, 3, 1, 2), rtol=1e-6)
    assert layer.alpha.shape == (3, 1, 1)
    assert layer(turned[:, :, :2]).shape == (2, 3, 2, 5)


def test_the_setting_of_keras_says_where_the_channels_are():
    before = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_first")
    try:
        layer = PReLU()
    finally:
        keras.config.set_image_data_format(before)
    layer.build((None, 3, 4, 5))
    assert layer.alpha.shape == (3, 1, 1)
    assert PReLU.from_config(layer.get_config()).data_format == "channels_first"


@pytest.mark.parametrize(
    ("shared_axes", "shape"),
    [
        ("spatial", (1, 1, 3)),
        (None, (4, 5, 3)),
        ([1], (1, 5, 3)),
        ([1, 2, 3], (1, 1, 1)),
        (2, (4, 1, 3)),
    ],
)
def test_slopes_are_shared_along_the_axes_that_are_named(shared_axes, shape):
    layer = PReLU(shared_axes=shared_axes)
    layer(IMAGES)
    assert layer.alpha.shape == shape
    again = PReLU.from_config(layer.get_config())
    again.build(IMAGES.shape)
    assert again.alpha.shape == shape


def test_it_answers_as_keras_does_with_the_same_slopes():
    theirs = keras.layers.PReLU("glorot_normal", shared_axes=[1, 2])
    expected = array(theirs(IMAGES))
    ours = PReLU()
    ours.build(IMAGES.shape)
    ours.set_weights(theirs.get_weights())
    np.testing.assert_array_equal(array(ours(IMAGES)), expected)
    assert isinstance(ours, keras.layers.PReLU)


@pytest.mark.parametrize("initializer", [0.1, keras.initializers.Constant(0.1)])
def test_slopes_begin_where_the_user_says(initializer):
    layer = PReLU(initializer)
    layer.build((None, 2))
    np.testing.assert_allclose(array(layer.alpha), 0.1)
    assert array(PReLU(0)(-np.ones((1, 2), "float32"))).tolist() == [[0, 0]]


@pytest.mark.extensive
def test_slopes_are_learned():
    x = IMAGES.reshape(-1, 3)
    slopes = np.array([-0.5, 0.0, 0.7])
    model = keras.Sequential([keras.Input((3,)), PReLU()])
    model.compile(keras.optimizers.SGD(1.0), "mse")
    model.fit(x, np.where(x > 0, x, slopes * x), batch_size=40, epochs=60, verbose=0)
    np.testing.assert_allclose(model.get_weights()[0], slopes, atol=0.01)


def test_weight_decay_can_leave_the_slopes_alone():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, kernel_initializer="ones"), PReLU()])
    optimizer = keras.optimizers.SGD(0.1, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=["alpha"])
    model.compile(optimizer, loss=lambda _, made: 0.0 * keras.ops.sum(made))
    model.train_on_batch(np.ones((2, 3), "float32"), np.ones((2, 3), "float32"))
    kernel, _, alpha = model.get_weights()
    assert (kernel < 1).all()
    assert (alpha == 0.25).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"shared_axes": "space"}, r"`shared_axes` must be spatial, .* or None. Received: 'space'"),
        ({"data_format": "last"}, r"`data_format` must be channels_last or channels_first. Received: 'last'"),
        ({"alpha_initializer": "quarter"}, r"Could not interpret initializer identifier: quarter"),
        ({"alpha_initializer": True}, r"Could not interpret initializer identifier: True"),
        ({"alpha_regularizer": "l3"}, r"Could not interpret regularizer identifier: l3"),
        ({"alpha_constraint": "small"}, r"Could not interpret constraint identifier: small"),
        ({"alpha_initializer": float("nan")}, r"`alpha_initializer` must be .*finite.* Received: nan"),
        ({"shared_axes": [0]}, r"`shared_axes` must be .* Received: \[0\]"),
        ({"shared_axes": [-1]}, r"`shared_axes` must be .* Received: \[-1\]"),
        ({"shared_axes": [1.5]}, r"`shared_axes` must be .* Received: \[1.5\]"),
        ({"shared_axes": True}, r"`shared_axes` must be .* Received: True"),
    ],
)
def test_wrong_arguments_are_refused_at_construction(arguments, message):
    with pytest.raises(ValueError, match=message):
        PReLU(**arguments)


def test_axes_that_the_rows_lack_are_refused():
    with pytest.raises(ValueError, match=r"`shared_axes` must be .* 3 axes .* Received: \[3\]"):
        PReLU(shared_axes=[3]).build((None, 4, 5))
