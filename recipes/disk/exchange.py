"""Two folders that exchange their names in one step, so that at no moment either name is without a folder."""

import ctypes
import errno
import os
import sys
from pathlib import Path

# Of <linux/fs.h>, <fcntl.h> and <sys/stdio.h>.
_RENAME_EXCHANGE, _AT_FDCWD = 2, -100
_RENAME_SWAP = 2
# What systems answer that do not know the call, or not for this kind of disk.
_UNKNOWN = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM}


def exchange(first: Path, second: Path) -> bool:
    """Exchange the names of two files or folders of one disk, and tell whether the system can do that in one step.

    Returns:
        `False` if it cannot, and nothing was changed.

    Raises:
        OSError: If it can, and has failed.
    """
    try:
        library = ctypes.CDLL(None, use_errno=True)
        names = os.fsencode(first), os.fsencode(second)
        if sys.platform == "darwin":
            result = library.renamex_np(*names, _RENAME_SWAP)
        else:
            result = library.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE)
    except (AttributeError, OSError, TypeError):  # a system library without the function, or (Windows) none
        return False
    code = ctypes.get_errno()
    if result and code not in _UNKNOWN:
        raise OSError(code, os.strerror(code), str(first), None, str(second))
    return not result
