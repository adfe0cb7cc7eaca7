"""Arrays of the user's own: in memory, in NPZ files and in batches."""

from recipes.data.arrays.checks import check_input as check_input
from recipes.data.arrays.checks import check_target as check_target
from recipes.data.arrays.checks import checked_parts as checked_parts
from recipes.data.arrays.parts import evaluated_part as evaluated_part
from recipes.data.arrays.parts import input_of_npz as input_of_npz
from recipes.data.arrays.parts import parts_of as parts_of
from recipes.data.arrays.parts import parts_of_npz as parts_of_npz
