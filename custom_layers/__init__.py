"""Keras layers that Keras lacks. They know Keras only, and are registered under `package="keras_recipes"`."""

from custom_layers.category_embedding import CategoryEmbedding as CategoryEmbedding
from custom_layers.image_preparation import ImagePreparation as ImagePreparation
from custom_layers.table_preparation import TablePreparation as TablePreparation
