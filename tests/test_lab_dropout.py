import numpy as np
import pytest

import recipes
from recipes.lab.dropout import RATES, _ones, _sums

pytestmark = pytest.mark.backend


def test_what_is_kept_is_divided_by_the_share_kept():
    kept, shares = _ones()
    for rate in RATES:
        assert kept[rate] == pytest.approx(1 / (1 - rate))
        assert shares[rate] == pytest.approx(rate, abs=0.05)


def test_sums_keep_their_mean_between_training_and_inference():
    sums, inference = _sums()
    error = sums.std() / np.sqrt(len(sums))
    assert sums.mean() == pytest.approx(inference, abs=4 * error)
    assert sums.std() > 20 * error


@pytest.mark.extensive
def test_dropout_learns_few_rows_less_by_heart():
    result = recipes.lab.run("dropout")
    without, dropped = result.networks["without"], result.networks["with"]
    assert without.training_loss[-1] < 0.15 < 0.4 < dropped.training_loss[-1]
    assert without.validation_loss[-1] > 1.2 * without.validation_loss.min()
    assert dropped.validation_loss[-1] < 0.95 * without.validation_loss[-1]
    assert dropped.validation_accuracy[-1] > without.validation_accuracy[-1] + 0.05
