import recipes
from recipes.cli.arguments import read_recipe
from recipes.cli.train import _parser
from recipes.training.request import Request


def test_the_rows_that_a_named_recipe_draws_are_of_its_own_data():
    def rows(recipe, data=None):
        return Request(recipe, data).changed_recipe().data.train_rows

    assert (rows("digits-transfer"), rows("digits_transfer", "Digits"), rows("digits-transfer", "photos")) == (
        50,
        50,
        None,
    )
    assert rows(recipes.get("digits-transfer"), "photos") == 50  # as its owner has it
    for arguments, expected in (
        (["--data", "photos"], None),
        (["--data", "digits"], 50),
        ([], 50),
        (["--data=photos", "--data.train_rows=50"], 50),
    ):
        _, recipe, _ = read_recipe("train", ["digits-transfer", *arguments], _parser)
        assert recipe.data.train_rows == expected
