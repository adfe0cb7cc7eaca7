"""Layer-sequential unit variance: orthonormal kernels, scaled layer by layer by the variance measured on one batch.

Mishkin & Matas 2016, "All you need is a good init" (arXiv:1511.06422).
"""

import keras
import numpy as np

from recipes.initialization.kernels import MAXOUT, KernelStart, has_kernels, kernels
from recipes.initialization.rules import RULES, SELF_INITIALIZED, array
from recipes.initialization.variance import measured
from recipes.keras_internals.layers import known_class
from recipes.keras_internals.private import direct_layers

TOLERANCE = 0.01  # of the variance of the pre-activations, around 1
TRIALS = 10


class Scaling:
    """One forward pass in which the kernel of each layer is drawn and scaled when the layer is called.

    The inputs of a layer thus come from layers that are finished, in whatever order the model calls them, and a
    subclassed model needs no graph.

    Attributes:
        starts: Records of the kernels that were drawn, in the order of the calls.
        unknown: Names of the layers with weights whose kind is not known.
        failed: Names of the layers whose pre-activations could not be scaled to unit variance.
    """

    def __init__(self, model: keras.Model, rng: np.random.Generator):
        self.rng = rng
        self.starts: list[KernelStart] = []
        self.failed: list[str] = []
        self._model = model
        self._layers, self.unknown = _sort(model)
        self._done: set[int] = set()

    def run(self, x) -> None:
        """Draw and scale on the rows `x`; after an error, all weights have their former values."""
        kept = {id(v): (v, np.array(keras.ops.convert_to_numpy(v.value))) for v in self._changeable()}
        drawn = {id(variable) for layer in self._layers for variable in self.drawn(layer)}
        wrapped = []
        try:
            self._try(x)
            for layer in self._layers:
                wrapped.append((layer, vars(layer).get("call")))
                layer.call = self._scaled_first(layer, layer.call)
            self._model(x, training=False)
        except BaseException:
            drawn = set()
            raise
        finally:
            for layer, own in wrapped:
                del layer.call
                if own is not None:  # a wrapper that was there before
                    layer.call = own
            for key, (variable, value) in kept.items():
                if key not in drawn:
                    variable.assign(value)

    def _try(self, x) -> None:
        """Pass one row through the model before any kernel is changed."""
        try:
            self._model(keras.tree.map_structure(lambda part: part[:1], x), training=False)
        except Exception as error:
            shapes = ", ".join(str(part.shape) for part in keras.tree.flatten(x))
            raise ValueError(
                f"the model {self._model.name!r} does not take this `x`. Received: shape {shapes}"
            ) from error

    def drawn(self, layer) -> list:
        """The weights of a kernel layer that are drawn."""
        return [kernel.variable for kernel in kernels(layer)]

    def _changeable(self):
        """Every variable that a pass may change: weights that are drawn, and the state of layers."""
        yield from (variable for layer in self._layers for variable in self.drawn(layer))
        yield from self._model.non_trainable_variables

    @property
    def missed(self) -> list[str]:
        """Names of kernel layers that the model did not call."""
        return [layer.name for layer in self._layers if id(layer) not in self._done]

    def _scaled_first(self, layer, call):
        def scaled(inputs, *args, **kwargs):
            if id(layer) not in self._done:  # a shared layer is drawn at its first call
                self._done.add(id(layer))
                self.scale(layer, call, inputs)
            return call(inputs, *args, **kwargs)

        return scaled

    def scale(self, layer, call, inputs) -> None:
        """Draw and scale one layer, whose own `call` is given, on its `inputs`."""
        *before, last = kernels(layer)
        for kernel in before:  # the depthwise kernel of a separable convolution, whose scale the pointwise one corrects
            kernel.write(kernel.orthonormal(self.rng))
        matrix = last.orthonormal(self.rng)
        last.write(matrix)
        signal = measured(pre_activations(layer, call, inputs))
        for _ in range(TRIALS):
            if not (np.isfinite(signal.variance) and signal.variance > 0) or abs(signal.variance - 1) < TOLERANCE:
                break
            matrix = matrix / signal.variance**0.5
            last.write(matrix)
            signal = measured(pre_activations(layer, call, inputs))
        if not abs(signal.variance - 1) < TOLERANCE:
            self.failed.append(layer.name)
        self.starts.append(KernelStart.of(layer.name, matrix.var(), signal))


def pre_activations(layer, call, inputs) -> np.ndarray:
    """What a kernel layer gives for `inputs` without its activation; for Maxout the values of all pieces."""
    if known_class(layer, MAXOUT):
        return array(layer.affine(inputs))
    activation, layer.activation = layer.activation, None
    try:
        return array(call(inputs))
    finally:
        layer.activation = activation


def _sort(model) -> tuple[list, list[str]]:
    """The trainable kernel layers of `model`, at any depth, and the names of those with weights of unknown kinds."""
    found, unknown = [], []
    queue, seen = [model], set()
    while queue:
        layer = queue.pop(0)
        if id(layer) in seen:
            continue
        seen.add(id(layer))
        inner = direct_layers(layer)
        if has_kernels(layer):
            found += [layer] if layer.trainable else []
        elif known_class(layer, RULES) or known_class(layer, SELF_INITIALIZED):
            continue
        elif isinstance(layer, keras.Model) or not type(layer).__module__.startswith("keras."):
            # The layers in a block of the user's own are drawn; weights that it has besides them are not known.
            queue[:0] = inner
            theirs = {id(weight) for part in inner for weight in part.weights}
            unknown += [layer.name] if any(id(weight) not in theirs for weight in layer.weights) else []
        elif layer.weights:
            # A layer of Keras made of others, such as attention, relies on how it draws them.
            unknown.append(layer.name)
    return found, unknown
