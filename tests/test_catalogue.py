import pytest

import recipes
from recipes import catalogue


def test_the_first_recipes_are_there():
    assert {"digits", "digits-selu", "digits-convnet", "tabular"} <= set(recipes.names())


@pytest.mark.parametrize("name", catalogue.names())
def test_a_recipe_is_called_what_its_module_is_called_and_says_what_it_is(name):
    assert recipes.get(name).name == name
    assert catalogue.summary(name).endswith(".")


def test_hyphens_and_underscores_are_alike():
    assert recipes.get("digits_selu") is recipes.get("digits-selu")


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(ValueError, match="unknown recipe 'digit': did you mean 'digits'"):
        recipes.get("digit")


def test_digits_clips_its_gradient_norm():
    assert recipes.get("digits").optimizer.global_clipnorm
