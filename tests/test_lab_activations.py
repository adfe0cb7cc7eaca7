import numpy as np
import pytest

import recipes

pytestmark = pytest.mark.backend


@pytest.fixture(scope="module")
def result():
    return recipes.lab.run("activations")


def test_slopes_are_those_of_the_textbook(result):
    sigmoid, tanh = result.functions["sigmoid"], result.functions["tanh"]
    assert sigmoid.at_rest == pytest.approx((0.25, 0.25))
    assert tanh.at_rest == pytest.approx((1, 1))
    assert sigmoid.saturated == pytest.approx((4.5396e-5, 4.5396e-5), rel=1e-4)
    assert tanh.saturated == pytest.approx((8.2446e-9, 8.2446e-9), rel=1e-4)
    assert result.functions["ReLU"].at_rest == (0, 1)
    assert result.functions["leaky ReLU"].saturated == (0.01, 1)


def test_leaky_relu_is_a_line_below_0_where_a_printed_table_lacks_z(result):
    leaky = result.functions["leaky ReLU"]
    assert leaky.curve[0] == pytest.approx(0.01 * -5)
    assert leaky.formula == "z, or 0.01 z below 0"
    assert "it is 0.01 z, which is -0.05 at -5" in result.explanation


def test_derivatives_are_the_slopes_of_the_layers_curves(result):
    for function in result.functions.values():
        between = np.diff(function.curve) / np.diff(result.z)
        middle = (function.derivative[1:] + function.derivative[:-1]) / 2
        is_smooth = np.abs(np.diff(function.derivative)) < 0.1
        is_smooth &= np.abs(np.diff(function.curve)) < 0.5  # not the jump of the step
        np.testing.assert_allclose(between[is_smooth], middle[is_smooth], atol=2e-3, err_msg=function.name)


def test_tanh_selu_and_linear_units_are_zero_centred(result):
    assert [name for name, function in result.functions.items() if function.is_zero_centred] == [
        "tanh", "SELU", "linear",
    ]  # fmt: skip


def test_maxout_is_convex_and_made_of_pieces(result):
    for pieces in (2, 5):
        slopes = np.diff(result.functions[f"Maxout, k = {pieces}"].curve) / np.diff(result.z)
        assert (np.diff(slopes) > -1e-3).all()
        assert len(np.unique(result.functions[f"Maxout, k = {pieces}"].derivative)) == pieces
