"""The model that is saved: raw rows in, probabilities or raw values out."""

import keras

from custom_layers import TablePreparation
from recipes.data import Dataset


def serving_model(core: keras.Model, dataset: Dataset) -> keras.Model:
    """Put the preparation of `dataset` in front of a trained `core`, and what makes its output readable behind.

    It shares the weights of `core`. It is compiled, with a loss on probabilities or raw values, so that Keras's own
    `evaluate(x, y)` works on it.

    Args:
        core: From prepared rows `(batch, *dataset.input_shape)` to logits (or scaled values, for regression).
        dataset: Gives the preparation and the task.

    Returns:
        From raw rows to class probabilities: `(batch, classes)` by softmax, or `(batch, 1)`, the probability of
        class 1, by sigmoid where `core` has a single output; for regression to `(batch, 1)` in the targets' units.
    """
    preparation = dataset.preparation
    inputs = keras.Input(preparation.input_shape, name="raw")
    outputs = core(_prepare(inputs, preparation))
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
    model = keras.Model(inputs, outputs, name=f"{core.name}_with_preparation")
    # Any optimizer would do for evaluation; this one adds nothing to the file.
    model.compile(optimizer="sgd", loss=loss, metrics=metrics)
    return model


def _prepare(inputs, preparation):
    if preparation.is_table:
        names, mean, scale = preparation.feature_names, preparation.mean, preparation.scale
        return TablePreparation(names, mean.tolist(), scale.tolist(), name="preparation")(inputs)
    if len(preparation.input_shape) == 2:
        inputs = keras.layers.Reshape(preparation.output_shape, name="add_channel")(inputs)
    # Not Keras's Normalization: it takes a deviation below 1e-7 for 1e-7.
    scale, offset = (1 / preparation.scale).tolist(), (-preparation.mean / preparation.scale).tolist()
    return keras.layers.Rescaling(scale, offset, name="preparation", dtype="float32")(inputs)
