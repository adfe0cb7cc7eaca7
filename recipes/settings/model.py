"""Settings of the network: its builder, its layers, and what regularizes it."""

from dataclasses import dataclass
from typing import Literal

from recipes.arguments.checked import Checked
from recipes.arguments.widths import refuse_layers, refuse_weights, resolve

# Widths that a network has at least where none are set, for the estimate of its size.
_USUAL_WIDTHS = (64, 64)


@dataclass(frozen=True, kw_only=True)
class Model(Checked):
    """Which network. A setting that is not set has the builder's default; one of another builder is refused.

    Args:
        builder: Function of `recipes` that builds the network.
        widths: Units (mlp, recurrent, transfer) or channels (convnet) of each hidden layer, or of each stage
            (residual), first to last; or a rule, such as `500 x 100`, `256 / 2 x 4` or `16 * 2 x 4`.
        activation: Activation of every hidden layer: relu, leaky_relu, prelu, rrelu, elu, selu, tanh, maxout and
            others; with a learned strength for each unit parametric_selu, parametric_mish and so on.
        negative_slope: Slope of leaky_relu below 0, or initial slope of prelu. Not set: 0.2 (leaky_relu), 0.25 (prelu).
        pieces: Number of linear maps in each unit of maxout. Not set: 2.
        kernel_initializer: Name of an initializer of Keras's, or of `recipes.initialization.get`. Not set: chosen for
            each layer from its activation.
        initialization: Method that initializes the whole model at the end: by calculation (variance), on a batch
            (lsuv), or on a batch unit by unit and with biases (data_driven).
        normalization: Kind of normalization between each hidden layer and its activation.
        max_parameters: Largest number of parameters: the layers are made narrower until the model has no more (mlp,
            convnet).
        number_embedding: Kind of the learned vectors in place of columns of numbers (mlp): periodic, of cosines; or
            piecewise, of lines between 49 quantiles.
        feature_scale: Whether each value in front of the first dense layer is multiplied by a learned scale (mlp).
        members: Number of networks in one, at least 2, that share their hidden layers and are averaged (mlp).
        kernel_size: Side of the convolution kernels, in pixels (convnet, residual). Not set: 3.
        convolutions: Number of convolutions in each stage (convnet). Not set: 1.
        separable: Whether convolutions filter each channel by itself, then mix all channels (convnet).
        strided_stem: Whether the first stage is one convolution of 5 x 5 pixels with stride 2, which takes a quarter of
            the time (convnet).
        downsampling: Operation by which each stage halves the image; max_first pools in front of normalization and
            activation, which saves time (convnet). Not set: max.
        pooling: Operation that makes one row of an image in front of the last layer (convnet, residual). Not set:
            flatten (convnet), average (residual).
        dense_widths: Units of each dense layer between the stages and the last layer (convnet). Not set: none.
        depth: Number of blocks in each stage (residual). Not set: 3.
        cell: Kind of the recurrent layers (recurrent). Not set: lstm.
        bidirectional: Whether each sequence is also read backwards, by a layer of its own (recurrent).
        body: Trained model below the new head (transfer): a run folder or .keras file, a name in saved_models, or a
            network of keras.applications, such as MobileNetV3Small.
        body_layer: Name of the last layer of the body that is used (transfer). Not set: the one in front of its head.
        weights: File of weights of a network of keras.applications, without those of its head (transfer). Not set: the
            one in Keras's cache, ~/.keras/models.
    """

    builder: Literal["mlp", "convnet", "residual", "recurrent", "transfer"] = "mlp"
    widths: tuple[int, ...] | str | None = None
    activation: str | None = None
    negative_slope: float | None = None
    pieces: int | None = None
    kernel_initializer: str | None = None
    initialization: Literal["variance", "lsuv", "data_driven"] | None = None
    normalization: Literal["batch", "layer"] | None = None
    max_parameters: int | None = None
    number_embedding: Literal["periodic", "piecewise"] | None = None
    feature_scale: bool | None = None
    members: int | None = None
    kernel_size: int | None = None
    convolutions: int | None = None
    separable: bool | None = None
    strided_stem: bool | None = None
    downsampling: Literal["max", "max_first", "average", "stride", "none"] | None = None
    pooling: Literal["flatten", "average", "max"] | None = None
    dense_widths: tuple[int, ...] | str | None = None
    depth: int | None = None
    cell: Literal["simple_rnn", "gru", "lstm"] | None = None
    bidirectional: bool | None = None
    body: str | None = None
    body_layer: str | None = None
    weights: str | None = None

    def __post_init__(self):
        super().__post_init__()
        for name in ("widths", "dense_widths"):
            if getattr(self, name) is not None:
                try:
                    resolve(getattr(self, name), name)
                except ValueError as error:
                    raise ValueError(str(error).replace(f"`{name}`", f"model.{name}", 1)) from None
        self.require_at_least(1, "kernel_size", "convolutions", "depth", "max_parameters")
        self.require_at_least(2, "pieces", "members")
        self.require_finite("negative_slope")
        self.refuse_size()

    def refuse_size(self, inputs: int = 1) -> None:
        """Refuse counts of layers and weights that would fill the memory before anything is trained.

        Args:
            inputs: Number of values, or channels, that reach the first layer.

        Raises:
            ValueError: If there are more layers or weights than `recipes.arguments.widths` allows.
        """
        widths = _USUAL_WIDTHS if self.widths is None else resolve(self.widths)
        repeated = (self.depth or 1) * (self.convolutions or 1)
        names = ("widths", "kernel_size", "pieces", "depth", "convolutions")
        received = {name: value for name in names if (value := getattr(self, name)) is not None}
        try:
            refuse_layers("model", max(1, len(widths)) * repeated, received)
            kernels = (self.kernel_size or 1) ** 2 * (self.pieces or 1) * repeated
            refuse_weights("model", (inputs, *widths), {"inputs": inputs, **received}, kernels)
        except ValueError as error:
            raise ValueError(str(error).replace("`model`", "the network of the part model", 1)) from None


@dataclass(frozen=True, kw_only=True)
class Regularization(Checked):
    """What keeps the network from learning its training rows by heart.

    Args:
        dropout: Fraction of the hidden units dropped in each step; as `AlphaDropout` for SELU.
        input_dropout: Fraction of the inputs dropped in each step.
        noise: Standard deviation of normal noise on the (scaled) inputs.
        l1: Weight of the absolute kernel values in the loss.
        l2: Weight of the squared kernel values in the loss.
        max_norm: Largest norm of the weights of each hidden unit.
        bias_start: Initial value of the biases of hidden layers; slightly positive, such as 0.1, keeps ReLUs alive.
        schedule: Course of dropout (mlp, residual) and of optimizer.weight_decay over the planned epochs: flat_cosine,
            unchanged for half of them, then half a cosine down to 0. Not set: constant.
    """

    dropout: float = 0.0
    input_dropout: float = 0.0
    noise: float = 0.0
    l1: float = 0.0
    l2: float = 0.0
    max_norm: float | None = None
    bias_start: float = 0.0
    schedule: Literal["flat_cosine"] | None = None

    def __post_init__(self):
        super().__post_init__()
        self.require_fraction("dropout", "input_dropout")
        self.require_not_negative("l1", "l2", "noise")
        self.require_positive("max_norm")
        self.require_finite("bias_start")
