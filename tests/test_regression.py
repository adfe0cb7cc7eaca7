import numpy as np
import pytest
from sklearn import metrics

import recipes


def test_numbers_are_judged_as_by_scikit_learn():
    y_true, y_pred = np.random.default_rng(0).normal(5, 3, size=(2, 100))
    report = recipes.regression_report(y_true, y_pred[:, None])
    assert report.mean_error == pytest.approx((y_pred - y_true).mean(), abs=1e-12)
    assert report.mae == pytest.approx(metrics.mean_absolute_error(y_true, y_pred), abs=1e-12)
    assert report.mse == pytest.approx(metrics.mean_squared_error(y_true, y_pred), abs=1e-12)
    assert report.rmse == pytest.approx(metrics.root_mean_squared_error(y_true, y_pred), abs=1e-12)
    assert report.r2 == pytest.approx(metrics.r2_score(y_true, y_pred), abs=1e-12)
    assert set(report.to_dict()) == {"mean_error", "mae", "mse", "rmse", "r2", "rows"}


@pytest.mark.parametrize("y_pred", [[2.0, 2.0], [2.0, 3.0]])
def test_r2_of_constant_targets_is_as_in_scikit_learn(y_pred):
    assert recipes.regression_report([2.0, 2.0], y_pred).r2 == metrics.r2_score([2.0, 2.0], y_pred)


def test_it_prints_as_an_aligned_table():
    assert str(recipes.regression_report([1.0, 2.0], [2.0, 2.0])).splitlines() == [
        "mean error           0.5",
        "MAE                  0.5",
        "MSE                  0.5",
        "RMSE            0.707107",
        "R2                    -1",
        "",
        "on 2 rows",
    ]


@pytest.mark.parametrize(
    ("y_true", "y_pred", "message"),
    [
        ([1.0], [1.0, 2.0], "as many rows. Received: 1 and 2"),
        ([], [], r"`y_true` must have the shape \(rows,\)"),
        ([1.0], [np.inf], "`y_predicted` has 1 values that are not finite, the first at row 0"),
        (["a"], [1.0], "`y_true` must hold numbers"),
    ],
)
def test_what_cannot_be_judged_is_told_in_one_line(y_true, y_pred, message):
    with pytest.raises(ValueError, match=message):
        recipes.regression_report(y_true, y_pred)
