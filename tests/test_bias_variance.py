import pytest

from recipes.metrics import bias_and_variance


def test_of_1_5_and_8_percent_the_avoidable_bias_is_4_points_and_the_variance_3():
    errors = bias_and_variance(0.05, 0.08, human_error=0.01)
    assert (errors.avoidable_bias, errors.variance) == pytest.approx((0.04, 0.03))
    assert str(errors) == (
        "Error rate: 5% on training rows, 8% on held-out rows, 1% of people: the avoidable bias is 4 percentage "
        "points, the variance 3 percentage points."
    )
    assert errors.advice.startswith(
        "Bias (underfitting): the training error is 4 percentage points above that of people. What may lower it: "
    )


@pytest.mark.parametrize(
    ("errors", "larger", "words"),
    [
        ((0.05, 0.08, 0.04, None), "variance", "Variance (overfitting): the error on held-out rows is 3 percentage"),
        ((0.05, 0.08, None, None), "bias", "unless people err as much"),
        ((0.30, 0.31, None, 0.20), "bias", "simple models err less on held-out rows (20%)"),
        ((0.30, 0.45, None, 0.42), "variance", "more training rows"),  # what simple models miss may be noise
        ((0.05, 0.08, None, 0.20), "bias", "unless people err as much"),
        ((0.05, 0.06, 0.05, None), "neither", "both are at most 1 percentage point."),
        ((0.01, 0.005, None, 0.2), "neither", "stands out"),
        ((0.02, 0.10, 0.05, 0.01), "variance", "overfitting"),  # better than people on the training rows
    ],
)
def test_the_larger_of_the_two_comes_with_what_lowers_it(errors, larger, words):
    training, held_out, human, simple = errors
    told = bias_and_variance(training, held_out, human_error=human, simple_error=simple)
    assert told.larger == larger
    assert words in told.advice


def test_a_difference_within_the_margin_is_not_told():
    assert bias_and_variance(0.0, 0.03).larger == "variance"
    assert bias_and_variance(0.0, 0.03, margin=0.04).larger == "neither"


def test_errors_of_numbers_are_shares_of_their_variance():
    told = bias_and_variance(0.4, 0.46, measure="1 - R2")
    assert str(told) == (
        "1 - R2: 0.4 on training rows, 0.46 on held-out rows: the avoidable bias is at most 0.4, the variance 0.06."
    )
