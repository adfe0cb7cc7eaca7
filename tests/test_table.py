import keras
import pytest

import custom_layers
import recipes
from recipes.models import BUILDERS

layers = keras.layers


def table_of(shape, *stack):
    return recipes.model_table(keras.Sequential([keras.Input(shape), *stack]))


@pytest.mark.parametrize(
    ("shape", "layer", "expected"),
    [
        ((7,), lambda: layers.Dense(5), 7 * 5),
        ((3, 7), lambda: layers.Dense(5), 3 * 7 * 5),
        ((3, 7), lambda: layers.EinsumDense("abc,cde->abde", (3, 2, 5)), 3 * 7 * 2 * 5),
        ((9, 4), lambda: layers.Conv1D(6, 3, padding="causal"), 9 * 3 * 4 * 6),
        ((8, 8, 4), lambda: layers.Conv2D(6, 3), 6 * 6 * 3 * 3 * 4 * 6),
        ((8, 8, 4), lambda: layers.Conv2D(6, 3, 2, "same", groups=2), 4 * 4 * 3 * 3 * 2 * 6),
        ((4, 6, 8, 2), lambda: layers.Conv3D(3, (1, 2, 3), padding="same"), 4 * 6 * 8 * 1 * 2 * 3 * 2 * 3),
        ((5, 5, 4), lambda: layers.Conv2DTranspose(6, 3, 2), 5 * 5 * 3 * 3 * 4 * 6),
        ((8, 8, 4), lambda: layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2), 64 * 9 * 4 * 2),
        ((8, 8, 4), lambda: layers.SeparableConv2D(6, 3, padding="same"), 64 * (9 * 4 + 4 * 6)),
        ((7,), lambda: custom_layers.Maxout(5, pieces=3), 7 * 5 * 3),
        ((8, 8, 4), lambda: custom_layers.MaxoutConv2D(6, 3, pieces=2, padding="same"), 64 * 9 * 4 * 6 * 2),
        ((9, 4), lambda: layers.SimpleRNN(6), 9 * (4 * 6 + 6 * 6)),
        ((9, 4), lambda: layers.LSTM(6), 9 * 4 * (4 * 6 + 6 * 6)),
        ((9, 4), lambda: layers.GRU(6), 9 * 3 * (4 * 6 + 6 * 6)),
        ((9, 4), lambda: layers.RNN([layers.LSTMCell(6), layers.GRUCell(5)]), 9 * (4 * 60 + 3 * (30 + 25))),
        ((9, 4), lambda: layers.Bidirectional(layers.LSTM(6)), 2 * 9 * 4 * (4 * 6 + 6 * 6)),
        ((9, 8, 8, 2), lambda: layers.TimeDistributed(layers.Conv2D(3, 3)), 9 * 6 * 6 * 9 * 2 * 3),
        ((6,), lambda: layers.Embedding(50, 8), 0),
        ((8, 8, 4), lambda: layers.BatchNormalization(), 0),
        ((8, 8, 4), lambda: layers.MaxPooling2D(), 0),
        ((None, 4), lambda: layers.LSTM(6), None),
        ((None, None, 4), lambda: layers.Conv2D(6, 3), None),
    ],
)
def test_multiply_adds_are_those_of_the_formula(shape, layer, expected):
    layer = layer()
    table = table_of(shape, layer)
    assert table.rows[-1].multiply_adds == expected
    assert table.rows[-1].parameters == table.parameters == layer.count_params()
    assert table.unknown == (() if expected is not None else (layer.name,))


def test_attention_counts_projections_and_scores():
    query, value = keras.Input((5, 8)), keras.Input((7, 6))
    attended = layers.MultiHeadAttention(num_heads=2, key_dim=4, value_dim=3)(query, value)
    projections = 2 * (5 * 8 * 4 + 7 * 6 * 4 + 7 * 6 * 3 + 5 * 3 * 8)
    table = recipes.model_table(keras.Model([query, value], attended))
    assert table.multiply_adds == projections + 2 * 5 * 7 * (4 + 3)
    plain = layers.Attention()([attended, query])
    table = recipes.model_table(keras.Model([query, value], plain))
    assert table.rows[-1].multiply_adds == 5 * 5 * (8 + 8)


@pytest.mark.parametrize(
    ("layer", "name", "variance"),
    [
        (lambda: layers.Dense(300, kernel_initializer="he_normal"), "HeNormal", 2 / 200),
        (lambda: layers.Dense(300, kernel_initializer="glorot_uniform"), "GlorotUniform", 2 / 500),
        (lambda: layers.Dense(300, kernel_initializer=recipes.initializer_for("selu")), "LecunNormal", 1 / 200),
        (lambda: layers.Dense(300, kernel_initializer="zeros"), "Zeros", 0),
        (lambda: custom_layers.Maxout(100, pieces=2), "VarianceScaling", 1 / 200),
        (lambda: layers.PReLU(), None, None),
    ],
)
def test_the_variance_is_that_of_the_values_drawn(layer, name, variance):
    row = table_of((200,), layer()).rows[-1]
    assert row.initializer == name
    # The standard error of a variance of n numbers is at most sqrt(2 / n) of it.
    assert row.variance == (None if variance is None else pytest.approx(variance, rel=5 * (2 / 20_000) ** 0.5))


def test_the_variance_of_a_recurrent_layer_is_that_of_its_input_kernel():
    layer = layers.LSTM(60, kernel_initializer="he_normal")
    row = table_of((9, 200), layers.Bidirectional(layer)).rows[-1]
    assert (row.kind, row.activation, row.initializer) == ("Bidirectional(LSTM)", "tanh", "HeNormal")
    assert row.variance == pytest.approx(2 / 200, rel=0.05)


def test_the_shape_of_a_row_must_fit_the_model():
    model = recipes.recurrent((None, 2), 1, widths=(3,))
    with pytest.raises(ValueError, match=r"`input_shape` must fit .* \(None, 2\). Received: \(5, 3\)"):
        recipes.model_table(model, (5, 3))


@pytest.mark.backend
@pytest.mark.parametrize("name", [name for name in BUILDERS if name != "transfer"])
@pytest.mark.parametrize("hidden", [{}, {"activation": "prelu", "normalization": "batch", "dropout": 0.1}])
def test_every_builder_can_be_shown(name, hidden):
    arguments = {"cell": "simple_rnn"} if name == "recurrent" else {}
    shape = (8, 2) if name == "recurrent" else (8, 8, 2)
    model = BUILDERS[name](shape, 3, **hidden, **arguments)
    table = recipes.model_table(model, shape)
    assert sum(row.parameters for row in table.rows) == table.parameters == model.count_params()
    assert sorted(layer for row in table.rows for layer in row.layers) == sorted(layer.name for layer in model.layers)
    assert table.unknown == ()
    assert all(row.multiply_adds > 0 for row in table.rows if row.initializer)
    text = str(table).splitlines()
    assert max(map(len, text[:-1])) <= 120
    assert text[-1].startswith(f"total: {model.count_params():,} parameters")


def test_normalization_and_activation_stand_in_the_row_of_their_layer():
    hidden = {"normalization": "batch", "activation": "prelu", "dropout": 0.5}
    rows = recipes.model_table(recipes.mlp((6,), 3, widths=(4,), **hidden)).rows
    assert [row.name for row in rows] == ["inputs", "dense_1", "dense_1_dropout", "logits"]
    assert (rows[1].kind, rows[1].activation, rows[1].parameters) == ("Dense, BatchNorm", "prelu", 28 + 16 + 4)
    assert rows[1].layers == ("dense_1", "dense_1_norm", "dense_1_prelu")
    # What else reads a layer does not read its activation.
    inputs = keras.Input((6,))
    hidden = layers.Dense(6, name="shared")(inputs)
    added = layers.Add(name="added")([hidden, layers.ReLU(name="behind")(hidden)])
    rows = recipes.model_table(keras.Model(inputs, added)).rows
    assert [(row.name, row.activation) for row in rows[1:]] == [
        ("shared", "linear"),
        ("behind", "relu"),
        ("added", None),
    ]
    # Order counts: behind an activation, normalization is something else.
    rows = table_of((6,), layers.Dense(4, "relu"), layers.LayerNormalization()).rows
    assert [row.kind for row in rows] == ["Input", "Dense", "LayerNorm"]


def test_every_layer_has_a_line_however_many_there_are():
    table = recipes.model_table(recipes.mlp((30,), 3, widths="20 x 9"))
    lines = str(table).splitlines()
    assert [line.split()[0] for line in lines] == ["layer", *(row.name for row in table.rows), "total:"]
    assert lines[10].split()[:4] == ["dense_9", "Dense", "20", "420"]


def test_models_inside_are_listed_with_their_layers():
    body = recipes.mlp((6,), 4, widths=(5,))
    inputs = [keras.Input((6,)), keras.Input((6,))]
    both = layers.Concatenate()([body(one) for one in inputs])
    model = keras.Model(inputs, layers.Dense(2, name="head")(both))
    table = recipes.model_table(model)
    assert [(row.name, row.depth) for row in table.rows[2:]] == [
        ("mlp", 0), ("dense_1", 1), ("logits", 1), (model.layers[-2].name, 0), ("head", 0)
    ]  # fmt: skip
    assert table.rows[2].is_model
    assert table.rows[2].parameters == body.count_params()
    # Weights are counted once, and the work of both calls.
    assert table.parameters == body.count_params() + 18
    assert table.rows[2].multiply_adds == 2 * (6 * 5 + 5 * 4)
    assert table.multiply_adds == 2 * (6 * 5 + 5 * 4) + 8 * 2
    assert "\n  dense_1 " in str(table)


class Mystery(layers.Layer):
    def build(self, input_shape):
        self.weight = self.add_weight(shape=(input_shape[-1],))

    def call(self, inputs):
        return inputs * self.weight


class Own(layers.Dense):
    def call(self, inputs):
        return super().call(super().call(inputs))


def test_layers_of_unknown_kinds_are_named():
    table = table_of((6,), layers.Dense(6), Mystery(name="mystery"), Own(6, name="own"))
    assert table.unknown == ("mystery", "own")
    assert table.multiply_adds == 36
    assert [line.split()[-1] for line in str(table).splitlines()[3:5]] == ["?", "?"]
    assert str(table).endswith("at least 36 multiply-adds a row (not known: mystery, own)")


def test_weights_that_are_not_trained_are_counted():
    model = keras.Sequential([keras.Input((6,)), layers.Dense(4, trainable=False), layers.Dense(2)])
    table = recipes.model_table(model)
    assert (table.parameters, table.trainable) == (38, 10)
    assert "38 parameters, 28 of them not trained" in str(table)
    assert table.to_dict()["rows"][1]["name"] == model.layers[0].name


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda: "digits", "`model` must be a keras.Model. Received: 'digits' of type str"),
        (lambda: keras.Sequential([layers.Dense(2)]), "begins with keras.Input. Received: Sequential, not built"),
        (lambda: keras.Model(name="mine"), "the layers of 'mine' cannot be listed"),
    ],
)
def test_what_cannot_be_listed_is_refused(model, message):
    with pytest.raises(ValueError, match=message):
        recipes.model_table(model())
