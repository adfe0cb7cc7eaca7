"""What every layer that computes promises, checked for all of them, on each backend."""

import functools
import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from abilities import NO_CHANNELS_FIRST, convolves_channels_first
from keras import ops
from keras.src import testing

from custom_layers import (
    FeatureScale,
    Maxout,
    MaxoutConv1D,
    MaxoutConv2D,
    MemberDense,
    MemberScale,
    ParametricActivation,
    PeriodicEmbedding,
    PiecewiseLinearEmbedding,
    PReLU,
    RandomizedLeakyReLU,
)

pytestmark = pytest.mark.backend

BACKEND = keras.backend.backend()
QUICKER = BACKEND == "jax"  # compiled than not, for a single step
# Name: class, arguments, shape of one example.
LAYERS = {
    "maxout": (Maxout, {"units": 3}, (6,)),
    "maxout of sequences, five pieces, no bias": (Maxout, {"units": 2, "pieces": 5, "use_bias": False}, (4, 6)),
    "conv1d": (MaxoutConv1D, {"filters": 2, "kernel_size": 3}, (8, 3)),
    "conv1d causal": (
        MaxoutConv1D,
        {"filters": 2, "kernel_size": 2, "pieces": 3, "padding": "causal", "dilation_rate": 2},
        (8, 3),
    ),
    "conv2d": (MaxoutConv2D, {"filters": 2, "kernel_size": 3, "pieces": 3}, (6, 6, 2)),
    "conv2d strided": (
        MaxoutConv2D,
        {"filters": 2, "kernel_size": (3, 2), "strides": 2, "padding": "same", "use_bias": False},
        (6, 6, 2),
    ),
    "conv2d dilated": (MaxoutConv2D, {"filters": 2, "kernel_size": 2, "dilation_rate": (2, 1)}, (6, 6, 2)),
    "conv2d channels first": (
        MaxoutConv2D,
        {"filters": 2, "kernel_size": 3, "padding": "same", "data_format": "channels_first"},
        (2, 6, 6),
    ),
    "prelu": (PReLU, {}, (6, 6, 3)),
    "prelu of sequences": (PReLU, {}, (4, 3)),
    "prelu channels first": (PReLU, {"data_format": "channels_first"}, (3, 6, 6)),
    "prelu by position": (PReLU, {"shared_axes": None}, (4, 3)),
    "randomized": (RandomizedLeakyReLU, {"seed": 1}, (4, 3)),
    "randomized divisor": (RandomizedLeakyReLU, {"uniform": "divisor", "seed": 1}, (6,)),
    "parametric": (ParametricActivation, {"activation": "mish"}, (4, 3)),
    "parametric channels first": (ParametricActivation, {"activation": "selu", "axis": 1}, (3, 6, 6)),
    "feature scale": (FeatureScale, {}, (4, 3)),
    "member scale": (MemberScale, {"members": 4, "use_bias": True}, (4, 3)),
    "member scale of rows": (MemberScale, {"members": 4}, (3,)),
    "member dense": (MemberDense, {"units": 2, "members": 4}, (4, 3)),
    "piecewise": (PiecewiseLinearEmbedding, {"edges": ([-1.0, 0.0, 2.0], [-0.5, 0.5]), "dimension": 2}, (3,)),
    "periodic": (PeriodicEmbedding, {"columns": 2, "frequencies": 3, "dimension": 2}, (3,)),
}
MAXOUT = [name for name, (layer, *_) in LAYERS.items() if issubclass(layer, (Maxout, MaxoutConv1D, MaxoutConv2D))]
# One of each kind, for make test.
CORE = ("maxout", "conv1d", "conv2d", "conv2d channels first", "prelu", "randomized")


def case(name, *values):
    return pytest.param(name, *values, marks=() if name in CORE else pytest.mark.extensive)


every_layer = pytest.mark.parametrize("name", [case(name) for name in LAYERS])
# The weights of each class, by name.
every_weight = pytest.mark.parametrize(
    ("name", "weight"),
    [
        *((name, weight) for name in ("maxout", "conv2d") for weight in ("kernel", "bias")),
        *(pytest.param("conv1d", weight, marks=pytest.mark.extensive) for weight in ("kernel", "bias")),
        ("prelu", "alpha"),
    ],
)


def new(case, **more):
    layer, arguments, _ = LAYERS[case]
    return layer(**arguments, **more)


def examples(name, batch=4, seed=0, shape=None):
    """Random examples for the layer, as many numbers below 0 as above."""
    shape = shape or LAYERS[name][2]
    return np.random.default_rng(seed).standard_normal((batch, *shape)).astype("float32")


def array(tensor):
    """As NumPy, in its own precision or that of float32."""
    values = ops.convert_to_numpy(tensor)
    return values.astype(np.promote_types(values.dtype, "float32"))


def spatial_unknown(name, shape=None, size=None):
    """The shape of one example, with `size` for each axis that may vary."""
    _, arguments, shape = LAYERS[name]
    if arguments.get("shared_axes", True) is None or "members" in arguments:  # weights for each position
        return shape
    if arguments.get("data_format") == "channels_first" or arguments.get("axis") == 1:
        return (shape[0], *(size for _ in shape[1:]))
    return (*(size for _ in shape[:-1]), shape[-1])


def computes(name, dtype="float32"):
    """Whether this machine can compute the layer."""
    return name != "conv2d channels first" or convolves_channels_first(dtype)


def skip_unless_computed(name, dtype="float32"):
    if not computes(name, dtype):
        pytest.skip(f"{NO_CHANNELS_FIRST} in {dtype}")


# Random initializers are compiled for each shape, and their values are not what is tested here.
NO_DRAW = {layer: {"kernel_initializer": "zeros"} for layer in (Maxout, MaxoutConv1D, MaxoutConv2D)}


class Projection(keras.losses.Loss):
    """`sum(direction * outputs)`."""

    def call(self, y_true, y_pred):
        return ops.sum(y_true * y_pred)


class Probe(keras.Model):
    """Layers whose inputs are weights, too, so that one step of gradient descent shows every gradient."""

    def __init__(self, dtype="float32", training=False, names=LAYERS):
        super().__init__()
        self.training = training
        self.names = [name for name in names if computes(name, dtype)]
        self.tested = [new(name, dtype=dtype, **NO_DRAW.get(LAYERS[name][0], {})) for name in self.names]
        self.given = []
        for name, layer in zip(self.names, self.tested, strict=True):
            inputs = examples(name)
            layer.build(inputs.shape)
            rng = np.random.default_rng(6)
            layer.set_weights([0.5 * rng.standard_normal(weight.shape) for weight in layer.weights])
            self.given.append(self.add_weight(shape=inputs.shape, dtype=layer.variable_dtype, name="given"))
            self.given[-1].assign(inputs)

    def call(self, _):
        return [
            layer(ops.convert_to_tensor(given), training=self.training)
            for layer, given in zip(self.tested, self.given, strict=True)
        ]

    def answers(self):
        return self(np.zeros((1, 1), "float32"))

    def weights_of(self, name):
        """The input, and the weights of the layer."""
        index = self.names.index(name)
        return [self.given[index], *self.tested[index].trainable_weights]

    def directions(self):
        """Random numbers, as many as each layer answers."""
        shapes = [layer.compute_output_shape(x.shape) for layer, x in zip(self.tested, self.given, strict=True)]
        return [np.random.default_rng(1).standard_normal(shape).astype("float32") for shape in shapes]

    def sums_and_gradients(self, directions, jit):
        """By name: `sum(direction * outputs)`, and its gradients with respect to the input and to every weight."""
        before = {name: [array(weight) for weight in self.weights_of(name)] for name in self.names}
        losses = [Projection(name=f"sum_{index}") for index in range(len(directions))]
        self.compile(keras.optimizers.SGD(1.0), loss=losses, run_eagerly=not jit, jit_compile=jit)
        logs = self.train_on_batch(np.zeros((len(directions[0]), 1), "float32"), directions, return_dict=True)
        sums = [logs[f"sum_{index}_loss" if len(directions) > 1 else "loss"] for index in range(len(directions))]
        found = {}
        for name, values in before.items():
            found[name] = [value - array(weight) for value, weight in zip(values, self.weights_of(name), strict=True)]
            for value, weight in zip(values, self.weights_of(name), strict=True):
                weight.assign(value)
        return dict(zip(self.names, sums, strict=True)), found


@pytest.fixture
def float64():
    """Numbers of 64 bits; JAX has them on request only."""
    if BACKEND != "jax":
        yield
        return
    import jax

    with jax.enable_x64(True):
        yield


def assert_gradients_are_differences(probe, weights=None):
    """Along random directions, the gradient is the difference of two outputs, for the input and for each weight."""
    (name,) = probe.names
    random_state = [(variable, array(variable)) for variable in probe.non_trainable_variables]

    def start_again():
        for variable, value in random_state:
            variable.assign(value)

    # Of float64, Keras multiplies matrices in float32 on torch, and takes cosines in float32 on JAX.
    in_single = (BACKEND, LAYERS[name][0]) in (("torch", Maxout), ("jax", PeriodicEmbedding))
    step, within = (1e-3, 2e-3) if in_single else (1e-6, 1e-6)
    rng = np.random.default_rng(0)
    directions = probe.directions()
    gradients = probe.sums_and_gradients(directions, QUICKER)[1][name]
    for weight, gradient in zip(weights or probe.weights_of(name), gradients, strict=weights is None):
        assert np.abs(gradient).max() > 0, weight.path
        start = array(weight)
        for _ in range(3):
            along = rng.standard_normal(start.shape)
            sums = []
            for sign in (1, -1):
                start_again()
                weight.assign(start + sign * step * along)
                sums.append(np.sum(directions[0] * array(probe.answers()[0])))
            weight.assign(start)
            difference = (sums[0] - sums[1]) / (2 * step)
            assert np.sum(gradient * along) == pytest.approx(difference, rel=within, abs=within), weight.path


@pytest.mark.filterwarnings("ignore:`shuffle=True` was passed", "ignore:The model does not have any trainable weights")
@every_layer
def test_it_passes_the_layer_test_of_keras(name):
    skip_unless_computed(name)
    layer, arguments, shape = LAYERS[name]
    masking = layer not in (
        MaxoutConv1D, MaxoutConv2D, PeriodicEmbedding, PiecewiseLinearEmbedding, MemberScale, MemberDense,
    )  # fmt: skip
    probe = new(name)
    probe.build((2, *shape))
    testing.TestCase("run_layer_test").run_layer_test(
        layer,
        arguments,
        input_shape=(2, *shape),
        expected_output_shape=probe.compute_output_shape((2, *shape)),
        expected_output_dtype="float32",
        expected_num_trainable_weights=len(probe.trainable_weights),
        expected_num_non_trainable_weights=0,
        expected_num_seed_generators=int(layer is RandomizedLeakyReLU),
        expected_num_losses=0,
        supports_masking=masking,
        run_mixed_precision_check=computes(name, "float16") and computes(name, "bfloat16"),
    )


@every_layer
def test_its_configuration_makes_it_again(name):
    layer, arguments, _ = LAYERS[name]
    first = new(name, name="first", trainable=False, dtype="mixed_bfloat16")
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(first)))
    assert config["registered_name"] == f"keras_recipes>{layer.__name__}"
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is layer
    assert again.get_config() == first.get_config()
    kept = again.get_config()
    for argument, value in {**arguments, "name": "first", "trainable": False}.items():
        given = tuple(kept[argument]) if isinstance(kept[argument], list | tuple) else kept[argument]
        assert given == value or given == (value,) * len(given), argument
    again.build((None, *LAYERS[name][2]))
    assert again.trainable_weights == []


@every_layer
def test_batch_and_spatial_sizes_may_be_unknown(name):
    skip_unless_computed(name)
    inputs = keras.Input(spatial_unknown(name))
    layer = new(name)
    outputs = layer(inputs)
    assert outputs.shape == layer.compute_output_shape(inputs.shape)
    model = keras.Model(inputs, outputs)
    for batch, size in ((2, 6), (3, 9)):
        rows = examples(name, batch, shape=spatial_unknown(name, size=size))
        found = model.predict_on_batch(rows)
        np.testing.assert_allclose(found, array(layer(rows)), atol=1e-5)
        assert found.shape == layer.compute_output_shape(rows.shape)


@pytest.mark.parametrize("name", [name for name, (layer, _, shape) in LAYERS.items() if len(shape) == 2])
def test_a_mask_is_passed_on_as_keras_does(name):
    steps, features = LAYERS[name][2]
    inputs = keras.Input((steps, features))
    masked = keras.layers.Masking()(inputs)
    if LAYERS[name][0] in (MaxoutConv1D, MemberScale, MemberDense):
        with pytest.warns(UserWarning, match="does not support mask"):
            new(name)(masked)
        return
    layer = new(name)
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling1D()(layer(masked)))
    rows = examples(name)
    rows[:, -2:] = 0
    np.testing.assert_allclose(model.predict_on_batch(rows), array(layer(rows))[:, :-2].mean(1), atol=1e-6)


def computed(name, dtype, jit=QUICKER):
    """The sums and gradients of `Probe`, of one of each kind or of all further layers at once."""
    return _computed(name in CORE, dtype, jit)


@functools.cache
def _computed(core, dtype, jit):
    probe = Probe(dtype, names=[name for name in LAYERS if (name in CORE) == core])
    answers = probe.compute_output_spec(keras.KerasTensor((1, 1)))
    assert {tensor.dtype for tensor in [*answers, *probe.weights]} == {dtype}
    return probe.sums_and_gradients(probe.directions(), jit)


@every_layer
def test_jit_changes_nothing(name):
    skip_unless_computed(name)
    if BACKEND == "torch":
        pytest.skip("torch.compile takes minutes for these layers on CPU: 115 s for one MaxoutConv2D and PReLU")
    (compiled_sums, compiled), probe = computed(name, "float32", jit=True), Probe(names=[name])
    ((answer,), (direction,)) = probe.answers(), probe.directions()
    assert compiled_sums[name] == pytest.approx(np.sum(direction * array(answer)), rel=1e-4)
    if BACKEND == "tensorflow":  # on JAX, gradients of operations that are compiled one by one take many seconds
        for one, other in zip(compiled[name], computed(name, "float32", jit=False)[1][name], strict=True):
            np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("dtype", [pytest.param("float16", marks=pytest.mark.extensive), "bfloat16"])
@every_layer
def test_half_precision_computes_the_same_to_its_digits(name, dtype):
    skip_unless_computed(name, dtype)
    skip_unless_computed(name)
    (sums, gradients), (exact_sums, exact) = computed(name, dtype), computed(name, "float32")
    digits = 2e-3 if dtype == "float16" else 2e-2
    assert abs(sums[name] - exact_sums[name]) < digits * exact[name][0].size ** 0.5
    for one, other in zip(gradients[name], exact[name], strict=True):
        assert np.linalg.norm(one - other) < 20 * digits * np.linalg.norm(other)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(
    ("name", "training"),
    [*(case(name, True) for name in LAYERS), case("randomized", False), case("randomized divisor", False)],
)
def test_gradients_are_finite_differences(name, training):
    skip_unless_computed(name, "float64")
    assert_gradients_are_differences(Probe("float64", training, [name]))


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("name", [case(name) for name in MAXOUT])
def test_the_gradient_shares_of_equal_pieces_sum_to_one(name):
    skip_unless_computed(name, "float64")
    probe = Probe("float64", names=[name])
    (layer,) = probe.tested
    for weight in layer.weights:
        one = np.split(array(weight), layer.pieces, axis=-1)[0]
        weight.assign(np.concatenate([one] * layer.pieces, axis=-1))
    # Of equal maps the largest is linear in the input: without kinks, the gradient is the difference of values.
    assert_gradients_are_differences(probe, weights=probe.given)
    if layer.bias is not None:
        ones = [np.ones_like(direction) for direction in probe.directions()]
        shares = probe.sums_and_gradients(ones, QUICKER)[1][name][2].reshape(layer.pieces, -1)
        assert (shares >= 0).all()
        np.testing.assert_allclose(shares.sum(0), ones[0].size / shares.shape[1], rtol=1e-6)


@every_weight
def test_initializers_and_regularizers_reach_the_weights(name, weight):
    arguments = {
        f"{weight}_initializer": keras.initializers.Constant(0.5),
        f"{weight}_regularizer": keras.regularizers.L2(0.1),
    }
    layer = new(name, **arguments)
    layer(examples(name))
    values = array(getattr(layer, weight))
    assert (values == 0.5).all()
    assert [array(loss) for loss in layer.losses] == [pytest.approx(0.1 * 0.25 * values.size)]


@every_weight
def test_constraints_hold_after_a_step(name, weight):
    lowest = {}
    for constraint in (None, keras.constraints.NonNeg()):
        layer = new(name, **{f"{weight}_initializer": "ones", f"{weight}_constraint": constraint})
        model = keras.Sequential([keras.Input(LAYERS[name][2]), layer])
        model.compile(keras.optimizers.SGD(10.0), loss=lambda _, made: ops.sum(made**2), jit_compile=BACKEND == "jax")
        model.train_on_batch(examples(name), np.zeros(len(examples(name)), "float32"))
        lowest[constraint is not None] = array(getattr(layer, weight)).min()
    assert lowest[False] < 0
    assert lowest[True] == 0


@every_weight
@pytest.mark.parametrize("kind", ["initializer", "regularizer", "constraint"])
def test_unknown_names_are_refused_at_construction(name, weight, kind):
    with pytest.raises(ValueError, match="smooth"):
        new(name, **{f"{weight}_{kind}": "smooth"})


@every_layer
def test_unknown_arguments_are_refused_at_construction(name):
    with pytest.raises(ValueError, match=r"Unrecognized keyword arguments .*slop"):
        new(name, slop=1)


@every_layer
def test_a_frozen_layer_stays_as_it_is(name):
    skip_unless_computed(name)
    layer = new(name)
    layer(examples(name))
    count = len(layer.trainable_weights)
    layer.trainable = False
    assert layer.trainable_weights == []
    layer.trainable = True
    assert len(layer.trainable_weights) == count


def computed_layers():
    return [name for name in LAYERS if computes(name)]


def all_in_one():
    """One model of all layers that this machine computes: an input, and an output, for each."""
    # Only TensorFlow exports all of them with unknown spatial sizes: on JAX, Keras's own strided convolutions do not.
    names = computed_layers()
    shapes = [spatial_unknown(name) if BACKEND == "tensorflow" else LAYERS[name][2] for name in names]
    inputs = [keras.Input(shape, name=f"input_{number}") for number, shape in enumerate(shapes)]
    outputs = [new(name)(tensor) for name, tensor in zip(names, inputs, strict=True)]
    return keras.Model(inputs, outputs)


@pytest.fixture(scope="module")
def changed():
    """All layers with other weights than those they begin with."""
    model = all_in_one()
    model.set_weights([weight + 0.1 for weight in model.get_weights()])
    model([examples(name) for name in computed_layers()])  # ONNX wants a model that was called
    return model


def assert_all_equal(found, expected):
    for name, one, other in zip(computed_layers(), found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5, err_msg=name)


LOADED_AGAIN = """
import sys
import numpy as np
import keras
import custom_layers
folder = sys.argv[1]
model = keras.saving.load_model(folder + "/model.keras")
with np.load(folder + "/rows.npz") as rows:
    answers = model([rows[name] for name in rows])
np.savez(folder + "/answers.npz", *[keras.ops.convert_to_numpy(answer) for answer in answers])
"""


@pytest.mark.extensive
@pytest.mark.skipif(BACKEND == "jax", reason="what is known by which name depends on no backend; JAX takes 15 s for it")
def test_a_new_process_loads_what_was_saved(changed, tmp_path):
    rows = [examples(name) for name in computed_layers()]
    changed.save(tmp_path / "model.keras")
    np.savez(tmp_path / "rows.npz", *rows)
    environment = {**os.environ, "KERAS_BACKEND": BACKEND}
    command = [sys.executable, "-c", LOADED_AGAIN, tmp_path]
    subprocess.run(command, check=True, capture_output=True, env=environment)
    with np.load(tmp_path / "answers.npz") as answers:
        assert_all_equal(answers.values(), [array(answer) for answer in changed(rows)])


def assert_served_as_predicted(serve, model):
    for batch, size in ((2, 6), (3, 9)) if BACKEND == "tensorflow" else ((2, None), (3, None)):
        shapes = {name: spatial_unknown(name, size=size) if size else LAYERS[name][2] for name in computed_layers()}
        rows = [examples(name, batch, shape=shape) for name, shape in shapes.items()]
        assert_all_equal(serve(rows), [array(output) for output in model(rows)])


@pytest.mark.extensive
@pytest.mark.filterwarnings("ignore:The `native_serialization` parameter:DeprecationWarning")
def test_a_savedmodel_answers_alike(changed, tmp_path):
    if BACKEND == "torch":
        pytest.skip("torch writes no SavedModel")
    tensorflow = pytest.importorskip("tensorflow")
    changed.export(tmp_path, format="tf_saved_model", verbose=False)
    served = tensorflow.saved_model.load(tmp_path)
    assert_served_as_predicted(lambda rows: [output.numpy() for output in served.serve(rows)], changed)


@pytest.mark.whole
@pytest.mark.filterwarnings(
    "ignore:.*np.object:FutureWarning",  # of Keras's, for tf2onnx
    "ignore:You are using the legacy TorchScript:DeprecationWarning",  # Keras's choice
    "ignore:The feature will be removed:DeprecationWarning",
    "ignore:Converting a tensor:Warning",
    "ignore:Constant folding:UserWarning",
)
def test_onnx_answers_alike(changed, tmp_path):
    pytest.importorskip({"tensorflow": "tf2onnx", "jax": "jax2onnx", "torch": "onnx"}[BACKEND])
    onnxruntime = pytest.importorskip("onnxruntime")
    path = tmp_path / "model.onnx"
    changed.export(path, format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(path)
    names = [tensor.name for tensor in session.get_inputs()]
    assert_served_as_predicted(lambda rows: session.run(None, dict(zip(names, rows, strict=True))), changed)
