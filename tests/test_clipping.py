"""Every way of clipping, through the same conditions."""

import keras
import numpy as np
import pytest

import recipes
from recipes.optimizers import AdaptiveGradientClipping, GradientClipping, PercentileClipping
from recipes.optimizers.adaptive import clip_by_weights
from recipes.optimizers.clipping import clip_by_value
from recipes.optimizers.percentile import percentile_of, with_norm

pytestmark = [pytest.mark.backend, pytest.mark.optimized]
WAYS = {
    "none": {},
    "clipnorm": {"clipnorm": 0.05},
    "global_clipnorm": {"global_clipnorm": 0.05},
    "clipvalue": {"clipvalue": 0.01},
    "adaptive_clip": {"adaptive_clip": 0.01},
    "percentile_clip": {"percentile_clip": 1},
}
X = np.random.default_rng(0).normal(size=(64, 6)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.int32)


def arrays(variables):
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


def network(optimizer, jit="auto"):
    keras.utils.set_random_seed(0)
    layers = [keras.Input((6,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(2, name="logits")]
    model = keras.Sequential(layers)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, jit_compile=jit)
    return model


def updated(optimizer, gradients, weights=None):
    """The change of some weights by one update, for a rate of 1."""
    weights = weights or [np.zeros_like(gradient) for gradient in gradients]
    variables = [keras.Variable(weight, name="kernel") for weight in weights]
    optimizer.build(variables)
    optimizer.apply([keras.ops.convert_to_tensor(gradient) for gradient in gradients])
    return [old - new for old, new in zip(weights, arrays(variables), strict=True)]


def sgd():
    return keras.optimizers.SGD(1.0)


G = [np.array([[3.0, 0.0], [4.0, 0.1]], np.float32), np.array([12.0], np.float32)]


@pytest.mark.parametrize(
    ("arguments", "expected", "clipped"),
    [
        ({}, G, 0),
        ({"clipnorm": 6}, [G[0], G[1] / 2], 1),
        ({"global_clipnorm": 1.3}, [g * 1.3 / np.sqrt(169.01) for g in G], 1),
        ({"global_clipnorm": 100}, G, 0),
        ({"clipvalue": 3.5}, [np.clip(g, -3.5, 3.5) for g in G], 1),
    ],
)
def test_bounds_do_what_they_say_and_are_counted(arguments, expected, clipped):
    optimizer = GradientClipping(sgd(), **arguments)
    for change, wanted in zip(updated(optimizer, G), expected, strict=True):
        np.testing.assert_allclose(change, wanted, rtol=1e-5)
    assert (optimizer.clipped_steps, optimizer.skipped_steps) == (clipped, 0)


def test_adaptive_clipping_bounds_each_unit_by_its_weights():
    weights = [np.array([[3.0, 0.0], [4.0, 0.0]], np.float32), np.array([1.0], np.float32)]
    optimizer = AdaptiveGradientClipping(sgd(), clip_factor=0.1, epsilon=0.01)
    kernel, bias = updated(optimizer, G, weights)
    np.testing.assert_allclose(kernel, [[0.3, 0.0], [0.4, 0.001]], rtol=1e-4)  # 0.1 x |(3, 4)|, and 0.1 x epsilon
    np.testing.assert_allclose(bias, [0.1], rtol=1e-5)
    left_alone = AdaptiveGradientClipping(sgd(), clip_factor=0.1, exclude=["kernel"])
    np.testing.assert_allclose(updated(left_alone, G, weights)[1], G[1], rtol=1e-5)
    assert (optimizer.clipped_steps, left_alone.clipped_steps) == (1, 0)


def test_percentile_clipping_follows_the_norms_that_were_seen():
    optimizer = PercentileClipping(sgd(), percentile=25, history=4)
    variable = keras.Variable(np.zeros(1, np.float32))
    optimizer.build([variable])
    seen, place = [], 0.0
    for norm in (4.0, 2.0, 8.0, 1.0, 16.0, 3.0):
        optimizer.apply([keras.ops.convert_to_tensor(np.array([norm], np.float32))])
        seen = [*seen, norm][-4:]
        moved, place = place - arrays([variable])[0][0], arrays([variable])[0][0]
        assert moved == pytest.approx(min(norm, np.percentile(seen, 25)), rel=1e-5)
    assert optimizer.clipped_steps == 3


def test_the_rules_are_functions_of_plain_values():
    gradients = [keras.ops.convert_to_tensor(gradient) for gradient in G]
    (kernel, bias), clipped = clip_by_value(gradients, 3.5)
    assert arrays([kernel, bias])[0].max() == 3.5
    assert arrays([kernel, bias])[1].tolist() == [3.5]
    assert bool(clipped)
    vector, clipped = clip_by_weights(gradients[1], keras.ops.ones(1), clip_factor=20.0, epsilon=1e-3)
    assert (arrays([vector])[0].tolist(), bool(clipped)) == ([12.0], False)
    norms = keras.ops.zeros(3)
    for seen, norm in enumerate((5.0, 1.0, 4.0, 2.0)):
        norms = with_norm(norms, seen, norm)
    assert arrays([norms])[0].tolist() == [2.0, 1.0, 4.0]
    for count in (1, 2, 3):
        wanted = np.percentile(arrays([norms])[0][:count], 30)
        assert float(percentile_of(norms, count, 30)) == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("way", ["none", "global_clipnorm"])
def test_the_gradient_of_an_embedding_is_clipped_like_others(way):
    def trained(optimizer):
        keras.utils.set_random_seed(0)
        layers = [keras.Input((3,), dtype="int32"), keras.layers.Embedding(5, 4), keras.layers.Flatten()]
        model = keras.Sequential([*layers, keras.layers.Dense(1, kernel_initializer="ones")])
        model.compile(optimizer, "mse")
        rows = np.array([[0, 1, 1], [1, 2, 0]])  # of rows that are used several times, the sum counts
        model.fit(rows, np.array([[3.0], [5.0]]), epochs=1, batch_size=2, verbose=0)
        return arrays(model.weights)

    free, bounded = trained(keras.optimizers.SGD(0.1)), trained(recipes.optimizers.get("sgd", 0.1, **WAYS[way]))
    start = trained(keras.optimizers.SGD(1e-12))
    norms = [
        np.sqrt(sum(np.square(end - begin).sum() for end, begin in zip(ends, start, strict=True)))
        for ends in (free, bounded)
    ]
    assert norms[1] == pytest.approx(norms[0] if way == "none" else 0.1 * 0.05, rel=1e-3)


@pytest.mark.parametrize(
    "way",
    [
        "global_clipnorm",
        *(pytest.param(way, marks=pytest.mark.extensive) for way in WAYS if way != "global_clipnorm"),
    ],
)
def test_an_update_that_is_not_finite_is_skipped_and_the_rest_is_saved(way, tmp_path):
    optimizer = recipes.optimizers.get("adam", 0.01, **WAYS[way])
    # Keras decides by itself, but for one way, which is enough to show that a compiler takes it.
    compiled = way == "percentile_clip" and keras.backend.backend() != "torch"
    model = network(optimizer, jit=compiled or "auto")
    model.fit(X, Y, batch_size=16, epochs=2, shuffle=False, verbose=0)
    before, slots = arrays(model.weights), arrays(optimizer.inner_optimizer.variables)
    broken = X[:16].copy()
    broken[3, 2] = np.nan
    model.train_on_batch(broken, Y[:16])
    for old, new in zip([*before, *slots], arrays([*model.weights, *optimizer.inner_optimizer.variables]), strict=True):
        np.testing.assert_array_equal(old, new)
    assert optimizer.skipped_steps == 1
    assert (optimizer.clipped_steps > 0) == (way != "none")
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert (again.optimizer.skipped_steps, again.optimizer.clipped_steps) == (1, optimizer.clipped_steps)
    for one in (model, again):
        one.train_on_batch(X[:16], Y[:16])
    for old, new in zip(arrays(model.weights), arrays(again.weights), strict=True):
        np.testing.assert_array_equal(old, new)


def test_accumulated_gradients_are_averaged_before_they_are_clipped():
    def trained(steps, size):
        optimizer = GradientClipping(keras.optimizers.SGD(0.1, gradient_accumulation_steps=steps), clipnorm=0.1)
        model = network(optimizer, jit=False)
        model.fit(X, Y, batch_size=size, epochs=1, shuffle=False, verbose=0)
        return arrays(model.weights), optimizer.clipped_steps

    (whole, once), (parts, clipped) = trained(None, 32), trained(2, 16)
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert once == clipped == 2


def test_the_average_of_the_weights_is_what_is_validated_and_kept():
    optimizer = recipes.optimizers.get("sgd", 0.5, ema_momentum=0.9, global_clipnorm=10)
    model = network(optimizer)
    callbacks = [keras.callbacks.SwapEMAWeights(swap_on_epoch=True)]
    callbacks.append(keras.callbacks.EarlyStopping(patience=9, restore_best_weights=True))
    history = model.fit(
        X, Y, batch_size=16, epochs=4, validation_data=(X, Y), callbacks=callbacks, shuffle=False, verbose=0
    )
    best = min(history.history["val_loss"])
    assert model.evaluate(X, Y, batch_size=64, verbose=0) == pytest.approx(best, rel=1e-5)
    model.train_on_batch(X[:16], Y[:16])  # the weights are still the optimizer's own


def trained_within(scope, way):
    """Weights and counts of a training with a row that is not finite and gradients of growing size."""
    with scope():
        model = network(recipes.optimizers.get("momentum", 1.0, **WAYS[way]))
    broken = np.where(np.arange(64)[:, None] == 40, np.nan, X)  # for the second device only
    for rows in (X, broken, 3 * X, 9 * X):
        model.fit(rows, Y, batch_size=64, shuffle=False, verbose=0)
    return model.get_weights(), (model.optimizer.clipped_steps, model.optimizer.skipped_steps)


@pytest.mark.extensive
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="MirroredStrategy is TensorFlow's")
@pytest.mark.parametrize("way", WAYS)
def test_one_device_and_two_move_alike(way, scopes):
    (one, alone), (two, together) = (trained_within(scope, way) for scope in scopes)
    for weights, others in zip(one, two, strict=True):
        np.testing.assert_allclose(weights, others, rtol=0, atol=1e-6)
    assert alone == together
    assert (alone[0] > 0) == (way != "none")
    assert alone[1] == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: GradientClipping("adam"), "`optimizer` must be a Keras optimizer. Received: 'adam'"),
        (
            lambda: GradientClipping(keras.optimizers.SGD(clipnorm=1.0)),
            r"clips already, .* Received: {'clipnorm': 1.0}",
        ),
        (lambda: GradientClipping(GradientClipping(sgd())), "`optimizer` cannot be a GradientClipping"),
        (lambda: GradientClipping(sgd(), clipnorm=0), "`clipnorm` must be more than 0 and finite. Received: 0"),
        (lambda: GradientClipping(sgd(), clipnorm=1, clipvalue=1), "only one way of clipping can be set"),
        (lambda: AdaptiveGradientClipping(sgd(), -1), "`clip_factor` must be more than 0 and finite. Received: -1"),
        (lambda: AdaptiveGradientClipping(sgd(), exclude="logits"), "`exclude` must be a list .* 'logits'"),
        (lambda: PercentileClipping(sgd(), 0), "`percentile` must be more than 0 and at most 100. Received: 0"),
        (lambda: PercentileClipping(sgd(), 101), "Received: 101"),
        (lambda: PercentileClipping(sgd(), history=1), "`history` must be .* at least 2. Received: 1"),
    ],
)
def test_wrong_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
