import keras
import numpy as np
import pytest

import recipes
from custom_layers import ParametricActivation

pytestmark = pytest.mark.backend
ROWS = np.random.default_rng(0).standard_normal((5, 4, 3)).astype("float32")


def array(tensor):
    return np.asarray(keras.ops.convert_to_numpy(tensor))


def test_it_is_the_activation_at_first_and_the_identity_where_alpha_is_zero():
    layer = ParametricActivation("mish")
    np.testing.assert_allclose(array(layer(ROWS)), array(keras.activations.mish(ROWS)), atol=1e-6)
    layer.set_weights([np.array([0.0, 1.0, 2.0])])
    mish = array(keras.activations.mish(ROWS))
    np.testing.assert_allclose(array(layer(ROWS)), np.stack([ROWS, mish, 2 * mish - ROWS], -1)[..., range(3), range(3)],
                               atol=1e-6)  # fmt: skip


def test_each_unit_of_the_axis_has_its_own_strength():
    layer = ParametricActivation("selu", axis=1)
    layer.build((None, 4, 3))
    layer.set_weights([np.arange(4.0)[:, None]])
    np.testing.assert_array_equal(array(layer(ROWS))[:, 0], ROWS[:, 0])
    assert layer.alpha.shape == (4, 1)


def test_builders_make_it_with_ordinary_dropout_and_the_initializer_of_its_function():
    model = recipes.mlp((5,), 3, widths=(8,), activation="parametric-selu", dropout=0.1)
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds == ["InputLayer", "Dense", "ParametricActivation", "Dropout", "Dense"]
    assert type(model.get_layer("dense_1").kernel_initializer).__name__ == "LecunNormal"
    assert model.get_layer("dense_1_parametric_selu").activation is keras.activations.selu
    row = recipes.model_table(model).rows[1]
    assert (row.activation, row.parameters) == ("parametric_selu", 5 * 8 + 8 + 8)
    with pytest.raises(
        ValueError, match="cells of recurrent have no parametric activations. Received: parametric_tanh"
    ):
        recipes.recurrent((None, 2), 1, activation="parametric_tanh")
    with pytest.raises(ValueError, match=r"unknown activation 'parametric_prelu.: did you mean"):
        recipes.mlp((5,), 3, activation="parametric_prelu")


def test_weight_decay_of_recipes_leaves_its_strength_alone():
    model = keras.Sequential([keras.Input((3,)), ParametricActivation("mish")])
    optimizer = recipes.optimizers.get("adamw", 0.1, weight_decay=0.5)
    model.compile(optimizer, loss=lambda _, made: 0.0 * keras.ops.sum(made))
    model.train_on_batch(np.ones((2, 3), "float32"), np.ones((2, 3), "float32"))
    assert (array(model.layers[0].alpha) == 1).all()


@pytest.mark.parametrize("axis", [0, 3, -3, 1])
def test_an_axis_that_does_not_fit_is_refused(axis):
    with pytest.raises(ValueError, match=rf"`axis` must be an axis of known length .* Received: axis={axis}"):
        ParametricActivation("mish", axis=axis).build((None, None, 3))
