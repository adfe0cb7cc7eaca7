import numpy as np
import pytest

import recipes
from recipes.lab.batch_normalization import COUNTS, FAST, OTHERS, SLOW, VALUES, _outputs

pytestmark = pytest.mark.backend
EPSILON = 1e-3  # of Keras


@pytest.fixture(scope="module")
def result():
    return recipes.lab.run("batch-normalization")


def test_outputs_are_those_of_the_formulas_in_both_modes():
    trained, among_others, inferred = _outputs()
    values, others = np.array(VALUES), np.array(OTHERS)
    assert (values.mean(), values.var()) == (3, 3.5)
    np.testing.assert_allclose(trained, (values - 3) / np.sqrt(3.5 + EPSILON), atol=1e-5)
    np.testing.assert_allclose(among_others, (others - others.mean()) / np.sqrt(others.var() + EPSILON), atol=1e-5)
    for count, outputs in zip(COUNTS, inferred, strict=True):
        seen = 1 - 0.99**count
        expected = (values - 3 * seen) / np.sqrt(1 - seen + 3.5 * seen + EPSILON)
        np.testing.assert_allclose(outputs, expected, atol=1e-3)


@pytest.mark.extensive
def test_bad_initial_weights_are_forgiven(result):
    without, normalized = result.accuracy["without"], result.accuracy["with"]
    assert without[2] > 0.85
    assert without[[0, -1]] == pytest.approx(0.1, abs=0.05)
    assert (normalized > 0.5).all()
    assert (normalized[:3] > 0.9).all()


@pytest.mark.extensive
def test_inference_lags_behind_training_with_a_slow_average(result):
    training, inference = result.modes[SLOW]
    assert training[1] - inference[1] > 0.3
    assert abs(training[-1] - inference[-1]) < 0.1
    training, inference = result.modes[FAST]
    assert (inference - training > -0.1).all()
