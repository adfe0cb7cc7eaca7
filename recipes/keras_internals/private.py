"""Keras's private names, under plain ones: the only file of `recipes` that touches them.

They may change with any release, which is why pyproject.toml bounds the version of Keras. Each function says why no
public name does its work and what breaks without it; tests/test_keras_internals.py tests each by itself. To raise the
bound, run these tests first.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator

import keras
from keras.src.backend.common import global_state
from keras.src.random.seed_generator import GLOBAL_SEED_GENERATOR

# --- Layers and graphs ---


def all_layers(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """`layer` itself and every layer in it, at any depth."""
    # `Model.layers` holds those of the first level only, and other layers have no such list. Without it, layers inside
    # of a block of the user's own would be missed: batch normalization would not stay frozen in fine-tuning.
    return list(layer._flatten_layers())


def direct_layers(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """The layers that `layer` holds as its own, without those inside of them."""
    # A layer that is no model has no public list. Without it, LSUV could not look into a block of the user's own.
    return list(layer._flatten_layers(include_self=False, recursive=False))


def calls_in_order(graph: keras.Function) -> list:
    """The calls (nodes) of the operations of `graph`, in the order of the signal, its inputs first.

    A node has `operation`, `input_tensors`, `outputs`, `arguments` and `is_input`.
    """
    # The public `operations` lists each layer once and does not say what feeds it. Without it, neither the signal nor
    # the cost of a layer that is called twice could be followed.
    by_depth = graph._nodes_by_depth
    return [node for depth in sorted(by_depth, reverse=True) for node in by_depth[depth]]


class _Reporting(list):
    """A list that tells `report` of each weight before it takes it."""

    def __init__(self, report):
        super().__init__()
        self.report = report

    def append(self, weight):
        self.report(weight)
        super().append(weight)


@contextlib.contextmanager
def weights_undrawn(report: Callable | None = None) -> Iterator[None]:
    """Within it, weights of new layers have a shape but no values, which saves most of the time of building a model.

    Args:
        report: Function that is called with each new weight, and may raise in order to stop; `None` for none.
    """
    # Keras lists such weights in order to draw them when the next stateless scope ends, and offers no way to leave one
    # out. Without putting the list back, the next `fit` on JAX would draw every weight of models that are thrown away.
    waiting = list(global_state.get_global_attribute("uninitialized_variables", []))
    if report is not None:
        global_state.set_global_attribute("uninitialized_variables", _Reporting(report))
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
    finally:
        global_state.set_global_attribute("uninitialized_variables", waiting)


# --- Compiled models ---


def compile_arguments(model: keras.Model) -> dict:
    """The arguments that `model.compile` received, as the objects that they are."""
    # The public `get_compile_config` gives serialized ones. Losses and metrics that are plain functions of the user's
    # own do not come back from that, so that `fine_tune` could not compile such a model again.
    return dict(model._compile_config.config)


def build_layers(model: keras.Model, batches: Iterable[tuple]) -> None:
    """Build the layers of a compiled model, as `fit` would from the first of `batches`, `(x, y, sample_weight)`.

    A model whose layers are built is left alone, and no batch is taken then.
    """
    # To call the model would run its layers, and move their seeds and statistics; `Model.build` takes shapes and fails
    # for subclassed models of several inputs. Without it, the weights of such a model are not there to be kept.
    if not all(layer.built for layer in all_layers(model)):
        model._symbolic_build(data_batch=next(iter(batches)))


def build_metrics(model: keras.Model, batch: tuple) -> None:
    """Build the metrics of a compiled model, as its first step on a `batch`, `(x, y)` or `(x, y, weights)`, would."""
    # On TensorFlow, `fit` leaves that to the first step. Without it, the sums of metrics in the middle of an epoch
    # could not be put back before that step.
    model._symbolic_build(data_batch=(*batch, None)[:3])


def update_metrics(model: keras.Model, metrics: list, loss, x, y, outputs, sample_weight) -> list:
    """The values of the metrics of `model` on JAX after a batch, from those before it, `metrics`."""
    # The public `compute_metrics` leaves out the mean of the loss. Without it, a step of our own would log no loss.
    return model._update_metrics_variables(metrics, loss, x, y, outputs, sample_weight)[1]


# What `trains_with` replaces in a model, or a training step leaves there.
_TRAINING_STATE = (
    "optimizer", "train_function", "steps_per_execution", "stop_training", "_compile_loss", "_compile_metrics",
    "_jax_state", "_jax_state_synced",
)  # fmt: skip


@contextlib.contextmanager
def trains_with(model: keras.Model, optimizer: keras.optimizers.Optimizer) -> Iterator[None]:
    """Within it, `model` trains with `optimizer`, computes no metrics, and builds a loss and a step of its own.

    Afterwards, the model has its former optimizer, losses, metrics and compiled step. The values of its variables are
    not looked at.
    """
    # To compile the model again would lose the compiled step, the built losses and the values of metrics. Losses that
    # are not built must stay so, too: where `fit` has to build, it takes one batch more from its pipeline, which
    # changes the order of the rows that it trains on.
    attributes = vars(model)
    before = {name: attributes[name] for name in _TRAINING_STATE if name in attributes}
    loss = model._compile_loss
    if loss is not None:
        loss = type(loss)(loss._user_loss, loss._user_loss_weights, output_names=loss.output_names)
    changed = {
        "optimizer": optimizer,
        "train_function": None,
        "steps_per_execution": 1,
        "_compile_loss": loss,
        "_compile_metrics": None,
    }
    try:
        for name, value in changed.items():
            object.__setattr__(model, name, value)  # past Keras's tracking, as the decorator of `compile` does it
        yield
    finally:
        for name in _TRAINING_STATE:
            if name in before:
                object.__setattr__(model, name, before[name])
            elif name in attributes:
                object.__delattr__(model, name)


@contextlib.contextmanager
def separate_global_seed() -> Iterator[None]:
    """Within it, `keras.random` without a seed draws from a generator that is used nowhere else."""
    # Keras has no public name for its global generator. Without it, a layer of the user's own that draws without a seed
    # would draw other numbers in a training that follows a range test.
    generator = global_state.get_global_attribute(GLOBAL_SEED_GENERATOR)
    global_state.set_global_attribute(GLOBAL_SEED_GENERATOR, keras.random.SeedGenerator(seed=0))
    try:
        yield
    finally:
        global_state.set_global_attribute(GLOBAL_SEED_GENERATOR, generator)


def global_seed() -> keras.random.SeedGenerator | None:
    """The generator from which `keras.random` draws without a seed; `None` before its first draw."""
    # Keras has no public name for it, and it belongs to no model. Without it, a layer of the user's own that draws
    # without a seed would draw other numbers in a resumed training.
    return global_state.get_global_attribute(GLOBAL_SEED_GENERATOR)


def set_global_seed(state) -> None:
    """Let `keras.random` without a seed go on drawing from `state`, that of a `global_seed`."""
    if global_seed() is None:
        global_state.set_global_attribute(GLOBAL_SEED_GENERATOR, keras.random.SeedGenerator(seed=0))
    global_seed().state.assign(state)


# --- Optimizers ---


def trained_weights(optimizer: keras.optimizers.Optimizer) -> list:
    """The weights that a built `optimizer` trains, in its order."""
    # The public `variables` are those of the optimizer. Without it, `apply(gradients)` would not know their weights.
    return list(optimizer._trainable_variables)


def gradients_seen(optimizer: keras.optimizers.Optimizer) -> keras.Variable:
    """The number of gradients that `optimizer` has received, which counts each one of an accumulation."""
    # The public `iterations` counts updates. Without it, the last step of an accumulation cannot be recognized.
    return optimizer._iterations


def key_of(optimizer: keras.optimizers.Optimizer, variable):
    """What `optimizer` tells its weights apart by."""
    # Weights arrive as variables of Keras or of the backend: only Keras knows that two of them are the same.
    return optimizer._var_key(variable)


def has_weight_decay(optimizer: keras.optimizers.Optimizer, variable) -> bool:
    """Whether weight decay applies to `variable`, which `exclude_from_weight_decay` may have excluded."""
    # What was excluded can be set by a public method, and asked for by none.
    return optimizer._use_weight_decay(variable)


def copy_weight_decay_exclusions(source: keras.optimizers.Optimizer, target: keras.optimizers.Optimizer) -> None:
    """Exclude from the weight decay of `target` what is excluded from that of `source`."""
    # They are in no configuration, so that an optimizer copied by its configuration would decay everything.
    for name in ("_exclude_from_weight_decay", "_exclude_from_weight_decay_pattern"):
        if hasattr(source, name):
            setattr(target, name, getattr(source, name))


def set_clipping(optimizer: keras.optimizers.Optimizer, clip: Callable[[list], list]) -> None:
    """Have `optimizer` replace the gradients of each update by `clip(gradients)`, once they are accumulated."""
    # Keras clips in the middle of its `apply`: whoever clips in front of that clips each part of an accumulation.
    optimizer._clip_gradients = clip


def wrap_weight_decay(optimizer: keras.optimizers.Optimizer, decay: Callable[[Callable, list], None]) -> None:
    """Have `optimizer` call `decay(own, variables)` for `own(variables)`, its decay of the weights of an update."""
    # The public `weight_decay` is one number for all weights, and `exclude_from_weight_decay` knows only names.
    own = optimizer._apply_weight_decay
    optimizer._apply_weight_decay = lambda variables: decay(own, variables)


def wrap_update(optimizer: keras.optimizers.Optimizer, update: Callable) -> None:
    """Have `optimizer` call `update(own, gradient, variable, learning_rate)` in place of its own update of a weight."""
    own = optimizer.update_step
    optimizer.update_step = lambda gradient, variable, rate: update(own, gradient, variable, rate)
    if hasattr(optimizer, "_parallel_update_step"):
        # On PyTorch, Keras updates all weights at once by one rate, without a call of `update_step`. Behind that method
        # stands the one that all backends share, which updates weight by weight.
        owner = next(kind for kind in type(optimizer).__mro__ if "_backend_update_step" in vars(kind))
        optimizer._backend_update_step = super(owner, optimizer)._backend_update_step


class SelfAveraging(keras.optimizers.Optimizer):
    """Base of optimizers whose update decays and averages each weight by itself.

    It keeps an average for each weight, which Keras puts into the model when `fit` ends, as with `use_ema`. A subclass
    updates `average_of(variable)` in its `update_step`.
    """

    def __init__(self, learning_rate, name, **kwargs):
        super().__init__(learning_rate, name=name, **{**kwargs, "use_ema": True})

    def build(self, variables):
        super().build(variables)
        self._decayed = frozenset()

    @property
    def averages(self) -> list:
        """The average of each weight, in the order of the weights; `None` for one that is not averaged."""
        return self._model_variables_moving_average

    def place_of(self, variable) -> int:
        """The place of `variable` among the weights."""
        return self._get_variable_index(variable)

    def decays(self, variable) -> bool:
        """Whether weight decay applies to `variable` in this update."""
        return key_of(self, variable) in self._decayed

    def _apply_weight_decay(self, variables):
        # Keras would decay the weights that the model has now, which are neither the average nor what is averaged.
        # Which ones an optimizer around this one lets decay is known here alone.
        own = {key_of(self, variable) for variable in variables if has_weight_decay(self, variable)}
        self._decayed = self._decayed | own if self.weight_decay else self._decayed

    def _update_model_variables_moving_average(self, trainable_variables):
        # Keras would average here: once more, and also where a gradient was only added to those accumulated.
        pass
