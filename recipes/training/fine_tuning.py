"""Fine-tuning, the second half of transfer learning: the body is trained, too, at a lower rate."""

import keras

from recipes.arguments.numbers import is_count, is_number, require_positive
from recipes.keras_internals.private import all_layers, compile_arguments
from recipes.models.body import body_of
from recipes.optimizers import GradientClipping
from recipes.optimizers.copying import copied
from recipes.optimizers.guard import Guard


def fine_tune(
    model: keras.Model, *, learning_rate: float, layers: int | None = None, layer_decay: float = 1.0
) -> keras.Model:
    """Unfreeze the body of a `recipes.transfer` model, and compile it again at a lower rate; `fit` then trains it.

    Train the new head first: gradients of an untrained head would spoil the body. Batch normalization of the body stays
    frozen, weights and statistics. Loss, metrics and the kind of optimizer are those that the model was compiled with,
    clipping and weight decay included; moments begin anew.

    Args:
        model: Model made by `recipes.transfer`, compiled, its head trained.
        learning_rate: Learning rate of head and body, a positive number or a schedule; a tenth of that of the head's
            training is a good start.
        layers: Number of layers of the body that are trained, from the top. Layers without weights, and batch
            normalization, do not count. Default: all.
        layer_decay: Factor between the learning rates of neighbouring layers, more than 0 and at most 1: the topmost
            layer of the body has `layer_decay` times the rate of the head, the next one `layer_decay` times that, and
            so on (Howard & Ruder 2018, arXiv:1801.06146). Default: 1, the same rate for all.

    Returns:
        The same model, compiled.

    Raises:
        ValueError: For a model without a body, or that is not compiled; and for numbers that are not allowed.
    """
    body_of(model)
    if not model.compiled or model.optimizer is None:
        raise ValueError(f"{model.name} must be compiled, and its head trained, before it is fine-tuned")
    if not isinstance(learning_rate, keras.optimizers.schedules.LearningRateSchedule):
        require_positive("learning_rate", learning_rate)
        learning_rate = float(learning_rate)
    factors = unfreeze(model, layers, layer_decay)
    optimizer, _ = copied(model.optimizer, learning_rate)
    compiled = compile_arguments(model)
    model.compile(**{**compiled, "optimizer": with_factors(optimizer, factors)})
    return model


def unfreeze(model: keras.Model, layers: int | None = None, layer_decay: float = 1.0) -> dict[str, float]:
    """Make the last `layers` layers of the body trainable, and all others of it not.

    Args:
        model: Model made by `recipes.transfer`.
        layers: Number of layers of the body that are trained, as in `fine_tune`.
        layer_decay: Factor between the learning rates of neighbouring layers, as in `fine_tune`.

    Returns:
        Factors of the learning rate by path of the weight; `{}` where the factor is 1 for all.

    Raises:
        ValueError: As `fine_tune`, before anything is changed.
    """
    body = body_of(model)
    if not is_number(layer_decay) or not 0 < layer_decay <= 1:
        raise ValueError(f"`layer_decay` must be more than 0 and at most 1. Received: {layer_decay!r}")
    known = list(_layers_with_weights(body))
    if layers is not None and (not is_count(layers) or layers > len(known)):
        raise ValueError(f"`layers` must be from 1 to {len(known)}, the layers of the body. Received: {layers!r}")
    chosen = known[-layers:] if layers else known
    # The body as a whole first: setting `trainable` of a model sets it for all of its layers.
    body.trainable = True
    for layer in all_layers(body):
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False
    for layer in known[: len(known) - len(chosen)]:
        layer.trainable = False
    if layer_decay == 1:
        return {}
    return {
        weight.path: float(layer_decay) ** place
        for place, layer in enumerate(reversed(chosen), start=1)
        for weight in layer.trainable_weights
    }


def _layers_with_weights(model):
    """Layers with weights in the graph of `model` and of models in it, first to last, without batch normalization."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _layers_with_weights(layer)
        elif layer.weights and not isinstance(layer, keras.layers.BatchNormalization):
            yield layer


def with_factors(optimizer, factors: dict[str, float]):
    """Apply `factors` of the learning rate (see `recipes.optimizers.get`) to an `optimizer` that is not built yet."""
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        optimizer.inner_optimizer = with_factors(optimizer.inner_optimizer, factors)
        return optimizer
    if isinstance(optimizer, Guard):
        optimizer.learning_rate_factors = factors
        return optimizer
    if not factors:
        return optimizer
    # Clipping moves from Keras's optimizer to the one around it.
    bounds = {name: getattr(optimizer, name) for name in ("clipnorm", "global_clipnorm", "clipvalue")}
    for name in bounds:
        setattr(optimizer, name, None)
    return GradientClipping(optimizer, **bounds, learning_rate_factors=factors)
