"""Training one compiled model several times, which takes less time than compiling it anew each time."""

import keras

from recipes.training.state import assign_copies, copies_of


class InitialState:
    """Weights of a compiled model and state of its optimizer, to which it can be set back.

    Args:
        model: Compiled Keras model.
    """

    def __init__(self, model: keras.Model):
        model.optimizer.build(model.trainable_variables)
        self._copies = copies_of([*model.variables, *model.optimizer.variables])

    def restore(self) -> None:
        """Set the model back."""
        assign_copies(self._copies)
