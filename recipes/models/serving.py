"""The model that is saved: raw rows in, probabilities or raw values out."""

import keras

import custom_layers
from recipes.data import Dataset
from recipes.data.preparation import ImagePreparation, SequencePreparation, TablePreparation

# Name of the layer that takes raw rows.
PREPARATION = "preparation"
_LAYERS = {
    TablePreparation: custom_layers.TablePreparation,
    ImagePreparation: custom_layers.ImagePreparation,
    SequencePreparation: custom_layers.SequencePreparation,
}


def serving_model(core: keras.Model, dataset: Dataset, temperature: float | None = None) -> keras.Model:
    """A trained `core` between the preparation of `dataset` and a layer that makes its outputs readable.

    It shares the weights of `core`. It is compiled, with a loss on probabilities or raw values, so that Keras's own
    `evaluate(x, y)` works on it.

    Args:
        core: Model from prepared rows `(batch, *dataset.input_shape)` to logits (or scaled values, for regression).
        dataset: Data with the preparation and the task.
        temperature: Number by which the logits of classes are divided. Default: they are used as they are.

    Returns:
        A model from raw rows (images of any height and width, sequences of as many steps as `core` takes) to class
        probabilities: `(batch, classes)` by softmax, or `(batch, 1)`, the probability of class 1, by sigmoid where
        `core` has a single output; for regression to `(batch, 1)` in the targets' units.
    """
    preparation = dataset.preparation
    inputs = keras.Input(_raw_shape(core, preparation), name="raw")
    layer = _LAYERS[type(preparation)]
    outputs = core(layer(**preparation.constants(), name=PREPARATION)(inputs))
    if temperature is not None:
        outputs = keras.layers.Rescaling(1 / temperature, name="temperature", dtype="float32")(outputs)
    if dataset.task == "regression":
        scale, offset = preparation.target_scale, preparation.target_mean
        outputs = keras.layers.Rescaling(scale, offset, name="target_units", dtype="float32")(outputs)
        loss, metrics = keras.losses.MeanSquaredError(), ["mean_absolute_error"]
    elif outputs.shape[-1] == 1:
        outputs = keras.layers.Activation("sigmoid", name="probabilities", dtype="float32")(outputs)
        loss, metrics = keras.losses.BinaryCrossentropy(), ["accuracy"]
    else:
        outputs = keras.layers.Activation("softmax", name="probabilities", dtype="float32")(outputs)
        loss, metrics = keras.losses.SparseCategoricalCrossentropy(), ["accuracy"]
    # Trained further, a network of members gives the outputs of each one.
    kind = custom_layers.MemberModel if isinstance(core, custom_layers.MemberModel) else keras.Model
    model = kind(inputs, outputs, name=f"{core.name}_with_preparation")
    # Evaluation needs no optimizer, but `compile` does; this one adds nothing to the file.
    model.compile(optimizer="sgd", loss=loss, metrics=metrics)
    # In half precision Keras wraps it in one that scales the loss, whose variables it can only load where it was built.
    model.optimizer.build(model.trainable_variables)
    return model


def _raw_shape(core: keras.Model, preparation) -> tuple[int | None, ...]:
    if isinstance(preparation, ImagePreparation):
        return preparation.raw_shape
    if isinstance(preparation, SequencePreparation) and getattr(core, "inputs", None):
        return tuple(core.inputs[0].shape[1:])  # recurrent layers take any number of steps, others do not
    return preparation.input_shape


def core_of(model: keras.Model) -> keras.Model:
    """The network inside a model that `serving_model` made; any other `model` itself."""
    layers = getattr(model, "layers", [])
    prepared = any(layer.name == PREPARATION for layer in layers)
    inner = [layer for layer in layers if isinstance(layer, keras.Model)]
    return inner[0] if prepared and len(inner) == 1 else model
