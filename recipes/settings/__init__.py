"""What a recipe is: plain frozen settings that check themselves, from and to YAML.

Imports nothing heavy, not even numpy, so that listing and printing recipes is instant.
"""

from recipes.settings.data import Data as Data
from recipes.settings.model import Model as Model
from recipes.settings.model import Regularization as Regularization
from recipes.settings.optimization import Loss as Loss
from recipes.settings.optimization import Optimizer as Optimizer
from recipes.settings.optimization import Schedule as Schedule
from recipes.settings.recipe import Recipe as Recipe
from recipes.settings.recipe import parts as parts
from recipes.settings.training import Augmentation as Augmentation
from recipes.settings.training import FineTune as FineTune
from recipes.settings.training import Fit as Fit
