"""A model inside of another one that stays in inference mode while the outer one is trained."""

import keras


@keras.saving.register_keras_serializable(package="keras_recipes")
class InferenceModel(keras.Model):
    """A functional model whose layers always run in inference mode: no dropout, and no new batch statistics.

    Its weights may be trained nevertheless. `model(x, training=False)` inside of a functional Keras model would not
    achieve this, because the mode of the outer model replaces the argument.

    Args:
        inputs: Inputs of the model, as for `keras.Model`.
        outputs: Outputs of the model, as for `keras.Model`.
        name: Name of the model.
    """

    def __call__(self, *args, training=None, **kwargs):
        return super().__call__(*args, training=False, **kwargs)

    def call(self, inputs, training=None, mask=None):
        # Keras calls this method with the mode of the outer model, where `__call__` is bypassed.
        return super().call(inputs, training=False, mask=mask)
