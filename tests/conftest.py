"""Shared by all tests: one short real training, and no chatter."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import pytest


@pytest.fixture(scope="session")
def short_recipe():
    """The `tabular` recipe, cut to a second or two."""
    import recipes

    quick = {"model": {"widths": [16]}, "optimizer": {"learning_rate": 0.01}, "fit": {"epochs": 6}}
    return recipes.get("tabular").replace(**quick)


@pytest.fixture(scope="session")
def run(tmp_path_factory, short_recipe):
    """A finished training on breast_cancer."""
    import recipes

    return recipes.train(short_recipe, output=tmp_path_factory.mktemp("runs"), verbose=False)
