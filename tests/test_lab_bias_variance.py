import numpy as np
import pytest

import recipes
from recipes.lab.bias_variance import EXAMPLES, BiasAndVariance, Network
from recipes.metrics import bias_and_variance

LECTURE = bias_and_variance(EXAMPLES[0][1], EXAMPLES[0][2], human_error=EXAMPLES[0][0])


def test_the_lectures_errors_of_1_5_and_8_percent_are_more_bias_than_variance():
    network = Network(60, np.array([0.5, 0.05]), np.array([0.6, 0.08]), LECTURE)
    networks = {(units, rows): network for units in ("2 units", "64 units") for rows in ("few", "all")}
    result = BiasAndVariance([LECTURE], networks)
    name, *errors, larger, advice = result.tables()[0].rows[0]
    assert name == "lecture"
    assert errors == pytest.approx([1, 5, 8, 4, 3])
    assert larger == "bias"
    assert advice.startswith("a larger model")
    assert "the avoidable bias is 4 points and the variance 3" in result.explanation
    assert len(result.plot()) == 4


@pytest.mark.extensive
@pytest.mark.backend
def test_a_small_network_has_bias_few_rows_cause_variance_and_the_advice_helps():
    networks = recipes.lab.run("bias-variance").networks
    small, few, good = (networks[key].errors for key in (("2 units", "all"), ("64 units", "few"), ("64 units", "all")))
    assert small.larger == "bias"
    assert small.avoidable_bias > 5 * small.variance
    assert few.larger == "variance"
    assert few.training_error < 0.01
    assert few.held_out_error > 0.15
    assert good.training_error < 0.01
    assert good.held_out_error < 0.06
