import keras
import numpy as np
import pytest

from recipes.lab.flow import Stack

pytestmark = pytest.mark.backend


def test_outputs_and_gradients_of_a_stack_are_those_of_the_formulas():
    rng = np.random.default_rng(0)
    x, gradient = (rng.standard_normal((5, 4)).astype("float32") for _ in range(2))
    layers = [keras.layers.Dense(4, activation="tanh", kernel_initializer=keras.initializers.RandomNormal(seed=seed))
              for seed in (1, 2)]  # fmt: skip
    stack = Stack(layers, x.shape)
    for size in (1.0, 1e-12):  # small gradients have all of their digits
        flow = stack.flow(x, gradient * size)
        first, second = (keras.ops.convert_to_numpy(layer.kernel) for layer in layers)
        hidden = np.tanh(x @ first)
        np.testing.assert_allclose(flow.outputs, [hidden, np.tanh(hidden @ second)], rtol=1e-5, atol=1e-7)
        below = (gradient * size * (1 - flow.outputs[1] ** 2)) @ second.T
        np.testing.assert_allclose(flow.gradients, [below, gradient * size], rtol=1e-4, atol=1e-6 * size)
