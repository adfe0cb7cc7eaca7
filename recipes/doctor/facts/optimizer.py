"""Facts about an optimizer: its learning rate, at the first step and over a training, and what was asked of it."""

import math

import keras
import numpy as np

from callbacks.watching.keras_private import learning_rate_setting_of
from callbacks.watching.wrapped_optimizers import chain_of, innermost_optimizers
from recipes.doctor.facts.graph import places_of
from recipes.keras_internals.private import trained_weights
from recipes.optimizers.rates import current_rate, rate_at

# Steps of a training at which its schedule is looked at.
EVEN_STEPS = 64
_CLIPPING = ("clipnorm", "clipvalue", "global_clipnorm")
_WITH_KNOWN_ATTRIBUTES = ("keras.", "recipes.")


def optimizer_facts(optimizer, steps: int | None = None) -> dict:
    """Fields of `ModelFacts` that tell of the optimizer that a model trains with.

    Args:
        optimizer: Keras optimizer, or one that wraps others; `None` for a model without any.
        steps: Number of steps of the training; `None` where it is not known.
    """
    innermost = next(iter(innermost_optimizers(optimizer)), None)
    if innermost is None:
        return {"learning_rate": math.nan}
    setting = learning_rate_setting_of(innermost)
    rates, peak = _scheduled(innermost, setting, steps)
    return {
        "optimizer": type(innermost).__name__,
        "learning_rate": current_rate(innermost),
        "has_schedule": callable(setting) and not isinstance(setting, keras.Variable),
        "scheduled_rates": rates,
        "scheduled_peak": peak,
        "clips": _clips(optimizer),
    }


def facts_since_compile(model: keras.Model, row) -> dict:
    """Fields of `ModelFacts` that tell what was changed after `compile` without effect.

    They are those of the user's own optimizer and compiled step, so they are not to be asked of a model that trains
    with a copy of its optimizer.

    Args:
        model: Compiled model.
        row: Batch of one row or a few, as the model takes them.
    """
    return {
        "ignored_learning_rate": _ignored_rate(model.optimizer),
        "trained_since_compile_changed": _trained_otherwise(model, row),
    }


def _ignored_rate(optimizer) -> float | None:
    """The number in the attribute `lr`, which Keras 2 took for the learning rate and Keras 3 does not read.

    An optimizer of the user's own may well read such an attribute, so that nothing is said of it.
    """
    for part in [] if optimizer is None else chain_of(optimizer):
        if "lr" in vars(part) and type(part).__module__.startswith(_WITH_KNOWN_ATTRIBUTES):
            try:
                return float(keras.ops.convert_to_numpy(vars(part)["lr"]))
            except (TypeError, ValueError):  # a schedule, or anything else
                return None
    return None


def _scheduled(optimizer, setting, steps: int | None) -> tuple[tuple[float, ...], float]:
    """Rates of a schedule at evenly spaced steps of a training, and the highest that was found; empty without one."""
    unknown = (), math.nan
    if steps is None or not isinstance(setting, keras.optimizers.schedules.LearningRateSchedule):
        return unknown
    even = np.linspace(0, steps - 1, min(steps, EVEN_STEPS)).astype(int)
    # A warm-up may end long before the second of the even steps.
    powers = 2 ** np.arange(int(math.log2(max(1, steps - 1))) + 1)
    try:
        rates, between = (tuple(rate_at(setting, step, optimizer) for step in part) for part in (even, powers))
    except Exception:  # of a schedule of the user's own, which shows again in the first step
        return unknown
    return rates, max(*rates, *between)


def _clips(optimizer) -> bool:
    parts = chain_of(optimizer)
    return any(getattr(part, name, None) is not None for part in parts for name in _CLIPPING) or any(
        "Clip" in type(part).__name__ for part in parts
    )


def _trained_otherwise(model, row) -> tuple[str, ...]:
    """Names of the layers that the built optimizer knows in another state than their `trainable` says now.

    A change after `compile` takes effect as long as nothing is built. Later, the compiled step goes on as it was traced
    on TensorFlow, and fails on JAX. A layer that is frozen in between `compile` and the first step of a model whose
    optimizer is built already is left out on TensorFlow as it should be.
    """
    optimizer = model.optimizer
    if optimizer is None or not optimizer.built:
        return ()
    known = {id(weight) for weight in trained_weights(optimizer)}
    wanted = {id(weight) for weight in model.trainable_weights}
    if not known & {id(weight) for weight in model.weights}:
        return ()  # an optimizer that was built for another model
    changed = wanted - known
    if (model.train_function is not None and not model.run_eagerly) or keras.backend.backend() == "jax":
        changed |= known - wanted
    if not changed:
        return ()
    places = places_of(model, row)
    return tuple(
        dict.fromkeys(place.name for place in places if any(id(weight) in changed for weight in place.layer.weights))
    )
