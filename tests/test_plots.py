import numpy as np
import pytest
from matplotlib.figure import Figure

import recipes
from recipes.metrics import plots


@pytest.mark.parametrize("num_classes", [2, 10, 100])
def test_a_confusion_matrix_is_drawn_on_the_axes_given(num_classes):
    labels = np.arange(3 * num_classes) % num_classes
    ax = Figure().subplots()
    assert plots.confusion_matrix(recipes.classification_report(labels, labels), ax) is ax
    assert len(ax.texts) == (num_classes if num_classes <= 20 else 0)
    assert len(ax.get_xticks()) <= 40


def test_learning_curves_mark_the_epoch_that_is_kept():
    history = {"loss": [3.0, 2.0, 1.0], "val_loss": [3.0, 2.0, 2.5]}
    ax = plots.learning_curves(history, Figure().subplots())
    assert [line.get_label() for line in ax.lines] == ["training", "validation", "kept: epoch 2, 2"]


def test_axes_are_made_where_none_are_given():
    import matplotlib.pyplot as plt

    ax = plots.learning_curves({"loss": [1.0, 0.5]})
    assert ax.get_xlabel() == "epoch"
    plt.close("all")
