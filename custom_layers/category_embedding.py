"""Learned vectors for the categories of columns with many of them."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_recipes")
class CategoryEmbedding(keras.layers.Layer):
    """Replace the codes in the last columns of a row by learned vectors (Guo & Berkhahn 2016, arXiv:1604.06737).

    Args:
        sizes: Number of codes, including 0, for each of the last columns.
        dimensions: Length of the vectors, for each of these columns. Default: `min(50, round(1.6 * size**0.56))`, the
            rule of fastai.
        embeddings_initializer: Initializer of the vectors.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Input shape: `(batch, features)`. Output shape: `(batch, features - len(sizes) + sum(dimensions))`.

    Raises:
        ValueError: For numbers below 1, for `dimensions` of another length than `sizes`, and for inputs with too few
            columns.
    """

    def __init__(self, sizes, dimensions=None, embeddings_initializer="uniform", **kwargs):
        # In float32 by default: half precision merges codes (bfloat16 those above 256).
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        if not sizes or min(sizes) < 1:
            raise ValueError(f"`sizes` must be one number of at least 1 for each column of codes. Received: {sizes}")
        if dimensions is not None and (len(dimensions) != len(sizes) or min(dimensions) < 1):
            raise ValueError(
                f"`dimensions` must be one number of at least 1 for each of `sizes`. Received: {dimensions}"
            )
        self.sizes = list(sizes)
        self.dimensions = None if dimensions is None else list(dimensions)
        self.embeddings_initializer = keras.initializers.get(embeddings_initializer)

    def build(self, input_shape):
        if input_shape[-1] is None or input_shape[-1] < len(self.sizes):
            raise ValueError(f"expected at least {len(self.sizes)} columns. Received: shape {tuple(input_shape)}")
        self.embeddings = [
            # Each table has its own initializer, since an initializer draws the same numbers each time.
            self.add_weight(shape=(size, dimension), name=f"embeddings_{number}", initializer=self._initializer())
            for number, (size, dimension) in enumerate(zip(self.sizes, self._dimensions(), strict=True))
        ]

    def call(self, inputs):
        first = inputs.shape[-1] - len(self.sizes)
        codes = ops.cast(inputs[..., first:], "int32")
        vectors = [ops.take(table, codes[..., column], axis=0) for column, table in enumerate(self.embeddings)]
        return ops.concatenate([inputs[..., :first], *vectors], axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] - len(self.sizes) + sum(self._dimensions()))

    def get_config(self):
        return {
            **super().get_config(),
            "sizes": self.sizes,
            "dimensions": self.dimensions,
            "embeddings_initializer": keras.initializers.serialize(self.embeddings_initializer),
        }

    def _dimensions(self):
        return self.dimensions or [min(50, round(1.6 * size**0.56)) for size in self.sizes]

    def _initializer(self):
        return self.embeddings_initializer.clone() if len(self.sizes) > 1 else self.embeddings_initializer
