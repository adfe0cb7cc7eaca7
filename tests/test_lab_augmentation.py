import numpy as np
import pytest

import recipes
from recipes.lab import augmentation


@pytest.mark.extensive
@pytest.mark.backend
def test_both_trainings_have_the_same_rows_and_are_measured_on_all_others():
    result = augmentation.run(draws=1, epochs=10)
    assert (result.rows, result.held_out_rows) == (50, 1747)
    assert result.epochs.tolist() == [10]
    assert {name: accuracy.shape for name, accuracy in result.moved.items()} == {"without": (1, 1), "with": (1, 1)}
    first, *changed = result.images
    assert all(not np.array_equal(first, image) for image in changed)


@pytest.mark.extensive
def test_a_network_that_sees_changed_images_is_better_on_changed_ones():
    result = recipes.lab.run("augmentation")
    plain, augmented = (result.moved[name][:, -1] for name in ("without", "with"))
    assert result.training["without"].mean() > 0.99
    assert (augmented > plain).all()
    assert augmented.mean() > plain.mean() + 0.03
    assert f"{augmented.mean():.1%}" in result.explanation
