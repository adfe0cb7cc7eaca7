"""The bytes of a text file: its encoding, and its content, decompressed up to a bound."""

import codecs
from pathlib import Path

import pyarrow

from recipes.arguments.names import shown
from recipes.arguments.regular_files import MOST_RATIO, is_bomb

# First bytes of compressed files, whose names may lack the usual ending.
_COMPRESSED = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zstd", b"\x04\x22\x4d\x18": "lz4"}
_PACKED = {b"PK\x03\x04": "a ZIP archive or an Excel workbook", b"\xfd7zXZ": "an xz archive"}


def encoding_of(path: Path, encoding: str | None) -> str:
    """The encoding that is given, in Python's spelling; otherwise UTF-16 if the file begins with its mark, or UTF-8.

    Raises:
        ValueError: If there is no such encoding of text, or the file is no text file.
    """
    if encoding is not None:
        try:
            "a".encode(encoding)  # other codecs, such as zip, take no text
            return codecs.lookup(encoding).name
        except (LookupError, ValueError):
            raise ValueError(
                f"there is no encoding {shown(encoding)}; common ones: utf-8, latin-1, cp1252, utf-16"
            ) from None
    with open_bytes(path) as stream:
        start = read_bytes(path, stream, 4)
    return "utf-16" if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8"


def open_bytes(path: Path):
    """A stream of the bytes of the file, decompressed; it raises a `ValueError` where they are a bomb."""
    with open(path, "rb") as stream:
        start = stream.read(8)
    for sign, kind in _PACKED.items():
        if start.startswith(sign):
            raise ValueError(f"{path} is no CSV file, but {kind}: unpack it, or save the sheet as CSV")
    kind = next((kind for sign, kind in _COMPRESSED.items() if start.startswith(sign)), None)
    stream = pyarrow.input_stream(str(path), compression=kind)
    return stream if kind is None else _Unpacked(path, stream)


class _Unpacked:
    """A stream that ends with an error where a small file unpacks to far more than its size."""

    def __init__(self, path: Path, stream):
        self._path, self._stream, self._size, self._packed = path, stream, 0, path.stat().st_size

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        self._stream.close()

    def read(self, size: int = 2**20) -> bytes:
        content = self._stream.read(size)
        self._size += len(content)
        if is_bomb(self._size, self._packed):
            raise ValueError(
                f"{self._path} is refused: it unpacks to more than {MOST_RATIO} times its size; if it is your own, "
                "unpack it first"
            )
        return content


def read_bytes(path: Path, stream, size: int) -> bytes:
    """The next bytes of a stream of `open_bytes`, at most `size`, or a `ValueError` if the file is damaged."""
    try:
        return stream.read(size)
    except OSError as error:  # a damaged archive
        raise ValueError(f"{path} is damaged: {' '.join(str(error).split())}") from None
