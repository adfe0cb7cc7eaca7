import keras
import numpy as np
import pytest

import recipes
from custom_layers import ActivatedCell
from recipes import models

pytestmark = pytest.mark.backend

KERAS_CELLS = ("simple_rnn", "gru", "lstm")
ACTIVATIONS = ("sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu", "softplus", "silu", "gelu")
OWN = ("prelu", "rrelu", "maxout")
PADDING = -65504.0


def rows(steps=6, count=4):
    return np.random.default_rng(0).normal(size=(count, steps, 3)).astype(np.float32)


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.mark.parametrize(("cell", "maps"), [("simple_rnn", 1), ("gru", 3), ("lstm", 4)])
def test_recurrent_kernels_begin_orthogonal_and_kernels_suit_the_activation(cell, maps):
    model = recipes.recurrent((None, 3), 2, widths=(4, 4), cell=cell)
    assert [layer.name for layer in model.layers] == ["inputs", f"{cell}_1", f"{cell}_2", "logits"]
    assert model.output_shape == (None, 2)
    width = 4
    for layer in model.layers[1:3]:
        recurrent = array(layer.cell.recurrent_kernel)
        assert recurrent.shape == (width, maps * width)
        np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(width), atol=1e-5)
        assert type(layer.cell.kernel_initializer).__name__ == "GlorotNormal"
    biases = array(model.get_layer(f"{cell}_1").cell.bias)
    if cell == "lstm":  # the second of four gates is that which forgets
        np.testing.assert_array_equal(biases, np.repeat([0, 1, 0, 0], width))
    else:
        assert not biases.any()
    assert type(
        recipes.recurrent((4, 3), 1, widths=(4,), cell=cell, activation="relu").layers[1].cell.kernel_initializer
    ) is (keras.initializers.HeNormal)


def test_two_directions_begin_with_kernels_of_their_own():
    layer = recipes.recurrent((4, 3), 1, widths=(4,), bidirectional=True).get_layer("lstm_1")
    assert [part.cell.kernel.path for part in (layer.forward_layer, layer.backward_layer)] == [
        "lstm_1/forward_lstm_1/lstm_cell/kernel",
        "lstm_1/backward_lstm_1/lstm_cell/kernel",
    ]
    for weight in ("kernel", "recurrent_kernel"):
        forward, backward = (array(getattr(part.cell, weight)) for part in (layer.forward_layer, layer.backward_layer))
        assert not np.allclose(forward, backward)


@pytest.mark.parametrize(
    ("cell", "activation"),
    [*((cell, activation) for cell, activation in zip(KERAS_CELLS * 3, ACTIVATIONS, strict=True))]
    + [("simple_rnn", activation) for activation in (*OWN, lambda x: x / (1 + abs(x)))],
)
def test_every_activation_is_a_cells(cell, activation):
    model = recipes.recurrent((6, 3), 2, widths=(4,), cell=cell, activation=activation)
    outputs = array(model(rows(steps=20)))
    assert outputs.shape == (4, 2)
    assert np.isfinite(outputs).all()
    assert (outputs.std(axis=0) > 0).all()


@pytest.mark.parametrize(
    ("cell", "arguments"),
    [
        ("simple_rnn", {"activation": "maxout", "bidirectional": True, "normalization": "batch"}),
        ("gru", {"bidirectional": True, "normalization": "layer"}),
        ("lstm", {"input_dropout": 0.1, "noise": 0.1, "dropout": 0.1}),
    ],
)
def test_padded_steps_change_nothing(cell, arguments):
    model = recipes.recurrent((None, 3), 2, widths=(4, 4), cell=cell, mask_value=PADDING, **arguments)
    assert model.layers[1].name == "mask"
    x = rows(steps=9)
    x[1:, 6:] = PADDING
    outputs = array(model(x))
    np.testing.assert_allclose(outputs[1:], array(model(x[1:, :6])), atol=1e-6)
    changed = x.copy()
    changed[0, 6:] += 1  # real steps
    assert not np.allclose(array(model(changed))[0], outputs[0])


def test_batch_normalization_counts_no_padded_steps():
    model = recipes.recurrent((None, 3), 1, widths=(4, 4), mask_value=PADDING, normalization="batch")
    norm = model.get_layer("lstm_1_norm")
    hidden = keras.Model(model.inputs[0], model.get_layer("lstm_1").output)
    x = rows()
    model(np.concatenate([x, np.full((4, 20, 3), PADDING, np.float32)], axis=1), training=True)
    mean = (1 - norm.momentum) * array(hidden(x)).mean(axis=(0, 1))
    np.testing.assert_allclose(array(norm.moving_mean), mean, atol=1e-6)


@pytest.mark.parametrize(
    ("cell", "activation", "widths"),
    [
        ("lstm", "tanh", (4,)),
        *(pytest.param("simple_rnn", activation, (4,), marks=pytest.mark.extensive) for activation in OWN),
    ],
)
def test_both_directions_take_a_step_with_every_regularization(cell, activation, widths, tmp_path):
    arguments = {"dropout": 0.1, "input_dropout": 0.1, "noise": 0.1, "l1": 1e-5, "l2": 1e-4, "max_norm": 0.9}
    arguments |= {"cell": cell, "activation": activation, "widths": widths, "bias_start": 0.1}
    model = recipes.recurrent((6, 3), 1, bidirectional=True, mask_value=PADDING, **arguments)
    assert len(model.losses) == 4 * len(widths) + 1
    before = [array(weight) for weight in model.trainable_weights]
    model.compile(keras.optimizers.SGD(0.1), loss="mse")
    x = rows()
    x[1, 4:] = PADDING
    assert np.isfinite(model.train_on_batch(x, np.ones((4, 1))))
    for weight, old in zip(model.trainable_weights, before, strict=True):
        assert not np.array_equal(array(weight), old), weight.path
        if weight.path.endswith("kernel") and "logits" not in weight.path:
            assert np.linalg.norm(array(weight), axis=0).max() < 0.9 + 1e-5
    if activation in OWN:
        model.save(tmp_path / "model.keras")
        again = recipes.load_model(tmp_path / "model.keras")
        np.testing.assert_allclose(array(again(x)), array(model(x)), atol=1e-6)


def test_the_cell_of_our_own_does_what_it_says():
    x, state = rows()[:, 0], rows(count=8)[:4, 1]
    for activation, maps in (("prelu", 1), ("maxout", 3)):
        cell = ActivatedCell(3, activation, negative_slope=0.1, pieces=3, bias_initializer="ones")
        output, (next_state,) = cell(x, [state])
        affine = x @ array(cell.kernel) + state @ array(cell.recurrent_kernel) + 1
        expected = affine.reshape(4, maps, 3).max(axis=1) if maps > 1 else np.where(affine > 0, affine, 0.1 * affine)
        np.testing.assert_allclose(array(output), expected, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(array(next_state), array(output))
        blocks = [block @ block.T for block in np.split(array(cell.recurrent_kernel), maps, axis=1)]
        for block in blocks:
            np.testing.assert_allclose(block, np.eye(3) * block[0, 0], atol=1e-6)
    assert not np.allclose(*np.split(array(cell.recurrent_kernel), 3, axis=1)[:2])


def test_random_slopes_are_drawn_once_for_each_sequence():
    cell = ActivatedCell(5, "rrelu")
    layer = keras.layers.RNN(cell, return_state=True)
    x = rows()
    layer(x)
    first, second = (array(layer(x, training=True)[2]) for _ in range(2))
    assert not np.array_equal(first, second)
    assert len(np.unique(first)) == first.size == 20
    assert ((first >= 1 / 8) & (first <= 1 / 3)).all()
    np.testing.assert_array_equal(array(layer(x)[0]), array(layer(x)[0]))
    affine = x[:, 0] @ array(cell.kernel)
    output = array(layer(x[:, :1], training=False)[0])
    np.testing.assert_allclose(output, np.where(affine > 0, affine, 11 / 48 * affine), rtol=1e-5)
    output, _, slopes = map(array, layer(x[:, :1], training=True))
    np.testing.assert_allclose(output, np.where(affine > 0, affine, slopes * affine), rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input_shape": (30,)}, r"recurrent takes sequences \(steps, features\), such as .* Received: \(30,\)"),
        ({"input_shape": (8, 8, 1)}, r"recurrent takes sequences .* Received: \(8, 8, 1\)"),
        ({"input_shape": (8, None)}, r"recurrent takes sequences .* Received: \(8, None\)"),
        ({"num_outputs": 0}, "`num_outputs` must be a whole number of at least 1. Received: 0"),
        ({"cell": "ltsm"}, "unknown cell 'ltsm': did you mean 'lstm'"),
        ({"widths": ()}, r"`widths` must name one layer at least. Received: \(\)"),
        ({"bidirectional": "yes"}, "`bidirectional` must be true or false. Received: 'yes'"),
        ({"mask_value": np.nan}, "`mask_value` must be a finite number. Received: nan"),
        ({"activation": "maxout"}, "maxout is an activation of the cell simple_rnn. Received: maxout with lstm"),
        ({"activation": "prelu", "cell": "gru"}, "prelu is an activation of the cell simple_rnn. .* prelu with gru"),
    ],
)
def test_wrong_arguments_are_refused_at_the_call(arguments, message):
    with pytest.raises(ValueError, match=message):
        recipes.recurrent(**{"input_shape": (8, 2), "num_outputs": 1, **arguments})


def test_a_recipe_builds_what_it_says():
    dataset = recipes.load_dataset("adding:4")
    settings = {"builder": "recurrent", "cell": "gru", "bidirectional": True, "widths": [3], "negative_slope": 0.4}
    recipe = recipes.get("adding").replace(model={**settings, "activation": "leaky_relu"})
    layer = models.build(recipe, dataset).get_layer("gru_1")
    assert layer.forward_layer.activation.negative_slope == 0.4
    with pytest.raises(ValueError, match="model.cell belongs to recurrent. Received: 'gru' with mlp"):
        models.build(recipe.replace(model={"builder": "mlp", "negative_slope": None}), dataset)
    with pytest.raises(ValueError, match="model.initialization knows no recurrent layers.* Received: 'lsuv'"):
        models.build(recipe.replace(model={"initialization": "lsuv"}), dataset)
