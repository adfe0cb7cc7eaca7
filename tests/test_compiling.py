import keras
import pytest

import recipes


@pytest.mark.backend
@pytest.mark.whole
def test_our_pieces_serve_a_fit_by_hand(short_recipe):
    dataset = recipes.load_dataset("breast_cancer")
    x, y = dataset.prepared("train")
    model = recipes.mlp(dataset.input_shape, dataset.num_outputs)
    assert recipes.compile_model(model, short_recipe, steps_per_epoch=len(x) // 32) is model
    assert model.optimizer.global_clipnorm == short_recipe.optimizer.global_clipnorm
    history = model.fit(
        x, y, epochs=4, validation_data=dataset.prepared("validation"),
        callbacks=recipes.callbacks_for(short_recipe), verbose=0,
    )  # fmt: skip
    assert max(history.history["val_accuracy"]) > 0.9


def test_compile_model_says_what_it_needs():
    recipe = recipes.get("tabular").replace(data={"name": "mine.npz"})
    with pytest.raises(ValueError, match="`task` must be classification or regression. Received: None"):
        recipes.compile_model(recipes.mlp((3,), 1), recipe, 10)
    recipe = recipes.get("tabular").replace(data={"name": "diabetes"})
    loss = recipes.compile_model(recipes.mlp((10,), 1), recipe, 10).loss
    assert isinstance(loss, keras.losses.MeanSquaredError)
    with pytest.raises(ValueError, match="the cosine schedule needs `steps_per_epoch`"):
        recipes.compile_model(recipes.mlp((3,), 1), "tabular")
    with pytest.raises(ValueError, match="`task` must be classification or regression. Received: 'ranking'"):
        recipes.compile_model(recipes.mlp((3,), 1), "tabular", 10, task="ranking")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"loss": {"name": "mse"}}, "mean_squared_error is a loss of numbers, and the task is classification: use"),
        ({"loss": {"name": "hinge"}}, "hinge needs a single output, and the model has 3: use weston_watkins_hinge or"),
        ({"loss": {"name": "huber", "label_smoothing": 0.1}}, "huber has only the options delta. Received: label_sm"),
        ({"loss": {"name": "cross_entropie"}}, "unknown loss 'cross_entropie': did you mean 'cross_entropy'"),
    ],
)
def test_losses_that_do_not_suit_are_refused(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        recipes.train(recipes.get("tabular").replace(**changes), "wine", output=tmp_path, pictures=False, verbose=False)
    assert not list(tmp_path.iterdir())
