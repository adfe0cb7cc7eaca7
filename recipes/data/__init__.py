"""Data of any form as one `Dataset`: loading, splits, folds, preparation."""

from recipes.data.dataset import Dataset as Dataset
from recipes.data.fingerprint import Fingerprint as Fingerprint
from recipes.data.folds import load_folds as load_folds
from recipes.data.loading import load_dataset as load_dataset
from recipes.data.loading import with_arguments as with_arguments
from recipes.data.readers import ARRAYS as ARRAYS
from recipes.data.readers import is_name as is_name
from recipes.data.readers import same_source as same_source
from recipes.data.splits import check_seed as check_seed
