"""Learned vectors for numbers that are piecewise linear functions of them, bent at quantiles of the training rows."""

import itertools
import math

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_recipes")
class PiecewiseLinearEmbedding(keras.layers.Layer):
    """Replace each of the first columns by a learned vector, a piecewise linear function of the number.

    The edges e_0 < e_1 < ... of a column divide it into bins. The number x becomes one value for each bin, which rises
    from 0 to 1 within it, `(x - e_t-1) / (e_t - e_t-1)` cut off at 0 and 1 (below the first and above the last edge it
    goes on), and the vector is a linear map of these values, plus one of x itself (Gorishniy et al. 2022,
    arXiv:2203.05556, in version B of TabM, arXiv:2410.24210: the map of the bins is 0 at the start).

    Args:
        edges: Edges of the bins in ascending order, at least two, for each column of numbers from the first on;
            `quantile_edges` gives those of training rows. Other columns are passed on behind the vectors.
        dimension: Length of the vectors. Default: 16.
        seed: Seed of the initial weights, a whole number. Default: a random one.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Input shape: `(batch, features)`. Output shape: `(batch, len(edges) * dimension + features - len(edges))`.

    Raises:
        ValueError: For edges that are not ascending and finite, a dimension below 1, and for inputs with too few
            columns.
    """

    def __init__(self, edges, dimension=16, seed=None, **kwargs):
        # In float32 by default: half precision merges edges, and the codes of columns that are passed on.
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        self.edges = [[float(edge) for edge in column] for column in edges]
        for number, column in enumerate(self.edges):
            ascending = all(low < high for low, high in itertools.pairwise(column))
            if len(column) < 2 or not ascending or not all(map(math.isfinite, column)):
                raise ValueError(
                    f"`edges` must be at least two finite numbers in ascending order for each column. Received: "
                    f"{column[:5]} for column {number}"
                )
        if not self.edges:
            raise ValueError("`edges` must be given for at least one column. Received: none")
        if isinstance(dimension, bool) or not isinstance(dimension, int) or dimension < 1:
            raise ValueError(f"`dimension` must be a whole number of at least 1. Received: {dimension!r}")
        self.dimension = dimension
        self.seed = seed

    @staticmethod
    def quantile_edges(x, bins=48):
        """Edges of bins that hold equally many rows; fewer where quantiles are equal.

        Args:
            x: Rows `(rows, columns)` of finite numbers, prepared as the layer gets them.
            bins: Largest number of bins of a column. Default: 48.

        Returns:
            A list of edges for each column, as the layer takes it.
        """
        shares = [step / bins for step in range(bins + 1)]
        columns = [ops.quantile(ops.convert_to_tensor(x[:, column], "float32"), shares) for column in range(x.shape[1])]
        return [sorted(set(ops.convert_to_numpy(quantiles).tolist())) for quantiles in columns]

    def build(self, input_shape):
        columns = len(self.edges)
        if len(input_shape) != 2 or input_shape[1] is None or input_shape[1] < columns:
            raise ValueError(f"expected rows of at least {columns} columns. Received: shape {tuple(input_shape)}")
        bound = 1 / math.sqrt(self.dimension)

        # The columns come first, as in a batch of matrices. Recipes know by their names what weight decay leaves alone.
        def add(name, rows, initializer):
            return self.add_weight(shape=(columns, rows, self.dimension), name=name, initializer=initializer)

        # Seeds of their own, as weights of one shape and seed would begin equal.
        seeds = (None, None) if self.seed is None else (self.seed, self.seed + 1)
        first, second = (keras.initializers.RandomUniform(-bound, bound, seed=seed) for seed in seeds)
        self.linear_kernel = add("linear_kernel", 1, first)
        self.bias = add("bias", 1, second)
        self.kernel = add("kernel", max(map(len, self.edges)) - 1, "zeros")

    def call(self, inputs):
        columns = len(self.edges)
        numbers = ops.transpose(inputs[:, :columns])[:, :, None]
        starts, widths, lowest, highest = (ops.convert_to_tensor(part, self.compute_dtype) for part in self._bins())
        values = ops.minimum(ops.maximum((numbers - starts) / widths, lowest), highest)
        vectors = ops.matmul(values, self.kernel) + numbers * self.linear_kernel + self.bias
        vectors = ops.reshape(ops.transpose(vectors, (1, 0, 2)), (-1, columns * self.dimension))
        return ops.concatenate([vectors, inputs[:, columns:]], axis=-1) if columns < inputs.shape[-1] else vectors

    def compute_output_shape(self, input_shape):
        return (input_shape[0], len(self.edges) * (self.dimension - 1) + input_shape[-1])

    def get_config(self):
        return {**super().get_config(), "edges": self.edges, "dimension": self.dimension, "seed": self.seed}

    def _bins(self):
        """Start, width, least and greatest value of each bin, `(columns, 1, bins)`; those that a column lacks are 0."""
        most = max(map(len, self.edges)) - 1
        starts, widths, lowest, highest = [], [], [], []
        for edges in self.edges:
            bins, lacking = len(edges) - 1, most - (len(edges) - 1)
            starts.append([[*edges[:-1], *[0.0] * lacking]])
            widths.append([[*(high - low for low, high in itertools.pairwise(edges)), *[1.0] * lacking]])
            lowest.append([[-math.inf, *[0.0] * (bins - 1), *[0.0] * lacking]])
            highest.append([[*[1.0] * (bins - 1), math.inf, *[0.0] * lacking]])
        return starts, widths, lowest, highest
