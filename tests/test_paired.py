import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import f1_score

from recipes.metrics.comparison.paired import accuracy_difference, holm, macro_f1_difference, mcnemar, mean_difference

draws = settings(derandomize=True, deadline=None, max_examples=60)


@draws
@given(st.integers(0, 200), st.integers(0, 200))
def test_mcnemar_is_the_binomial_test_with_half_of_the_observed_split(only_first, only_second):
    rows = only_first + only_second
    exact = stats.binomtest(only_first, rows).pvalue if rows else 1.0
    observed = stats.binom.pmf(only_first, rows, 0.5) if rows else 0.0
    # At a tie, the exact test counts the one split in the middle once, otherwise it counts the observed one twice.
    assert mcnemar(only_first, only_second) == pytest.approx(
        1 - observed / 2 if only_first == only_second and rows else exact - observed
    ) or (rows == 0 and mcnemar(0, 0) == 1.0)
    assert mcnemar(only_first, only_second) == mcnemar(only_second, only_first)


def test_a_published_example_of_mcnemar():
    # Fagerland, Lydersen & Laake (2013), table 1: airway hyper-responsiveness, 1 and 7 discordant pairs: mid-p 0.039.
    assert mcnemar(1, 7) == pytest.approx(0.0391, abs=5e-5)


def test_no_difference_is_found_as_seldom_as_promised_and_intervals_cover():
    generator, rows = np.random.default_rng(0), 300
    found, covered, covered_mean, found_mean = 0, 0, 0, 0
    for _ in range(1000):
        # 8 % of the rows only the first gets right, 8 % only the second.
        _, first, second, both = generator.multinomial(rows, [0.04, 0.08, 0.08, 0.8])
        difference = accuracy_difference(int(first), int(second), int(both), rows)
        found += difference.p_value < 0.05
        covered += difference.low <= 0 <= difference.high
    for _ in range(300):
        shared = generator.normal(size=100)
        errors = np.abs(shared + generator.normal(size=(2, 100)) / 2)
        difference = mean_difference(*errors, resamples=1000)
        found_mean += difference.p_value < 0.05
        covered_mean += difference.low <= 0 <= difference.high
    assert 0.03 <= found / 1000 <= 0.065
    assert 0.935 <= covered / 1000 <= 0.975
    assert 0.02 <= found_mean / 300 <= 0.09
    assert 0.91 <= covered_mean / 300 <= 0.98


@pytest.mark.extensive
def test_macro_f1_is_that_of_scikit_learn_and_its_bootstrap_that_of_the_rows():
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 5, 300)
    first, second = (
        np.where(generator.random(300) < share, generator.integers(0, 5, 300), labels) for share in (0.2, 0.1)
    )
    difference = macro_f1_difference(labels, first, second, 6)  # the last class never occurs, and counts 0
    scores = [f1_score(labels, guess, average="macro", labels=range(6), zero_division=0) for guess in (first, second)]
    assert [difference.first, difference.second] == pytest.approx(scores, abs=1e-12)
    drawn = []
    for _ in range(400):
        rows = generator.integers(300, size=300)
        of_rows = [
            f1_score(labels[rows], guess[rows], average="macro", labels=range(6), zero_division=0)
            for guess in (first, second)
        ]
        drawn.append(of_rows[1] - of_rows[0])
    assert [difference.low, difference.high] == pytest.approx(np.quantile(drawn, [0.025, 0.975]).tolist(), abs=0.01)


def test_groups_of_many_rows_give_the_same_as_the_rows():
    generator = np.random.default_rng(0)
    first, second = np.abs(generator.normal(size=(2, 200_000)))
    difference = mean_difference(first, second, resamples=2000)
    apart = second - first
    reach = 1.96 * apart.std() / np.sqrt(len(apart))
    assert difference.low == pytest.approx(apart.mean() - reach, abs=reach / 8)
    assert difference.high == pytest.approx(apart.mean() + reach, abs=reach / 8)


def test_equal_models_do_not_differ():
    errors = np.random.default_rng(0).random(50)
    difference = mean_difference(errors, errors)
    assert (difference.value, difference.low, difference.high, difference.p_value) == (0.0, 0.0, 0.0, 1.0)
    difference = accuracy_difference(0, 0, 90, 100)
    assert (difference.value, difference.p_value) == (0.0, 1.0)
    assert difference.low < 0 < difference.high


@draws
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_rejects_what_stepping_down_rejects(p_values):
    adjusted = holm(p_values)
    for level in (0.01, 0.05, 0.2):
        rejected = set()
        for step, number in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
            if p_values[number] * (len(p_values) - step) > level:
                break
            rejected.add(number)
        assert {number for number, value in enumerate(adjusted) if value <= level} == rejected
