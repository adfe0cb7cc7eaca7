"""Each private name of Keras that the recipes use still does what they count on."""

import ast
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from recipes.keras_internals import private
from recipes.keras_internals.layers import DENSE, graph_of, known_class

pytestmark = pytest.mark.backend
RECIPES = Path(private.__file__).parent.parent


@keras.saving.register_keras_serializable(package="keras_recipes_tests")
class Block(layers.Layer):
    """A block of the user's own, with a layer in it, and one in that."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.stack = keras.Sequential([layers.Dense(2, name="inner")], name="stack")

    def call(self, inputs):
        return self.stack(inputs)


def names(found):
    return [layer.name for layer in found]


def bits(variables):
    return [keras.ops.convert_to_numpy(variable).tobytes() for variable in variables]


def ones(*shape):
    return keras.ops.ones(shape)


def weight(value=1.0):
    return keras.Variable(np.full(2, value, "float32"), name="kernel")


def value(variable):
    return keras.ops.convert_to_numpy(variable).tolist()


def test_layers_inside_of_a_layer_are_found_at_any_depth_or_at_the_first():
    block = Block(name="block")
    assert set(names(private.all_layers(block))) == {"block", "stack", "inner"}
    assert names(private.direct_layers(block)) == ["stack"]


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="a function of Keras's trainer on JAX")
def test_metrics_take_in_a_batch_without_being_assigned():
    model = keras.Sequential([keras.Input((3,)), layers.Dense(1)])
    model.compile(loss="mse", metrics=["mae"])
    x, y = np.ones((4, 3), "float32"), np.zeros((4, 1), "float32")
    private.build_metrics(model, (x, y))
    before = [variable.value for variable in model.metrics_variables]
    after = private.update_metrics(model, before, 2.0, x, y, y + 3.0, None)
    with keras.StatelessScope(zip(model.metrics_variables, after, strict=True)):
        assert {name: float(result) for name, result in model.get_metrics_result().items()} == {"loss": 2, "mae": 3}
    assert float(model.get_metrics_result()["loss"]) == 0


def test_every_call_of_a_shared_layer_comes_in_the_order_of_the_signal():
    inputs = keras.Input((3,), name="inputs")
    shared = layers.Dense(3, name="shared")
    graph = keras.Function(inputs, layers.ReLU(name="relu")(shared(shared(inputs))))
    calls = private.calls_in_order(graph)
    assert names(call.operation for call in calls) == ["inputs", "shared", "shared", "relu"]
    assert [call.is_input for call in calls] == [True, False, False, False]
    assert calls[2].input_tensors[0] is calls[1].outputs[0]


def test_weights_that_are_not_drawn_are_not_drawn_later_either():
    with private.weights_undrawn():
        dropped = layers.Dense(3)
        dropped.build((None, 2))
    assert dropped.count_params() == 9
    with keras.StatelessScope():  # at the end of which Keras draws what waits for it
        kept = layers.Dense(3)
        kept.build((None, 2))
    assert np.isfinite(keras.ops.convert_to_numpy(kept.kernel)).all()
    assert dropped.kernel._value is None


def test_weights_that_are_not_drawn_are_reported_before_the_next_one_is_made():
    shapes = []

    def report(weight):
        shapes.append(tuple(weight.shape))
        if len(shapes) == 2:
            raise ValueError("enough")

    with pytest.raises(ValueError, match="enough"), private.weights_undrawn(report):
        layers.Bidirectional(layers.SimpleRNN(10**6)).build((None, 3, 2))
    assert len(shapes) == 2
    with keras.StatelessScope():
        kept = layers.Dense(3)
        kept.build((None, 2))
    assert np.isfinite(keras.ops.convert_to_numpy(kept.kernel)).all()


def test_what_a_model_was_compiled_with_comes_back_as_the_objects_that_were_given():
    def own_loss(y_true, y_pred):
        return keras.ops.mean(keras.ops.abs(y_true - y_pred))

    model = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    model.compile("sgd", own_loss, metrics=["mae"])
    arguments = private.compile_arguments(model)
    assert arguments["loss"] is own_loss
    assert arguments["metrics"] == ["mae"]
    model.compile(**arguments)


def test_a_model_is_built_from_a_batch_without_being_run():
    block = Block()
    model = keras.Sequential([layers.Dropout(0.5, seed=1), block])
    model.compile("sgd", "mse")
    before = bits(model.layers[0].variables)
    private.build_layers(model, [(np.ones((4, 3), "float32"), np.ones((4, 2), "float32"), None)])
    private.build_layers(model, [])  # nothing is left to do
    assert block.stack.layers[0].kernel.shape == (3, 2)
    assert bits(model.layers[0].variables) == before


def test_a_model_trains_with_another_optimizer_and_is_compiled_as_before_afterwards():
    x, y = np.ones((8, 3), "float32"), np.ones((8, 1), "float32")
    model = keras.Sequential([keras.Input((3,)), layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.5), "mse", metrics=["mae"])
    model.fit(x, y, verbose=0)
    optimizer, step, metrics = model.optimizer, model.train_function, model.metrics
    kept = bits([*optimizer.variables, *(variable for metric in metrics[1:] for variable in metric.variables)])
    with private.trains_with(model, keras.optimizers.SGD(0.1)):
        assert list(model.train_on_batch(x, y, return_dict=True)) == ["loss"]
        assert float(model.optimizer.learning_rate) == pytest.approx(0.1)
    assert model.optimizer is optimizer
    assert model.train_function is step
    assert names(model.metrics) == names(metrics)
    assert bits([*optimizer.variables, *(v for metric in metrics[1:] for v in metric.variables)]) == kept


def test_losses_that_are_not_built_stay_so():
    model = keras.Sequential([keras.Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    with private.trains_with(model, keras.optimizers.SGD(0.1)):
        model.train_on_batch(np.ones((8, 3), "float32"), np.ones((8, 1), "float32"))
        assert model._compile_loss.built
    assert not model._compile_loss.built


def test_draws_without_a_seed_go_on_as_if_there_had_been_none_between():
    keras.utils.set_random_seed(3)
    expected = [value(keras.random.normal((2,))) for _ in range(2)]
    keras.utils.set_random_seed(3)
    first = value(keras.random.normal((2,)))
    with private.separate_global_seed():
        between = value(keras.random.normal((2,)))
    assert [first, value(keras.random.normal((2,)))] == expected
    with private.separate_global_seed():
        assert value(keras.random.normal((2,))) == between


def test_an_optimizer_knows_the_weights_it_was_built_for():
    optimizer, kernels = keras.optimizers.Adam(0.1), [weight(), weight()]
    optimizer.build(kernels)
    assert [id(own) for own in private.trained_weights(optimizer)] == [id(own) for own in kernels]


def test_every_gradient_of_an_accumulation_counts():
    optimizer = keras.optimizers.SGD(0.1, gradient_accumulation_steps=2)
    kernel = weight()
    for _ in range(3):
        optimizer.apply([ones(2)], [kernel])
    assert int(private.gradients_seen(optimizer)) == 3
    assert int(optimizer.iterations) == 1


def test_a_weight_has_one_key_and_another_has_another():
    optimizer, first, second = keras.optimizers.SGD(0.1), weight(), weight()
    assert private.key_of(optimizer, first) == private.key_of(optimizer, first)
    assert private.key_of(optimizer, first) != private.key_of(optimizer, second)


def test_exclusions_from_weight_decay_are_known_and_can_be_copied():
    kernel, bias = weight(), keras.Variable(np.ones(2, "float32"), name="bias")
    source, target = keras.optimizers.AdamW(0.1), keras.optimizers.AdamW(0.1)
    source.exclude_from_weight_decay(var_names=["bias"])
    private.copy_weight_decay_exclusions(source, target)
    assert [private.has_weight_decay(target, own) for own in (kernel, bias)] == [True, False]
    assert private.has_weight_decay(keras.optimizers.AdamW(0.1), bias)


def test_clipping_sees_the_mean_of_accumulated_gradients():
    optimizer, kernel, seen = keras.optimizers.SGD(1.0, gradient_accumulation_steps=2), weight(0.0), []

    def clip(gradients):
        seen.append(value(gradients[0]))
        return [gradient * 0.5 for gradient in gradients]

    private.set_clipping(optimizer, clip)
    with_values = [ones(2) * 2, ones(2) * 4]
    for gradient in with_values:
        optimizer.apply([gradient], [kernel])
    assert seen[-1] == [3.0, 3.0]  # on JAX, Keras clips at every step and drops all results but the last
    assert value(kernel) == [-1.5, -1.5]


def test_the_decay_of_weights_can_be_changed():
    optimizer, kernel, bias = keras.optimizers.SGD(1.0, weight_decay=0.5), weight(), weight()
    private.wrap_weight_decay(optimizer, lambda own, variables: own(variables[:1]))
    optimizer.apply([ones(2) * 0.0] * 2, [kernel, bias])
    assert value(kernel) == [0.5, 0.5]
    assert value(bias) == [1.0, 1.0]


def test_the_update_of_a_weight_can_be_changed():
    optimizer, kernel = keras.optimizers.SGD(1.0), weight(0.0)
    private.wrap_update(optimizer, lambda own, gradient, variable, rate: own(gradient, variable, rate * 0.25))
    optimizer.apply([ones(2)], [kernel])
    assert value(kernel) == [-0.25, -0.25]


class HalfWay(private.SelfAveraging):
    """Moves weights by -1, decayed ones by -2, and averages the initial value and the next."""

    def update_step(self, gradient, variable, learning_rate):
        self.assign_sub(variable, gradient * (2.0 if self.decays(variable) else 1.0))
        self.assign(self.averages[self.place_of(variable)], variable * 0.5)


def test_an_optimizer_that_averages_by_itself_is_left_alone_and_ends_with_its_averages():
    optimizer = HalfWay(0.1, name="half_way", weight_decay=0.1)
    kernel, bias = weight(), keras.Variable(np.ones(2, "float32"), name="bias")
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.apply([ones(2)] * 2, [kernel, bias])
    assert (value(kernel), value(bias)) == ([-1.0, -1.0], [0.0, 0.0])
    assert [value(average) for average in optimizer.averages] == [[-0.5, -0.5], [0.0, 0.0]]
    optimizer.finalize_variable_values([kernel, bias])
    assert (value(kernel), value(bias)) == ([-0.5, -0.5], [0.0, 0.0])


def test_only_models_that_are_drawn_as_a_graph_have_one():
    sequential = keras.Sequential([layers.Dense(2)])
    assert graph_of(sequential) is None
    sequential.build((None, 3))
    assert isinstance(graph_of(sequential), keras.Function)
    assert graph_of(Block()) is None


def test_a_subclass_counts_as_its_class_unless_it_computes_something_else():
    class Named(layers.Dense):
        pass

    class Doubled(layers.Dense):
        def call(self, inputs):
            return 2 * super().call(inputs)

    assert known_class(Named(2), DENSE) is layers.Dense
    assert known_class(Doubled(2), DENSE) is None
    assert known_class(layers.ReLU(), DENSE) is None


def private_names(path):
    """Names of private attributes in a file, and of the inner modules of Keras that it imports from."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
            yield node.attr
        elif isinstance(node, ast.ImportFrom) and node.module.startswith("keras.src"):
            yield node.module


def test_no_other_file_of_recipes_touches_these_names():
    here = Path(private.__file__)
    touched = set(private_names(here)) - {"_decayed"}
    assert {"_flatten_layers", "_compile_loss", "_iterations", "keras.src.backend.common"} <= touched
    for path in RECIPES.rglob("*.py"):
        assert path == here or not touched & set(private_names(path)), path
