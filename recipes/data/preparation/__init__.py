"""From raw rows to what a network trains on: constants learnt once, from the training part alone.

`custom_layers` has a layer of the same name for each kind, with the same arithmetic, for the saved model.
"""

from recipes.data.preparation.image_preparation import ImagePreparation as ImagePreparation
from recipes.data.preparation.preparation import Preparation as Preparation
from recipes.data.preparation.sequence_preparation import SequencePreparation as SequencePreparation
from recipes.data.preparation.table_preparation import TablePreparation as TablePreparation
