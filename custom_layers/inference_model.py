"""A model inside another one that works as for prediction, even while the outer one is trained."""

import keras


@keras.saving.register_keras_serializable(package="keras_recipes")
class InferenceModel(keras.Model):
    """A functional model whose layers always run in inference mode: no dropout, and no new batch statistics.

    Its weights may be trained all the same. In Keras, `model(x, training=False)` in a functional model does not do it:
    the mode of the outer model takes the place of the one that was given.

    Args:
        inputs: As of `keras.Model`.
        outputs: As of `keras.Model`.
        name: Of the model.
    """

    def __call__(self, *args, training=None, **kwargs):
        return super().__call__(*args, training=False, **kwargs)

    def call(self, inputs, training=None, mask=None):
        # Keras may call it with the mode of the outer model nevertheless.
        return super().call(inputs, training=False, mask=mask)
