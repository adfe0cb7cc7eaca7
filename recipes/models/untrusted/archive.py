"""The archive that a model file is: read with limits, before anything looks at what is in it."""

import io
import os
import re
import stat
import zipfile
from pathlib import Path

CONFIGURATION, WEIGHTS = "config.json", "model.weights.h5"
# What Keras writes, and the most bytes that each may have; weights are bounded by the size of the file.
LIMITS = {"metadata.json": 2**20, CONFIGURATION: 2**24, WEIGHTS: None}
# Plain folders and names alone, as layers write them for what they keep beside their weights, such as a vocabulary.
ASSET = re.compile(r"assets(/[\w~][\w~. -]{0,100}){1,20}", re.ASCII)
MOST_MEMBERS = 1000
AT_ONCE = 2**20
# Weights hardly shrink when they are compressed, and Keras does not compress: what unpacks to far more is no model.
ROOM, MOST_EXPANSION = 2**26, 10


class RefusedError(ValueError):
    """What a model file holds that none may hold."""


class _Bounded(io.FileIO):
    """A file of which `zipfile` gets at most a part at once: it reads a table of contents of any size as a whole."""

    def read(self, size=-1):
        content = super().read(AT_ONCE + 1 if size is None or size < 0 else min(size, AT_ONCE + 1))
        if len(content) > AT_ONCE:
            raise RefusedError(f"its table of contents has more than {AT_ONCE:,} bytes")
        return content


def read_archive(path: str | os.PathLike) -> dict[str, bytes]:
    """The members of a model file by name: its configuration, its weights and assets. Of another archive, nothing.

    Raises:
        OSError: If it cannot be opened.
        RefusedError: If it is no regular file, or has members that Keras does not write.
        Exception: Whatever `zipfile` raises for a damaged archive.
    """
    # Without O_NONBLOCK, a named pipe would be waited for.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with _Bounded(descriptor) as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise RefusedError("it is no regular file")
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if CONFIGURATION not in archive.namelist():
                return {}  # an archive of another kind, such as arrays of NumPy
            _check_members(members)
            room = ROOM + MOST_EXPANSION * status.st_size
            contents = {}
            for member in members:
                if not member.is_dir():
                    limit = LIMITS.get(member.filename)
                    contents[member.filename] = _read(archive, member, room if limit is None else min(limit, room))
                    room -= len(contents[member.filename])
    return contents


def _check_members(members: list[zipfile.ZipInfo]) -> None:
    if len(members) > MOST_MEMBERS:
        raise RefusedError(f"it has {len(members):,} members, and at most {MOST_MEMBERS} are allowed")
    seen = set()
    for member in members:
        name, kind = member.filename, stat.S_IFMT(member.external_attr >> 16)
        if name not in LIMITS and not ASSET.fullmatch(name.removesuffix("/")) and name != "assets/":
            raise RefusedError(f"its member {name[:80]!r} is none of {', '.join(LIMITS)} and assets")
        if name.lower() in seen:
            raise RefusedError(f"its member {name[:80]!r} is there twice")
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise RefusedError(f"its member {name[:80]!r} is a link or a device")
        if member.flag_bits & 1:
            raise RefusedError(f"its member {name[:80]!r} is encrypted")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise RefusedError(f"its member {name[:80]!r} is compressed by another method than deflate")
        seen.add(name.lower())


def _read(archive, member, limit: int) -> bytes:
    # In parts: the size that the archive states may be wrong, and `zipfile` unpacks as much as it is asked for.
    content = bytearray()
    with archive.open(member) as stream:
        while part := stream.read(AT_ONCE // 2):
            content += part
            if len(content) > limit:
                raise RefusedError(f"its member {member.filename[:80]!r} has more than the {limit:,} bytes allowed")
    return bytes(content)


def write_archive(contents: dict[str, bytes], path: Path) -> None:
    """Write the members of a model file as Keras does: not compressed, in their order.

    They are dated to the first day of the format, so that equal contents give equal bytes.
    """
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0)), content)
