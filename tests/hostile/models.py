"""Model files as strangers may write them: each is made in a given folder, and says what must be refused in it.

Most are one small model, saved by Keras, with its configuration or its weights edited.
"""

import copy
import functools
import io
import itertools
import json
import marshal
import os
import struct
import tempfile
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np

CONFIG, WEIGHTS, METADATA = "config.json", "model.weights.h5", "metadata.json"
HOSTILE = {}


def hostile(refusal, name=None):
    """Enter a function of a path, which writes a file there, under its name with the `refusal` that it must get."""

    def enter(write):
        HOSTILE[name or write.__name__] = (write, refusal)
        return write

    return enter


@functools.cache
def _saved() -> dict:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="dense")], name="small")
    model.compile("sgd", "mse")
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "model.keras")
        with zipfile.ZipFile(Path(folder) / "model.keras") as archive:
            return {name: archive.read(name) for name in archive.namelist()}


def members() -> dict:
    """The members of the small model."""
    return dict(_saved())


def configuration() -> dict:
    return json.loads(_saved()[CONFIG])


def write(path, contents, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression, compresslevel=1) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)


def write_config(path, config):
    write(path, {**members(), CONFIG: config if isinstance(config, str | bytes) else json.dumps(config)})


def keras_object(path, config=None, **more):
    """The configuration of the object that is called `path` in Keras."""
    module, _, name = path.rpartition(".")
    return {"module": module, "class_name": name, "config": config or {}, "registered_name": None, **more}


def keras_function(path):
    module, _, name = path.rpartition(".")
    return {"module": module, "class_name": "function", "config": name, "registered_name": "function"}


def with_argument(path, name, value):
    """The small model with one argument of its layer changed."""
    config = configuration()
    config["config"]["layers"][1]["config"][name] = value
    write_config(path, config)


def with_layer(path, layer, shape=(None, 2)):
    """The small model with another layer, and nothing that states the shapes of before."""
    config = configuration()
    config["config"]["layers"] = [keras_object("keras.layers.InputLayer", {"batch_shape": shape, "name": "in"}), layer]
    config["config"].pop("build_input_shape", None)
    config.pop("build_config", None)
    write_config(path, config)


def with_compilation(path, **arguments):
    config = configuration()
    config["compile_config"].update(arguments)
    write_config(path, config)


def with_weights(path, edit):
    """The small model with its file of weights edited: `edit` is called with its kernel's group."""
    content = io.BytesIO(members()[WEIGHTS])
    with h5py.File(content, "r+") as file:
        edit(file["layers/dense/vars"])
    write(path, {**members(), WEIGHTS: content.getvalue()})


def functional(layers, inputs="in", outputs="out"):
    """The configuration of a functional model of `layers`, of which each has a name and calls."""
    config = {"name": "graph", "trainable": True, "layers": layers}
    config |= {"input_layers": [[inputs, 0, 0]], "output_layers": [[outputs, 0, 0]]}
    return keras_object("keras.Model", config)


def graph_input(name="in", shape=(None, 2)):
    layer = keras_object("keras.layers.InputLayer", {"batch_shape": shape, "dtype": "float32", "name": name})
    return {**layer, "name": name, "inbound_nodes": []}


def called(layer, name, on, **kwargs):
    """`layer` called once for each name in `on`."""
    tensors = [
        {
            "class_name": "__keras_tensor__",
            "config": {"shape": [None, 2], "dtype": "float32", "keras_history": [of, 0, 0]},
        }
        for of in on
    ]
    return {**layer, "name": name, "inbound_nodes": [{"args": [tensor], "kwargs": kwargs} for tensor in tensors]}


# --- The archive ---

NO_MODEL = "is no Keras model file .* or is damaged"


@hostile("it is no regular file")
def named_pipe(path):
    os.mkfifo(path)


@hostile("it is no regular file")
def link_to_an_endless_device(path):
    path.symlink_to("/dev/zero")


@hostile(NO_MODEL)
def empty_file(path):
    path.touch()


@hostile(NO_MODEL)
def legacy_model_under_another_name(path):
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"layers": []}})


@hostile(NO_MODEL)
def archive_without_its_table_of_contents(path):
    write(path, members())
    path.write_bytes(path.read_bytes()[:-100])


@hostile(NO_MODEL)
def archive_of_one_member_in_two_places(path):
    write(path, {**members(), "assets/x": b"x"})
    # The table of contents points to the configuration for the asset as well.
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        offset, place = archive.getinfo(CONFIG).header_offset, archive.getinfo("assets/x").header_offset
    table = content.rindex(struct.pack("<L", place) + b"assets/x")
    content[table : table + 4] = struct.pack("<L", offset)
    path.write_bytes(content)


for _title, _name in {
    "absolute_name": "/tmp/x",
    "name_above": "../x",
    "asset_above": "assets/../../x",
    "asset_behind_backslashes": "assets\\..\\..\\x",
    "asset_on_a_drive": "assets/C:/x",
    "pickle_beside_the_weights": "model.pkl",
    "weights_as_npz": "model.weights.npz",
    "name_with_an_escape_code": "\x1b[2Jx",
}.items():
    hostile("its member '.*' is none of metadata.json, config.json, model.weights.h5 and assets", _title)(
        lambda path, name=_name: write(path, {**members(), name: b"x"})
    )


@hostile("its member 'config.json' is there twice")
def two_configurations(path):
    write(path, members())
    with zipfile.ZipFile(path, "a") as archive:
        archive.filename = None
        archive.NameToInfo.clear()  # or Python would warn
        archive.writestr(CONFIG, json.dumps(configuration()))


@hostile("its member 'assets/x' is a link or a device")
def link_as_a_member(path):
    write(path, members())
    link = zipfile.ZipInfo("assets/x")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")


@hostile("its member 'config.json' is encrypted")
def encrypted_member(path):
    write(path, members())
    content = bytearray(path.read_bytes())
    content[content.rindex(b"PK\x01\x02", 0, content.rindex(b"config.json")) + 8] |= 1
    path.write_bytes(content)


@hostile("its member '.*' is compressed by another method than deflate")
def member_compressed_with_lzma(path):
    write(path, members(), zipfile.ZIP_LZMA)


@hostile("its member 'config.json' has more than the 16,777,216 bytes allowed")
def configuration_that_unpacks_to_much(path):
    write(path, {**members(), CONFIG: b" " * 2**25}, zipfile.ZIP_DEFLATED)


@hostile("its member 'model.weights.h5' has more than the .* bytes allowed")
def weights_that_unpack_to_much(path):
    write(path, {**members(), WEIGHTS: bytes(75 * 2**20)}, zipfile.ZIP_DEFLATED)


@hostile("its member 'assets/x' has more than the .* bytes allowed")
def asset_that_unpacks_to_much(path):
    write(path, {**members(), "assets/x": bytes(75 * 2**20)}, zipfile.ZIP_DEFLATED)


@hostile(f"cannot be loaded|{NO_MODEL}")
def header_that_states_a_smaller_size(path):
    write(path, {**members(), CONFIG: b" " * 2**25}, zipfile.ZIP_DEFLATED)
    path.write_bytes(path.read_bytes().replace(struct.pack("<L", 2**25), struct.pack("<L", 10)))


@hostile("it has 1,104 members, and at most 1000 are allowed")
def thousands_of_members(path):
    write(path, {**members(), **{f"assets/{number}": b"" for number in range(1101)}})


@hostile("its table of contents has more than 1,048,576 bytes")
def large_table_of_contents(path):
    write(path, {f"assets/{number}{'x' * 60_000}": b"" for number in range(20)})


@hostile(NO_MODEL)
def no_configuration(path):
    write(path, {WEIGHTS: members()[WEIGHTS]})


@hostile("cannot be loaded: it has no model.weights.h5")
def no_weights(path):
    write(path, {CONFIG: members()[CONFIG], METADATA: members()[METADATA]})


# --- The text of the configuration ---


@hostile("cannot be loaded: ")
def configuration_that_is_no_json(path):
    write_config(path, b"{'module': __import__('os')}")


@hostile("cannot be loaded: its configuration is none of a model")
def configuration_that_is_a_list(path):
    write_config(path, [configuration()])


@hostile("its configuration is nested more than 100 deep")
def configuration_nested_without_end(path):
    write_config(path, b"[" * 200_000)


@hostile("its configuration is nested more than 100 deep")
def configuration_nested_too_deep(path):
    value = []
    for _ in range(200):
        value = [value]
    with_argument(path, "units", value)


@hostile("its configuration has more than 500,000 parts")
def configuration_of_millions_of_parts(path):
    write_config(path, b"[" + b"[]," * 4_000_000 + b"[]]")


@hostile("its configuration has more than 50,000 objects")
def configuration_of_many_objects(path):
    with_argument(path, "many", [keras_object("keras.initializers.Zeros") for _ in range(50_001)])


# --- Code ---

CODE = "it holds Python code that would run while it loads"
LAMBDA = {"class_name": "__lambda__", "config": {"value": marshal.dumps((lambda x: x).__code__).hex()}}


@hostile(CODE)
def lambda_layer(path):
    with_layer(path, keras_object("keras.layers.Lambda", {"name": "code", "function": LAMBDA}))


@hostile(CODE)
def lambda_layer_that_fetches_a_file(path):
    function = {**keras_function("keras.utils.get_file"), "class_name": "function"}
    with_layer(path, keras_object("keras.layers.Lambda", {"function": function, "arguments": {"origin": "http://x"}}))


@hostile(CODE)
def lambda_layer_of_the_legacy_format(path):
    with_layer(path, {"class_name": "Lambda", "config": {"function": ["", None, None], "function_type": "lambda"}})


@hostile(CODE)
def lambda_layer_under_its_private_name(path):
    with_layer(path, keras_object("keras.src.layers.core.lambda_layer.Lambda", {"function": LAMBDA}))


@hostile(CODE)
def lambda_as_an_activation(path):
    with_argument(path, "activation", LAMBDA)


@hostile(CODE)
def lambda_as_a_loss(path):
    with_compilation(path, loss=LAMBDA)


for _title, _function in {
    "picture_written": "keras.visualization.plot_image_gallery",
    "limit_of_epochs_set": "keras.config.set_max_epochs",
    "safe_mode_switched_off": "keras.config.enable_unsafe_deserialization",
    "file_fetched": "keras.utils.get_file",
    "weights_downloaded": "keras.applications.ResNet50",
    "data_downloaded": "keras.datasets.mnist.load_data",
    "second_model_loaded": "keras.saving.load_model",
    "picture_read": "keras.utils.load_img",
    "session_cleared": "keras.backend.clear_session",
    "activation_found_by_name": "keras.activations.get",
    "operation_as_an_activation": "keras.ops.while_loop",
}.items():
    hostile("it calls 'keras.*', which is no activation, loss or metric", _title)(
        lambda path, function=_function: with_argument(path, "activation", keras_function(function))
    )

for _title, _function in {
    "system_call": "os.system",
    "evaluation_of_text": "builtins.eval",
    "function_of_numpy": "numpy.load",
}.items():
    hostile("needs the function '.*': import the module that registers it, or give it in `custom_objects`", _title)(
        lambda path, function=_function: with_argument(path, "activation", keras_function(function))
    )


@hostile("it calls 'keras.utils.get_file', which is no activation, loss or metric")
def function_as_a_loss(path):
    with_compilation(path, loss=keras_function("keras.utils.get_file"))


@hostile("it calls 'keras.config.set_max_epochs', which is no activation, loss or metric")
def function_as_an_argument_of_a_call(path):
    layer = called(keras_object("keras.layers.Dense", {"units": 1}), "out", ["in"])
    layer["inbound_nodes"][0]["kwargs"]["mask"] = keras_function("keras.config.set_max_epochs")
    write_config(path, functional([graph_input(), layer]))


for _title, _kind in {
    "editor_of_files": "keras.saving.KerasFileEditor",
    "editor_of_files_under_its_private_name": "keras.src.saving.file_editor.KerasFileEditor",
    "class_of_a_module_not_imported": "keras.src.backend.torch.trainer.TorchTrainer",
    "function_as_a_class": "keras.utils.get_file",
    "callback": "keras.callbacks.CSVLogger",
    "saved_model_of_tensorflow": "keras.layers.TFSMLayer",
    "pickled_module_of_pytorch": "keras.layers.TorchModuleWrapper",
    "function_of_jax": "keras.layers.JaxLayer",
    "module_of_flax": "keras.layers.FlaxLayer",
    "feature_space": "keras.utils.FeatureSpace",
    "quantization_by_data": "keras.quantizers.GPTQConfig",
    "loop_over_a_function": "keras.src.ops.core.WhileLoop",
}.items():
    hostile("it uses '.*', which is no part of models that are loaded here", _title)(
        lambda path, kind=_kind: with_layer(path, keras_object(kind, {"filepath": "/etc/passwd"}))
    )

for _title, _kind in {
    "process_started": "subprocess.Popen",
    "class_of_another_package": "keras_hub.models.Backbone",
    "class_of_no_module": ".Dense",
}.items():
    hostile("needs the class '.*': import the module that registers it, or give it in `custom_objects`", _title)(
        lambda path, kind=_kind: with_layer(path, keras_object(kind, {"args": "touch x"}))
    )


@hostile("it uses 'keras.src.ops.core.Switch', which is no part of models that are loaded here")
def operation_that_calls_a_function(path):
    # Beside what the model computes, and called with plain values: Keras computes it at once.
    switch = keras_object("keras.src.ops.core.Switch", name="switch")
    branches = [keras_function("keras.utils.pad_sequences")]
    switch["inbound_nodes"] = [{"args": [0, branches, [[1]], 25_000_000, "float64"], "kwargs": {}}]
    write_config(path, functional([graph_input(), switch], outputs="in"))


for _title, _layer_name in {"layer_called_above": "..", "layer_called_by_an_escape_code": "\x1b[2J"}.items():
    hostile("Dense is called '.*'", _title)(lambda path, name=_layer_name: with_argument(path, "name", name))


@hostile("its configuration names a class by something else than text")
def class_that_is_a_list(path):
    with_layer(path, {**keras_object("keras.layers.Dense"), "class_name": ["Dense"]})


@hostile("needs the class '__typespec__'")
def type_of_tensorflow(path):
    typed = {"class_name": "__typespec__", "spec_name": "TensorSpec", "module": "tensorflow", "config": []}
    with_argument(path, "many", {**typed, "registered_name": None})


# --- Other files ---

for _title, _kind in {"text_lookup": "StringLookup", "text_vectorization": "TextVectorization"}.items():
    hostile(f"the vocabulary of {_kind} is another file, '/etc/passwd'", f"{_title}_in_another_file")(
        lambda path, kind=_kind: with_layer(path, keras_object(f"keras.layers.{kind}", {"vocabulary": "/etc/passwd"}))
    )


@hostile("the vocabulary of IntegerLookup is another file, 'gs://bucket/vocabulary'")
def number_lookup_on_a_server(path):
    with_layer(path, keras_object("keras.layers.IntegerLookup", {"vocabulary": "gs://bucket/vocabulary"}))


# --- More than a model needs ---

LARGE = 10**9


@hostile("its layers ask for more than 1,000,01[0-9] weights, and . are stored")
def layer_of_a_billion_units(path):
    config = configuration()
    config["config"]["layers"][1]["config"]["units"] = LARGE
    write_config(path, config)


for _title, _layer in {
    "embedding_of_a_billion_rows": keras_object("keras.layers.Embedding", {"input_dim": LARGE, "output_dim": 4}),
    "lstm_of_a_million_units": keras_object("keras.layers.LSTM", {"units": 10**6}),
    "wrapped_layer_of_a_billion_units": keras_object(
        "keras.layers.TimeDistributed", {"layer": keras_object("keras.layers.Dense", {"units": LARGE})}
    ),
    "many_kernels": keras_object("keras.layers.Conv1D", {"filters": 10**6, "kernel_size": 10}),
}.items():
    hostile("its layers ask for more than 1,000,01[0-9] weights, and . are stored", _title)(
        lambda path, layer=_layer: with_layer(path, layer, (None, 10, 2))
    )


@hostile("its shape .* has more than 134,217,728 values")
def input_of_many_values(path):
    with_layer(path, keras_object("keras.layers.Flatten"), (None, 10**5, 10**5))


@hostile("its metrics, optimizers and normalizations keep more than 16,777,216 numbers of their own")
def normalization_of_many_values(path):
    layer = keras_object("keras.layers.Normalization", {"axis": [1], "mean": 0.0, "variance": 1.0})
    with_layer(path, {**layer, "build_config": {"input_shape": [None, 10**8]}}, (None, 10**8))


@hostile("a Normalization with means does not say its shape")
def normalization_of_unknown_shape(path):
    layer = keras_object("keras.layers.Normalization", {"axis": [1], "mean": 0.0, "variance": 1.0})
    with_layer(path, layer, (None, 10**8))


@hostile("its metrics, optimizers and normalizations keep more than 16,777,216 numbers of their own")
def metric_of_many_classes(path):
    with_compilation(path, metrics=[keras_object("keras.metrics.MeanIoU", {"num_classes": 10**6})])


@hostile("its metrics, optimizers and normalizations keep more than 16,777,216 numbers of their own")
def optimizer_with_a_long_history(path):
    optimizer = {**keras_object("recipes.PercentileClipping"), "registered_name": "keras_recipes>PercentileClipping"}
    with_compilation(
        path, optimizer={**optimizer, "config": {"optimizer": keras_object("keras.optimizers.SGD"), "history": LARGE}}
    )


for _title, _layer in {
    "input_repeated_without_end": keras_object("keras.layers.RepeatVector", {"n": LARGE}),
    "input_padded_without_end": keras_object("keras.layers.ZeroPadding1D", {"padding": LARGE}),
}.items():
    hostile("its shape .* has more than 134,217,728 values", _title)(
        lambda path, layer=_layer: with_layer(path, layer, (None, 2) if "n" in layer["config"] else (None, 2, 2))
    )


@hostile("its layers are not in the order of their calls")
def layers_in_reverse(path):
    names = ["in", *(f"layer_{number}" for number in range(1000)), "out"]
    layers = [
        called(keras_object("keras.layers.ReLU", {"name": name}), name, [source])
        for source, name in itertools.pairwise(names)
    ]
    write_config(path, functional([*reversed(layers), graph_input()]))


@hostile("AUC asks for {'num_thresholds': 1000000000}, and at most 4096 are allowed")
def metric_of_many_thresholds(path):
    with_compilation(path, metrics=[keras_object("keras.metrics.AUC", {"num_thresholds": LARGE})])


@hostile("TextVectorization asks for {'ngrams': 1000000000}, and at most 4096 are allowed")
def text_in_many_pieces(path):
    with_layer(path, keras_object("keras.layers.TextVectorization", {"ngrams": LARGE}))


@hostile("Split asks for {'indices_or_sections': 1000000000}, and at most 4096 are allowed")
def operation_with_many_outputs(path):
    layer = keras_object("keras.src.ops.numpy.Split", {"indices_or_sections": LARGE, "axis": 1})
    write_config(path, functional([graph_input(), called(layer, "out", ["in"])]))


@hostile("a layer is called with something else than outputs of other layers")
def operation_that_is_computed_at_once(path):
    layer = called(keras_object("keras.src.ops.numpy.Tile", {"repeats": [10**5, 10**5]}), "out", ["in"])
    layer["inbound_nodes"][0]["args"] = [1.0]
    write_config(path, functional([graph_input(), layer]))


@hostile("its layers are called more than 20,000 times")
def models_within_models(path):
    model = functional([graph_input(), called(keras_object("keras.layers.ReLU", {"name": "out"}), "out", ["in"])])
    for _ in range(8):
        model = functional([graph_input(), called(copy.deepcopy(model), "out", ["in"] * 10)])
    write_config(path, model)


@hostile("its layers are called more than 20,000 times")
def thousands_of_layers(path):
    layers = [keras_object("keras.layers.ReLU", {"name": f"layer_{number}"}) for number in range(20_001)]
    config = configuration()
    config["config"]["layers"] += layers
    write_config(path, config)


for _title, _type in {
    "array_of_long_texts": "U100000000",
    "array_of_objects": "O",
    "array_of_bytes": "V1000000000",
}.items():
    hostile(f"an array in its configuration has the type '{_type}'", _title)(
        lambda path, kind=_type: with_argument(
            path, "activation", {"class_name": "__numpy__", "config": {"value": [1], "dtype": kind}}
        )
    )


@hostile("it searches names by the pattern '\\(a\\+\\)\\+\\$'")
def optimizer_chosen_by_an_endless_pattern(path):
    sgd = keras_object("keras.optimizers.SGD")
    choice = keras_object("keras.optimizers.OptimizerMap", {"default_optimizer": sgd, "optimizer_map": {"(a+)+$": sgd}})
    with_compilation(path, optimizer=keras_object("keras.optimizers.MultiOptimizer", {"optimizer_map": choice}))


@hostile("it searches names by the pattern '\\(a\\+\\)\\+\\$'")
def weights_excluded_by_an_endless_pattern(path):
    with_compilation(path, optimizer=keras_object("keras.optimizers.Muon", {"exclude_layers": ["(a+)+$"]}))


# --- The weights ---


def _replace(group, make):
    del group["0"]
    make(group)


@hostile("its weights have a link '0' to elsewhere")
def weights_behind_an_external_link(path):
    with_weights(path, lambda group: _replace(group, lambda g: g.__setitem__("0", h5py.ExternalLink("/etc/x", "/0"))))


@hostile("its weights have a link '0' to elsewhere")
def weights_behind_a_soft_link(path):
    with_weights(path, lambda group: _replace(group, lambda g: g.__setitem__("0", h5py.SoftLink("/layers"))))


@hostile("its weights '0' are in another file")
def weights_in_another_file(path):
    outside = [("/etc/passwd", 0, 8)]
    with_weights(path, lambda group: _replace(group, lambda g: g.create_dataset("0", (2, 1), "f4", external=outside)))


@hostile("its weights '0' are in another file")
def weights_of_a_virtual_array(path):
    layout = h5py.VirtualLayout((2, 1), "f4")
    layout[:] = h5py.VirtualSource("/tmp/other.h5", "x", (2, 1))
    with_weights(path, lambda group: _replace(group, lambda g: g.create_virtual_dataset("0", layout)))


@hostile("its weights '0' are compressed or in chunks, which Keras does not write")
def weights_of_a_stated_shape(path):
    shape = (10**6, 10**6)
    arguments = {"chunks": (1000, 1000), "compression": "gzip", "dtype": "f4"}
    with_weights(path, lambda group: _replace(group, lambda g: g.create_dataset("0", shape, **arguments)))


@hostile("its weights '0' state 4,000,000,000,000 bytes and store 0")
def weights_that_are_not_stored(path):
    with_weights(path, lambda group: _replace(group, lambda g: g.create_dataset("0", (10**6, 10**6), "f4")))


@hostile("its weights '0' are no numbers")
def weights_that_are_texts(path):
    with_weights(path, lambda group: _replace(group, lambda g: g.create_dataset("0", data=np.array(["x"], object))))


@hostile("its weights hold '0', which is neither a group nor an array")
def weights_that_are_a_type(path):
    with_weights(path, lambda group: _replace(group, lambda g: g.__setitem__("0", np.dtype("f4"))))


@hostile("its weights hold 'circle' twice, or are nested without end")
def weights_in_a_circle(path):
    with_weights(path, lambda group: group.__setitem__("circle", group.parent))


@hostile("its weights '0' are described by arrays, which Keras does not write")
def weights_described_by_arrays(path):
    with_weights(path, lambda group: group["0"].attrs.__setitem__("dtype", np.zeros(1000)))


@hostile("cannot be loaded: ")
def weights_that_are_no_hdf5_file(path):
    write(path, {**members(), WEIGHTS: b"\x89HDF\r\n\x1a\n" + bytes(1000)})


@hostile("cannot be loaded: ")
def weights_of_another_shape(path):
    with_weights(path, lambda group: _replace(group, lambda g: g.create_dataset("0", data=np.zeros((3, 3), "f4"))))
