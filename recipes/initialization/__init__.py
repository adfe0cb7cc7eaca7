"""Initial weights that keep the variance of the signal, layer by layer or for a whole model."""

from recipes.initialization.gains import gain as gain
from recipes.initialization.gains import second_moment as second_moment
from recipes.initialization.initializers import PARAMETRIC as PARAMETRIC
from recipes.initialization.initializers import get as get
from recipes.initialization.initializers import initializer_for as initializer_for
from recipes.initialization.whole_model import Initialization as Initialization
from recipes.initialization.whole_model import initialize as initialize
