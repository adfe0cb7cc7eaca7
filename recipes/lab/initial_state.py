"""Training one compiled model several times, which takes less time than compiling it anew each time."""

import keras


class Start:
    """Weights of a compiled model and state of its optimizer, to which it can be set back.

    Args:
        model: Compiled Keras model.
    """

    def __init__(self, model: keras.Model):
        model.optimizer.build(model.trainable_variables)
        self._variables = [*model.variables, *model.optimizer.variables]
        self._values = [keras.ops.convert_to_numpy(variable).copy() for variable in self._variables]

    def restore(self) -> None:
        """Set the model back."""
        for variable, value in zip(self._variables, self._values, strict=True):
            variable.assign(value)
