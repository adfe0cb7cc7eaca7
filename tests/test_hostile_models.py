"""Model files of strangers are refused in one line, soon and for little memory; those of honest users are loaded."""

import contextlib
import random
import re
import resource
import time
import warnings
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from hostile.models import HOSTILE, keras_function, members, with_argument
from keras.src.backend.common import global_state

import recipes

SECONDS, BYTES = 5, 500 * 2**20


@contextlib.contextmanager
def bounded():
    """Within it, the process may take half a gigabyte more than it has; afterwards, it must have taken little time."""
    status = Path("/proc/self/status")
    limits = resource.getrlimit(resource.RLIMIT_DATA)
    if status.exists():
        used = next(
            int(line.split()[1]) * 1024 for line in status.read_text().splitlines() if line.startswith("VmData")
        )
        resource.setrlimit(resource.RLIMIT_DATA, (used + BYTES, limits[1]))
    start = time.process_time()
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, limits)
    assert time.process_time() - start < SECONDS


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_model_file_is_refused(name, tmp_path):
    write, refusal = HOSTILE[name]
    file = tmp_path / "model.keras"
    write(file)
    with bounded(), pytest.raises(ValueError, match=f"^{file} .*{refusal}") as error:
        recipes.load_model(file)
    message = str(error.value)
    assert message.isprintable()
    assert len(message) < 500 + len(str(file))
    assert [path.name for path in tmp_path.iterdir()] == ["model.keras"]


def test_every_advisory_in_the_list_has_files_in_the_corpus():
    text = (Path(__file__).parent.parent / "SECURITY.md").read_text(encoding="utf-8")
    table = text.partition("|---|---|---|\n")[2].partition("\n\n")[0]
    rows = [line.split("|")[1:-1] for line in table.splitlines()]
    assert len(rows) >= 20
    for advisory, _, files in rows:
        names = set(re.findall(r"`(\w+)`", files)) - {"transfer", "clone_model"}
        assert names, advisory
        assert names <= set(HOSTILE), advisory


def test_what_a_function_in_a_file_would_do_is_not_done(tmp_path):
    with_argument(tmp_path / "model.keras", "activation", keras_function("keras.config.set_max_epochs"))
    keras.config.enable_unsafe_deserialization()  # what the user switched on elsewhere does not open this door
    try:
        with pytest.raises(ValueError, match="it calls 'keras.config.set_max_epochs'"):
            recipes.load_model(tmp_path / "model.keras")
    finally:
        global_state.set_global_attribute("safe_mode_saving", None)  # as it was, for which there is no public name
    assert keras.config.max_epochs() is None


def text(vocabulary=("one", "two")):
    vectorize = keras.layers.TextVectorization(vocabulary=vocabulary, output_sequence_length=3)
    if vocabulary is None:
        vectorize.adapt(np.array(["three four", "four"]))
    words = keras.Input((), dtype="string")
    return keras.Model(words, keras.layers.Embedding(4, 2)(vectorize(words)))


def adapted_text():
    return text(vocabulary=None)


def operations():
    inputs = keras.Input((4,))
    left, right = keras.ops.split(inputs * 2 + 1, 2, axis=1)
    return keras.Model(inputs, keras.ops.mean(keras.activations.relu(left - right)[:, :2], axis=-1))


def recurrent():
    cells = [keras.layers.LSTMCell(2), keras.layers.GRUCell(2)]
    layers = [keras.layers.RNN(cells, return_sequences=True), keras.layers.Bidirectional(keras.layers.LSTM(2))]
    return keras.Sequential([keras.Input((5, 3)), *layers, keras.layers.BatchNormalization()])


def shared():
    tower = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    inputs = [keras.Input((3,)), keras.Input((3,))]
    return keras.Model(inputs, keras.layers.Dot(1)([tower(inputs[0]), tower(inputs[1])]))


def normalized():
    adapted = keras.layers.Normalization()
    adapted.adapt(np.arange(6.0).reshape(3, 2))
    return keras.Sequential(
        [keras.Input((2,)), adapted, keras.layers.Normalization(mean=[1.0, 2.0], variance=[1.0, 4.0])]
    )


def compiled():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, "sigmoid", kernel_regularizer="l2")])
    rate = keras.optimizers.schedules.CosineDecay(0.1, 10**9)
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(rate))
    metrics = [keras.metrics.AUC(), "mae", keras.metrics.mean_squared_error]
    model.compile(optimizer, keras.losses.BinaryCrossentropy(), metrics=metrics)
    model.optimizer.build(model.trainable_variables)
    return model


def several_optimizers():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    choice = keras.optimizers.OptimizerMap(keras.optimizers.SGD(), {".*bias": keras.optimizers.Adam()})
    model.compile(keras.optimizers.MultiOptimizer(choice), "mse")
    return model


@keras.saving.register_keras_serializable(package="hostile_models")
class Own(keras.Model):
    """A model of a user's own, with weights that are made at once."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = keras.layers.Dense(2)
        self.level = keras.Variable(np.ones(2, "float32"))

    def call(self, inputs):
        return self.inner(inputs) * self.level


def own():
    model = Own()
    model(np.zeros((1, 3)))
    return model


@pytest.mark.parametrize(
    "make",
    [text, adapted_text, operations, recurrent, shared, normalized, compiled, several_optimizers, own],
    ids=lambda make: make.__name__,
)
def test_an_honest_model_is_loaded(make, tmp_path):
    model = make()
    model.save(tmp_path / "model.keras")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras warns of an optimizer that was saved before it had any state
        again = recipes.load_model(tmp_path / "model.keras")
    for one, other in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(one), keras.ops.convert_to_numpy(other))
    assert again.get_config().keys() == model.get_config().keys()


def test_a_model_that_was_packed_again_is_loaded(tmp_path):
    with zipfile.ZipFile(tmp_path / "model.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members().items():
            archive.writestr(name, content)
    assert recipes.load_model(tmp_path / "model.keras").name == "small"


def test_loading_a_model_moves_no_random_generator(tmp_path):
    recurrent().save(tmp_path / "model.keras")
    random.seed(0)
    keras.saving.load_model(tmp_path / "model.keras")
    after = random.getstate()
    random.seed(0)
    recipes.load_model(tmp_path / "model.keras")
    assert random.getstate() == after
