"""Learned vectors for numbers, made of cosines of learned frequencies."""

import math

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_recipes")
class PeriodicEmbedding(keras.layers.Layer):
    """Replace each of the first columns by a vector: the number itself, and linear maps of its cosines.

    A number x becomes `(x, cos(2 pi x w + b) A + c)`, with frequencies w, phases b, A and c learned for each column. A
    dense layer sees of a number only a straight line; behind this layer, it sees a function of many waves. The form is
    PBLD of RealMLP (Holzmüller et al. 2024, arXiv:2407.04491), after the periodic embeddings of Gorishniy et al. 2022
    (arXiv:2203.05556). Numbers should be scaled to about -3 to 3. The paper trains the layer with a tenth of the
    learning rate; on its regression data, errors are 21 % larger without the layer.

    Args:
        columns: Number of columns, from the first on, that hold numbers; the others are passed on behind the vectors.
            Default: all.
        frequencies: Number of cosines for each number. Default: 16.
        dimension: Length of the vectors, of which the number itself is the first element. Default: 4.
        frequency_scale: Standard deviation of the initial frequencies, in periods per unit of the column. Default: 0.1.
        seed: Seed of the initial weights, a whole number. Default: a random one.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Input shape: `(batch, features)`. Output shape: `(batch, columns * dimension + features - columns)`.

    Raises:
        ValueError: For numbers below 1, a `dimension` below 2, a scale that is not positive, and for inputs with too
            few columns.
    """

    def __init__(self, columns=None, frequencies=16, dimension=4, frequency_scale=0.1, seed=None, **kwargs):
        # In float32 by default: half precision rounds large phases, and the codes of columns that are passed on.
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        given = {"columns": 1 if columns is None else columns, "frequencies": frequencies, "dimension": dimension}
        for name, value in given.items():
            least = 2 if name == "dimension" else 1
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(f"`{name}` must be a whole number of at least {least}. Received: {value!r}")
        if not 0 < frequency_scale < math.inf:
            raise ValueError(f"`frequency_scale` must be more than 0, and finite. Received: {frequency_scale!r}")
        self.columns = columns
        self.frequencies = frequencies
        self.dimension = dimension
        self.frequency_scale = frequency_scale
        self.seed = seed

    def build(self, input_shape):
        features = input_shape[-1]
        if len(input_shape) != 2 or features is None or features < (self.columns or 1):
            raise ValueError(
                f"expected rows of at least {self.columns or 1} columns. Received: shape {tuple(input_shape)}"
            )
        columns = self._columns(input_shape)
        normal = keras.initializers.RandomNormal(stddev=self.frequency_scale, seed=self.seed)
        bound = 1 / math.sqrt(self.frequencies)

        # The columns come first, as in a batch of matrices. Recipes know by their names what weight decay leaves alone.
        def add(name, shape, initializer):
            return self.add_weight(shape=(columns, *shape), name=name, initializer=initializer)

        self.frequency_kernel = add("frequency_kernel", (1, self.frequencies), normal)
        self.phase_bias = add("phase_bias", (1, self.frequencies), self._uniform(math.pi, 1))
        self.kernel = add("kernel", (self.frequencies, self.dimension - 1), self._uniform(bound, 2))
        self.bias = add("bias", (1, self.dimension - 1), self._uniform(bound, 3))

    def call(self, inputs):
        columns = self._columns(inputs.shape)
        numbers = ops.transpose(inputs[:, :columns])[:, :, None]
        waves = ops.cos(2 * math.pi * numbers * self.frequency_kernel + self.phase_bias)
        vectors = ops.concatenate([numbers, ops.matmul(waves, self.kernel) + self.bias], axis=-1)
        vectors = ops.reshape(ops.transpose(vectors, (1, 0, 2)), (-1, columns * self.dimension))
        return ops.concatenate([vectors, inputs[:, columns:]], axis=-1) if columns < inputs.shape[-1] else vectors

    def compute_output_shape(self, input_shape):
        columns = self._columns(input_shape)
        return (input_shape[0], columns * self.dimension + input_shape[-1] - columns)

    def get_config(self):
        names = ("columns", "frequencies", "dimension", "frequency_scale", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

    def _columns(self, shape):
        return shape[-1] if self.columns is None else self.columns

    def _uniform(self, bound, place):
        # A seed of its own for each weight, as weights of one seed would begin with the same draws.
        return keras.initializers.RandomUniform(-bound, bound, seed=None if self.seed is None else self.seed + place)
