"""Every private name of Keras that this package uses, in one place: a new version of Keras is tried here first.

Each comment says why no public name will do. tests/test_keras_private.py tests each function by itself, and
tests/test_imports.py that no other file of this package uses such names.
"""

import contextlib
import random

import keras
from keras.src.backend import compute_output_spec, get_keras_mask
from keras.src.backend.common import global_state
from keras.src.random.seed_generator import GLOBAL_SEED_GENERATOR, global_seed_generator

# Optimizers.


def trainable_variables_of(optimizer) -> list[keras.Variable]:
    """The weights that `optimizer` trains, in its order; empty before it is built."""
    # The public `variables` are the optimizer's own state, without the weights.
    return list(optimizer._trainable_variables)


def iterations_of(optimizer) -> keras.Variable:
    """The count of steps that `optimizer` has made, parts of accumulated updates included."""
    # The public `iterations` is divided by the number of accumulated steps, and is then no variable.
    return optimizer._iterations


def learning_rate_setting_of(optimizer):
    """The source of the learning rate of `optimizer`: a variable, a schedule, or a function without arguments."""
    # The public `learning_rate` is the value at the current step, whatever it comes from.
    return optimizer._learning_rate


def moving_averages_of(optimizer) -> list[tuple[keras.Variable, keras.Variable]]:
    """Pairs of a weight and its moving average; empty without `use_ema=True`, and before `optimizer` is built."""
    # In the public `variables` the averages cannot be told from momenta.
    if not getattr(optimizer, "use_ema", False) or not optimizer.built:
        return []
    pairs = zip(optimizer._trainable_variables, optimizer._model_variables_moving_average, strict=True)
    return [(weight, average) for weight, average in pairs if average is not None]


def accumulated_gradients_of(optimizer, weights) -> list[keras.Variable]:
    """The sum of the gradients collected so far for each of `weights`, where `optimizer` accumulates them."""
    # In the public `variables` these sums cannot be told from momenta.
    return [optimizer._accumulated_gradients[optimizer._get_variable_index(weight)] for weight in weights]


def remove_variable(optimizer, variable) -> None:
    """Take back what the public `optimizer.add_variable` has added."""
    # There is no public method for it.
    optimizer._untrack_variable(variable)


@contextlib.contextmanager
def variables_hidden(optimizer, hidden):
    """Within this context, `optimizer.variables`, and what is saved or loaded of them, lacks those in `hidden`."""
    # The public `variables` is a copy of this list. It is set past Keras's tracking, which would add to it again.
    every, unwanted = optimizer._variables, {id(variable) for variable in hidden}
    object.__setattr__(optimizer, "_variables", [variable for variable in every if id(variable) not in unwanted])
    try:
        yield
    finally:
        object.__setattr__(optimizer, "_variables", every)


# Layers and models.


def layers_inside(layer) -> list[keras.Layer]:
    """The layers that are attributes of `layer`, without those inside of them."""
    # Only models have a public `layers`; a layer that is made of layers has none.
    return list(layer._flatten_layers(include_self=False, recursive=False))


def layer_and_all_inside(layer) -> list[keras.Layer]:
    """The layer itself, and the layers inside of it at any depth."""
    return list(layer._flatten_layers())


def build_for(model, rows) -> None:
    """Make the weights of `model` by calling it on symbolic `rows`, a structure of `keras.KerasTensor`."""
    # The public `build` takes shapes and does not know how a subclassed model calls its layers. The public call on
    # `rows` would record the model as a part of a functional model. `fit` itself builds models as is done here.
    compute_output_spec(model, rows, training=False)


def mask_of(output):
    """The mask that Keras has attached to the output tensor of a layer; `None` if there is none."""
    # Masks are passed from layer to layer as an attribute of tensors that has no public name.
    return get_keras_mask(output)


def shortcuts_of(layer) -> dict[str, object]:
    """Values for attributes of `layer`, by name, with which every layer is called in the plain way.

    Rematerialization would compute a layer again in a function of the backend, from which no tensor can be taken out.
    On a GPU, `Bidirectional` would compute both directions at once, without calling its two layers.
    """
    # There is no public switch for what a layer was built with.
    plain = {
        "_remat_mode": None,
        "_can_attempt_fused_lstm": lambda *args, **kwargs: False,
        "_can_attempt_fused_gru": lambda *args, **kwargs: False,
    }
    return {name: value for name, value in plain.items() if getattr(layer, name, None)}


class UnscopedModel(keras.Model):
    """A model whose name is not put in front of the names of what is made while it is called."""

    # The public `keras.name_scope` adds names and cannot take away the one that `__call__` opens.
    def _open_name_scope(self):
        return contextlib.nullcontext()


# Random numbers.


@contextlib.contextmanager
def default_generator_unchanged():
    """After this context, the generator that draws without a seed come from is as before.

    If there was none, Keras makes one, by a draw from Python's `random`. It is removed again and that draw undone,
    unless numbers were drawn from it: what was compiled meanwhile refers to it, so it stays, in its first state.
    """
    # Keras keeps its default generator in a private table of global state.
    known, python_state = global_state.get_global_attribute(GLOBAL_SEED_GENERATOR), random.getstate()
    state = (known or global_seed_generator()).state
    before = keras.ops.convert_to_numpy(state.value).copy()  # on PyTorch it shares the memory of the variable
    try:
        yield
    finally:
        if (keras.ops.convert_to_numpy(state.value) != before).any():
            state.assign(before)
        elif known is None:
            global_state.set_global_attribute(GLOBAL_SEED_GENERATOR, None)
            random.setstate(python_state)


# Callbacks.


def finish_hooks(callbacks: keras.callbacks.CallbackList) -> None:
    """Wait for the hooks at the end of batches, which run beside the training on some backends."""
    # Keras does it at the end of an epoch. There is no public method for a time between two batches.
    callbacks._flush_futures()


# Early stopping.


def choose_direction(early_stopping) -> None:
    """Have `early_stopping` find out whether its monitored value should fall or rise, as `mode` or the metric says."""
    # Keras does it in its own `on_epoch_end`, together with all that ours replaces.
    if early_stopping.monitor_op is None:
        early_stopping._set_monitor_op()


def is_improvement(early_stopping, value: float, reference: float | None) -> bool:
    """Whether `value` is better than `reference` by more than `min_delta`; always, if that is `None`."""
    # As above. Its sign of `min_delta` depends on the direction, which is no public knowledge either.
    return bool(early_stopping._is_improvement(value, reference))
