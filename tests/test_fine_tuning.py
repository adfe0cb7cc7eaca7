import keras
import numpy as np
import pytest

import recipes
from recipes.optimizers import GradientClipping
from recipes.settings import FineTune, Model, Recipe

pytestmark = [pytest.mark.backend, pytest.mark.whole]
ROWS = np.random.default_rng(0).normal(size=(32, 8, 8, 1)).astype(np.float32)
LABELS = np.arange(32) % 3


def arrays(weights):
    return [np.array(keras.ops.convert_to_numpy(weight)) for weight in weights]


def transferred(optimizer="sgd", **compiled):
    """A small body with batch normalization under a new head, compiled."""
    keras.utils.set_random_seed(0)
    source = recipes.convnet((8, 8, 1), 4, widths=(3, 4, 5), normalization="batch", dropout=0.5)
    model = recipes.transfer(source, 3)
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True), **compiled)
    return model


def moved(model, batches=1):
    """How far each weight has gone in one update on all rows, by path."""
    before = arrays(model.trainable_weights)
    model.fit(ROWS, LABELS, batch_size=len(ROWS) // batches, shuffle=False, verbose=0)
    after = arrays(model.trainable_weights)
    paths = [weight.path for weight in model.trainable_weights]
    return {path: new - old for path, old, new in zip(paths, before, after, strict=True)}


def accumulating(learning_rate, learning_rate_factors):
    inner = keras.optimizers.Adam(learning_rate, weight_decay=0.1, gradient_accumulation_steps=2)
    return GradientClipping(inner, learning_rate_factors=learning_rate_factors)


def named(name, **options):
    return lambda rate, learning_rate_factors: recipes.optimizers.get(
        name, rate, learning_rate_factors=learning_rate_factors, **options
    )


@pytest.mark.parametrize(
    "optimizer",
    [
        named("nesterov", percentile_clip=10),
        named("adamw", weight_decay=0.5, global_clipnorm=0.1),
        named("adam", weight_decay=0.1, adaptive_clip=0.01, ema_momentum=0.5),
        accumulating,
    ],
)
def test_each_weight_moves_by_its_factor(optimizer):
    shapes = {"conv_1/kernel": (3, 2), "conv_1/bias": (2,), "conv_2/kernel": (2, 2), "conv_3/bias": (4,)}
    generator = np.random.default_rng(0)
    weights = {path: generator.normal(size=shape).astype(np.float32) for path, shape in shapes.items()}
    gradients = [generator.normal(size=shape).astype(np.float32) for shape in shapes.values()]

    def movement(factors):
        variables = []
        for path, value in weights.items():
            layer, name = path.split("/")
            with keras.name_scope(layer):
                variables.append(keras.Variable(value, name=name))
        updating = optimizer(0.01, factors)
        for _ in range(getattr(updating.inner_optimizer, "gradient_accumulation_steps", None) or 1):
            updating.apply([keras.ops.convert_to_tensor(gradient) for gradient in gradients], variables)
        return [new - old for new, old in zip(arrays(variables), weights.values(), strict=True)]

    slow = movement({"conv_1": 0.1, "conv_1/bias": 0.2, "conv_3/bias": 0.0})
    for step, whole, factor in zip(slow, movement(None), [0.1, 0.2, 1.0, 0.0], strict=True):
        np.testing.assert_allclose(step, factor * whole, rtol=1e-3, atol=3e-7)
        assert np.abs(whole).max() > 1e-4


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        ({"conv_4": 0.5}, "unknown weight in `learning_rate_factors`: 'conv_4'"),
        ({"conv_1": 2}, "`learning_rate_factors` must be from 0 to 1. Received: 2 for conv_1"),
        ([0.5], "`learning_rate_factors` must be a mapping"),
    ],
)
def test_wrong_factors_are_refused(factors, message):
    with pytest.raises(ValueError, match=message):
        recipes.optimizers.get("sgd", learning_rate_factors=factors).build(transferred().trainable_weights)


def test_the_last_layers_are_trained_each_slower_than_the_one_above():
    model = recipes.fine_tune(transferred(), learning_rate=0.01, layers=2, layer_decay=0.5)
    body = model.get_layer("body")
    assert [weight.path for weight in body.trainable_weights] == [
        "conv_2/kernel", "conv_2/bias", "conv_3/kernel", "conv_3/bias",
    ]  # fmt: skip
    steps = moved(model)
    alike = transferred()
    whole = moved(recipes.fine_tune(alike, learning_rate=0.01))
    for path, factor in {"conv_2/kernel": 0.25, "conv_3/kernel": 0.5, "logits/kernel": 1.0}.items():
        np.testing.assert_allclose(steps[path], factor * whole[path], rtol=1e-3, atol=1e-7)
    assert np.abs(whole["conv_1/kernel"]).max() > 0
    assert not any("norm" in path for path in whole)


def test_normalization_keeps_its_statistics_and_weights():
    model = recipes.fine_tune(transferred(), learning_rate=0.01)
    body = model.get_layer("body")
    before = arrays(body.non_trainable_weights)
    model.fit(ROWS, LABELS, epochs=2, verbose=0)
    assert len(before) == 3 * 4
    for old, new in zip(before, arrays(body.non_trainable_weights), strict=True):
        np.testing.assert_array_equal(old, new)


def test_the_model_is_compiled_as_before_but_slower():
    optimizer = recipes.optimizers.get("momentum", 0.1, momentum=0.8, weight_decay=0.01, global_clipnorm=2.0)
    model = transferred(optimizer, metrics=["accuracy"])
    loss = model.loss
    assert recipes.fine_tune(model, learning_rate=0.02) is model
    assert model.loss is loss
    assert model.optimizer is not optimizer
    assert model.optimizer.global_clipnorm == 2.0
    inner = model.optimizer.inner_optimizer
    assert (inner.momentum, inner.weight_decay) == (0.8, 0.01)
    assert float(keras.ops.convert_to_numpy(model.optimizer.learning_rate)) == pytest.approx(0.02)
    assert model.optimizer.decay_kernels_only
    assert "accuracy" in model.evaluate(ROWS, LABELS, return_dict=True, verbose=0)


@pytest.mark.extensive
def test_clipping_of_keras_own_is_kept_beside_the_factors(tmp_path):
    model = transferred(keras.optimizers.Adam(0.1, clipnorm=0.5))
    recipes.fine_tune(model, learning_rate=0.01, layer_decay=0.5)
    assert (model.optimizer.clipnorm, model.optimizer.inner_optimizer.clipnorm) == (0.5, None)
    model.fit(ROWS, LABELS, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.optimizer.learning_rate_factors["conv_1/kernel"] == 0.125
    assert [weight.path for weight in again.trainable_weights] == [weight.path for weight in model.trainable_weights]
    steps, same_steps = moved(model), moved(again)
    for path, step in steps.items():
        np.testing.assert_allclose(same_steps[path], step, rtol=1e-4, atol=1e-7)
    recipes.fine_tune(again, learning_rate=0.01, layers=1)
    assert again.optimizer.learning_rate_factors == {}
    moved(again)


def test_a_transferred_sequential_keeps_its_factors_when_it_is_loaded(tmp_path):
    source = keras.Sequential([keras.layers.Dense(6, "relu"), keras.layers.Dense(5, "relu"), keras.layers.Dense(4)])
    source(ROWS[:, 0, :, 0])
    model = recipes.transfer(source, 3)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    recipes.fine_tune(model, learning_rate=0.1, layer_decay=0.5)
    model.train_on_batch(ROWS[:, 0, :, 0], LABELS)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    for one in (model, again):
        one.train_on_batch(ROWS[:, 0, :, 0], LABELS)
    for first, second in zip(arrays(model.weights), arrays(again.weights), strict=True):
        np.testing.assert_allclose(first, second, atol=1e-7)
    on_top = recipes.transfer(tmp_path / "model.keras", 2)
    assert len(on_top.get_layer("body").weights) == 4
    tuned = recipes.fine_tune(again, learning_rate=0.1, layer_decay=0.1)
    tuned.train_on_batch(ROWS[:, 0, :, 0], LABELS)
    assert sorted(set(tuned.optimizer.learning_rate_factors.values())) == pytest.approx([0.01, 0.1])


@pytest.mark.parametrize(
    ("model", "arguments", "message"),
    [
        (lambda: recipes.mlp((4,), 3), {}, "only a model of `recipes.transfer` has a body to fine-tune"),
        (lambda: recipes.transfer(recipes.mlp((4,), 3), 2), {}, "transfer must be compiled, and its head trained"),
        (transferred, {"learning_rate": 0}, "`learning_rate` must be more than 0 and finite. Received: 0"),
        (transferred, {"layers": 4}, "`layers` must be from 1 to 3, the layers of the body. Received: 4"),
        (transferred, {"layer_decay": 1.5}, "`layer_decay` must be more than 0 and at most 1. Received: 1.5"),
    ],
)
def test_wrong_arguments_are_refused_in_one_line(model, arguments, message):
    model = model()
    with pytest.raises(ValueError, match=message):
        recipes.fine_tune(model, **{"learning_rate": 0.01, **arguments})
    assert not any("conv" in weight.path for weight in model.trainable_weights)


def recipe_of(run, **fine_tune):
    return recipes.get("tabular").replace(
        model={"builder": "transfer", "body": str(run.directory), "widths": None},
        optimizer={"learning_rate": 0.05},
        fit={"epochs": 2, "patience": None},
        fine_tune={"epochs": 3, **fine_tune},
    )


def test_a_recipe_fine_tunes_after_its_head_is_trained(run, tmp_path, assert_alike):
    seen = []
    epochs = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))
    recipe = recipe_of(run, learning_rate=0.001, layer_decay=0.5)
    tuned = recipes.train(recipe, output=tmp_path, callbacks=[epochs], pictures=False, verbose=False)
    assert seen == [0, 1, 2, 3, 4]
    assert len(tuned.history["val_loss"]) == 5
    assert tuned.kept_epoch == 3 + np.argmin(tuned.history["val_loss"][2:])
    assert recipes.Stored(tuned.directory).kept_epoch == tuned.kept_epoch
    assert tuned.report.accuracy > 0.9
    again = recipes.load_model(tuned.directory)
    rows, _ = recipes.load_dataset("breast_cancer").test
    np.testing.assert_allclose(again.predict(rows, verbose=0), tuned.model.predict(rows, verbose=0), atol=1e-6)
    assert_alike(recipes.evaluate(tuned.directory), tuned.report)
    assert recipes.transfer(tuned.directory, 3).get_layer("body").get_layer("body")  # one on top of the other


@pytest.mark.extensive
def test_fine_tuning_that_does_harm_is_undone(run, tmp_path):
    recipe = recipe_of(run, learning_rate=10.0).replace(schedule={"name": "constant"})
    tuned = recipes.train(recipe, output=tmp_path, pictures=False, verbose=False)
    assert len(tuned.history["loss"]) == 5
    assert tuned.kept_epoch == 1 + np.argmin(tuned.history["val_loss"][:2])
    head = recipes.train(
        recipe.replace(fine_tune={"epochs": 0}), output=tmp_path, name="head", pictures=False, verbose=False
    )
    for first, second in zip(arrays(tuned.model.weights), arrays(head.model.weights), strict=True):
        np.testing.assert_allclose(first, second, atol=1e-6)


@pytest.mark.extensive
def test_the_last_weights_can_be_kept(short_recipe, tmp_path):
    recipe = short_recipe.replace(
        optimizer={"learning_rate": 0.05},
        schedule={"name": "constant"},
        fit={"epochs": 40, "patience": None, "keep": "last"},
    )
    dataset = recipes.load_dataset("breast_cancer")
    core = recipes.mlp(dataset.input_shape, dataset.num_outputs, widths=(16,))
    last = recipes.train(recipe, model=core, output=tmp_path, pictures=False, verbose=False).history["val_loss"]
    assert min(last) < 0.9 * last[-1]  # it has learnt its rows by heart
    assert core.evaluate(*dataset.prepared("validation"), verbose=0)[0] == pytest.approx(last[-1], rel=1e-4)


@pytest.mark.extensive
def test_fine_tuning_belongs_to_transfer(short_recipe, tmp_path):
    with pytest.raises(ValueError, match="fine_tune.epochs belongs to the builder transfer. Received: 3 with mlp"):
        Recipe(name="mine", fine_tune=FineTune(epochs=3))
    recipe = short_recipe.replace(model=Model(builder="transfer"), fine_tune={"epochs": 1})
    with pytest.raises(ValueError, match="only a model of `recipes.transfer` has a body"):
        recipes.train(recipe, model=recipes.mlp((30,), 1), output=tmp_path, verbose=False)
    own = recipes.transfer(recipes.mlp((30,), 1, widths=(8,)), 1)
    run = recipes.train(recipe, model=own, output=tmp_path, epochs=1, pictures=False, verbose=False)
    assert len(run.history["loss"]) == 2
