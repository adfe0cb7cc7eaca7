"""The signal in a stack of layers: its outputs on the way up, and the gradients on the way down."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
from keras import ops


@dataclass(frozen=True)
class Flow:
    """What passes through a stack of layers.

    Attributes:
        outputs: Outputs of each layer, from the first to the last `(layers, rows, units)`.
        gradients: Gradients of the loss with respect to these outputs `(layers, rows, units)`.
    """

    outputs: np.ndarray
    gradients: np.ndarray


class Stack:
    """A stack of layers, for whose present weights the signal is measured.

    The gradients come from one step of Keras's own training. Zeros are added to the outputs of each layer; they are the
    only weights that are trained, and as they start at 0 and the learning rate is 1, they are minus the gradient after
    the step, to every digit.

    Args:
        layers: Functions of a Keras tensor, in order: Keras layers, or several called one after the other.
        shape: Number of rows and of units, which the layers keep.
    """

    def __init__(self, layers: Sequence[Callable], shape: tuple[int, int]):
        inputs = signal = keras.Input(batch_shape=shape)
        self._zeros = []
        for layer in layers:
            self._zeros.append(_Zeros())
            signal = self._zeros[-1](layer(signal))
        self._outputs = keras.Model(inputs, [layer.output for layer in self._zeros])
        self._trained = keras.Model(inputs, signal)
        for layer in self._trained.layers:
            layer.trainable = layer in self._zeros
        # Few steps do not repay the time of compiling them.
        self._trained.compile(keras.optimizers.SGD(1.0), loss=_sum_of_products, run_eagerly=True)

    def flow(self, x: np.ndarray, gradient: np.ndarray) -> Flow:
        """Send rows up through the layers and a gradient down again.

        Args:
            x: Rows `(rows, units)`.
            gradient: Gradient of the loss with respect to the outputs of the last layer `(rows, units)`.
        """
        for layer in self._zeros:
            layer.zeros.assign(ops.zeros(layer.zeros.shape))
        outputs = self._outputs(ops.convert_to_tensor(x))
        self._trained.train_on_batch(x, gradient)
        return Flow(
            np.stack([ops.convert_to_numpy(output) for output in outputs]),
            np.stack([-ops.convert_to_numpy(layer.zeros.value) for layer in self._zeros]),
        )


def _sum_of_products(gradient, outputs):
    """The loss whose gradient with respect to the outputs is the one given."""
    return ops.sum(gradient * outputs)


class _Zeros(keras.layers.Layer):
    """Adds zeros to its inputs, as weights that can be trained."""

    def build(self, input_shape):
        self.zeros = self.add_weight(shape=input_shape, initializer="zeros", name="zeros")

    def call(self, inputs):
        return inputs + self.zeros
