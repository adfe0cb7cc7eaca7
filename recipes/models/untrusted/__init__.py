"""Model files of strangers: what is in one is checked before Keras sees it."""

from recipes.models.untrusted.archive import CONFIGURATION as CONFIGURATION
from recipes.models.untrusted.archive import RefusedError as RefusedError
from recipes.models.untrusted.archive import read_archive as read_archive
from recipes.models.untrusted.archive import write_archive as write_archive
from recipes.models.untrusted.configuration import UnknownNameError as UnknownNameError
from recipes.models.untrusted.reading import check_model as check_model
from recipes.models.untrusted.reading import check_weights_file as check_weights_file
