"""Files that may come from strangers: only regular ones are opened, and what is read at once is bounded.

A pipe would wait for a writer that never comes, and a device such as /dev/zero has no end.
"""

import os
import stat
from pathlib import Path

_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}
# Compressed data may unpack to this many times their size, or to this many bytes whatever their size.
MOST_RATIO = 200
FREE_BYTES = 64 * 2**20


def require_regular(path: str | os.PathLike, what: str = "file") -> Path:
    """`path`, once it is known to be a regular file, or a link to one; nothing is opened.

    Args:
        path: Path of the file.
        what: Name of its kind in the messages, such as `"recipe file"`.

    Raises:
        FileNotFoundError: If there is no such file.
        IsADirectoryError: If it is a folder.
        OSError: If it is a pipe, a device or a socket, or its folder may not be read.
    """
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no {what} {path}") from None
    except ValueError:  # a path with a NUL
        raise FileNotFoundError(f"there is no {what} {os.fspath(path)!r}") from None
    except OSError as error:  # a name that is too long, a circle of links
        raise OSError(f"{path} cannot be read: {error.strerror}") from None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(f"{path} is a folder, not a file")
    if not stat.S_ISREG(mode):
        raise OSError(f"{path} is {_KINDS.get(stat.S_IFMT(mode), 'no regular file')}: only regular files are read")
    return Path(path)


def read_text(path: str | os.PathLike, most: int, what: str = "file") -> str:
    """The text of a regular UTF-8 file of at most `most` bytes; arguments and errors as for `require_regular`.

    Raises:
        ValueError: If the file is larger, or no text in UTF-8.
    """
    with require_regular(path, what).open("rb") as stream:
        # No more than there is: for the number of bytes that it is asked for, Python takes memory at once.
        content = stream.read(min(most, os.fstat(stream.fileno()).st_size) + 1)
    if len(content) > most:
        raise ValueError(f"{path} is too large: a {what} has at most {most:,} bytes")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no text in UTF-8: {error.reason} at byte {error.start:,}") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def is_bomb(unpacked: int, packed: int) -> bool:
    """Whether data of `packed` bytes that unpack to `unpacked` bytes are made to fill the memory or the disk."""
    return unpacked > FREE_BYTES and unpacked > MOST_RATIO * packed
