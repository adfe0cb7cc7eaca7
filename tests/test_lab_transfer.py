import pytest

import recipes
from recipes.lab import transfer

pytestmark = pytest.mark.extensive


@pytest.mark.backend
def test_networks_are_trained_on_each_number_of_labels():
    result = transfer.run(labels=(1,), draws=1)
    assert {name: values.shape for name, values in result.accuracy.items()} == dict.fromkeys(
        ("from scratch", "frozen body", "fine-tuned"), (1, 1)
    )
    assert result.held_out_rows == 1797 - 10
    assert result.parameters["head"] == 410


def test_features_of_mnist_beat_learning_from_scratch_most_where_labels_are_fewest():
    result = recipes.lab.run("transfer")
    scratch, frozen, tuned = (values.mean(axis=1) for values in result.accuracy.values())
    assert (frozen > scratch + 0.02).all()
    assert (tuned > scratch + 0.02).all()
    assert frozen[0] - scratch[0] > frozen[-1] - scratch[-1]
    assert f"{frozen[0]:.0%}" in result.explanation
