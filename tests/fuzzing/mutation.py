"""Damage and malice in small doses: valid bytes, trees of plain values and arrays, changed at random."""

import copy
import io
import json
import re
import zipfile
from random import Random

import numpy as np

# What parsers, converters and loops may stumble over.
VALUES = (
    None, True, False, 0, 1, -1, 2, 3, 10**6, 10**9 + 1, 2**31, 2**63, 2**64, -(2**63) - 1, 10**30, 10**400, 0.5,
    -0.0, 1e-320, 1e38, 1e300, float("nan"), float("inf"), -float("inf"), "", "a", "0", "-1", "1e999", "nan", "null",
    "true", "\x1b[2J", "\0", "\n\n", "\u202e", "\ud800", "é" * 50, "x" * 500, "../x", "/dev/zero", "1 x 9", "64 x 3",
    [], [[]], [None], [0, 0], ["a", "a"], [1, "a"], {}, {"a": 1}, {"": None}, {"class_name": "Dense"},
)  # fmt: skip
TOKENS = (
    b"\0", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\r", b"\n", b"\r\n", b"\t", b" ", b'"', b"'", b"\\", b",", b";",
    b":", b": ", b"- ", b"#", b"&a ", b"*a", b"<<: ", b"!!int ", b"%YAML", b"---\n", b"...\n", b"|\n", b">-\n", b"? ",
    b"{", b"}", b"[", b"]", b"~", b"@", b"`", b"nan", b"inf", b"-1", b"0", b"1e999", b"9" * 30, b"9" * 500, b"0x1F",
    b"1_000", b"true", b"null", b"\x1b[2J", b"\xc3\x28", b"\xe2\x80\xae", b"\xed\xa0\x80", b"\xf0\x9f\x98\x80",
    b"PK\x03\x04", b"\x1f\x8b", b"\x93NUMPY", b"=1+1", b"2024-01-01", b"24:61", b"\x85", b"\xc2\x85", b"sep=;\n",
    b'""', b'"""',
)  # fmt: skip
DTYPES = (
    "<f8", ">f8", "<f4", "<f2", "<i8", "<i4", "|i1", "|u1", "<u8", ">i2", "|b1", "<c8", "<U3", "|S3", "<M8[ns]",
    "<M8[D]", "<m8[s]", "|V4", "<U0", "<f16", "|O",
)  # fmt: skip

_SHAPES = (b"()", b"(1,)", b"(-1,)", b"(0, 5)", b"(9999999999,)", b"(2, 2)", b"(True,)", b"(1.0,)", b"[2]", b"None")


def mutated_bytes(random: Random, content: bytes, others: list[bytes] = ()) -> bytes:
    """`content` with one to four changes: flipped bits, cuts, repeats, tokens, other numbers, parts of `others`."""
    content = bytearray(content)
    for _ in range(random.randint(1, 4)):
        size = len(content)
        place = random.randrange(size + 1)
        end = min(size, place + random.choice((1, 2, 4, 16, 100, 1000)))
        kind = random.randrange(9)
        if kind == 0 and place < size:
            content[place] ^= 1 << random.randrange(8)
        elif kind == 1 and place < size:
            content[place] = random.randrange(256)
        elif kind == 2:
            del content[place:end]
        elif kind == 3 and random.random() < 0.3:
            del content[place:]
        elif kind == 4:
            content[place:place] = content[place:end] * random.choice((1, 2, 10))
        elif kind == 5:
            content[place : random.choice((place, end))] = random.choice(TOKENS)
        elif kind == 6 and others:
            other = random.choice(others)
            start = random.randrange(len(other) + 1)
            content[place:end] = other[start : start + random.choice((4, 30, 300))]
        elif kind == 7:
            content = _number_replaced(random, content)
        elif kind == 8:
            content = _lines_exchanged(random, content)
    return bytes(content)


def _number_replaced(random: Random, content: bytearray) -> bytearray:
    found = list(re.finditer(rb"-?\d+(\.\d+)?", content[:20_000]))
    if found:
        number = random.choice(found)
        content[number.start() : number.end()] = random.choice(
            (
                b"0",
                b"-1",
                b"1e999",
                b"nan",
                b"9" * 12,
                b"9" * 30,
                b"0.5",
                b"2147483648",
                b"",
                b"x",
                b"1e-5",
                b"07",
                b"[1]",
            )
        )
    return content


def _lines_exchanged(random: Random, content: bytearray) -> bytearray:
    lines = bytes(content).split(b"\n")
    first, second = random.randrange(len(lines)), random.randrange(len(lines))
    lines[first], lines[second] = lines[second], lines[random.choice((first, second))]
    return bytearray(b"\n".join(lines))


def mutated_tree(random: Random, tree, values: tuple = VALUES):
    """A copy of a tree of dicts and lists with one to four of its parts removed, moved, renamed or replaced."""
    tree = copy.deepcopy(tree)
    for _ in range(random.randint(1, 4)):
        places = list(_places(tree))
        if not places:
            return random.choice(values)
        holder, key = random.choice(places)
        other, other_key = random.choice(places)
        kind = random.randrange(7)
        if kind == 0:
            del holder[key]
        elif kind == 1:
            holder[key] = copy.deepcopy(other[other_key])
        elif kind == 2 and isinstance(holder, dict) and isinstance(other_key, str):
            holder[other_key] = holder.pop(key)
        elif kind == 3:
            holder[key] = random.choice(([holder[key]], {"a": holder[key]}, [holder[key]] * 3))
        elif kind == 4 and isinstance(holder, list):
            holder.extend(copy.deepcopy(holder[key:]))
        elif kind == 5 and isinstance(holder[key], int | float):
            holder[key] = holder[key] * random.choice((-1, 0, 2, 0.5, 10**6))
        else:
            holder[key] = copy.deepcopy(random.choice(values))
    return tree


def _places(tree):
    if isinstance(tree, dict | list):
        for key in tree if isinstance(tree, dict) else range(len(tree)):
            yield tree, key
            yield from _places(tree[key])


def mutated_json(random: Random, content: bytes) -> bytes:
    """JSON with a part of its tree, or of its text, changed."""
    if random.random() < 0.3:
        return mutated_bytes(random, content)
    return json.dumps(mutated_tree(random, json.loads(content))).encode()


def mutated_array(random: Random, array: np.ndarray) -> np.ndarray:
    """An array of another type, shape or values."""
    kind = random.randrange(5)
    if kind == 0:
        return _cast(array, random.choice(DTYPES[:-1]))
    if kind == 1:
        return array.reshape(random.choice(((-1,), (1, -1), (-1, 1), (1, *array.shape), (*array.shape, 1))))
    if kind == 2 and array.ndim:
        return array[random.choice((slice(0), slice(1), slice(2), slice(None, None, -1), slice(3, None)))]
    if kind == 3 and array.size and array.dtype.kind in "iuf":
        array, largest = array.copy(), 0 if array.dtype.kind == "f" else np.iinfo(array.dtype).max
        special = (largest, 0, 1) if largest else (np.nan, np.inf, -np.inf, np.finfo(array.dtype).max, 1e-320)
        array.flat[random.randrange(array.size)] = random.choice(special)
        return array
    return np.array(random.choice((0, 1.5, "a", [], [[]], True)))


def _cast(array, dtype):
    try:
        with np.errstate(all="ignore"):
            return array.astype(dtype)
    except (TypeError, ValueError):
        return np.zeros(array.shape, dtype)


def mutated_npz(random: Random, content: bytes) -> bytes:
    """An NPZ file with arrays, headers, members or bytes changed."""
    kind = random.randrange(4)
    if kind == 0:
        return mutated_bytes(random, content)
    with np.load(io.BytesIO(content)) as stored:
        arrays = dict(stored)
    names = list(arrays)
    name, other = random.choice(names), random.choice(names)
    if kind == 1:
        arrays[name] = mutated_array(random, arrays[name])
    elif kind == 2:
        change = random.randrange(3)
        if change == 0:
            del arrays[name]
        elif change == 1:
            arrays[name], arrays[other] = arrays[other], arrays[name]
        else:
            arrays[random.choice(("x", "y", "label", "", "../x", "lengths", "x_test"))] = arrays.pop(name)
    members = {f"{key}.npy": _npy(values) for key, values in arrays.items()}
    if kind == 3:
        members[f"{name}.npy"] = _damaged_npy(random, members[f"{name}.npy"])
    return archive(members, random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))


def _npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asanyarray(array), allow_pickle=False)
    return stream.getvalue()


def _damaged_npy(random: Random, content: bytes) -> bytes:
    """The bytes of an array with a changed header, or with any bytes changed."""
    if random.random() < 0.3:
        return mutated_bytes(random, content)
    changes = (
        (rb"'descr': '[^']*'", f"'descr': '{random.choice(DTYPES)}'".encode()),
        (rb"'descr': '[^']*'", b"'descr': [('a', '<f4'), ('b', '<i2')]"),
        (rb"\([^)]*\)", random.choice(_SHAPES)),
        (rb"'fortran_order': False", b"'fortran_order': True"),
        (rb"'fortran_order': False", b"'fortran_order': 2"),
        (rb"'shape'", b"'shade'"),
    )  # fmt: skip
    return re.sub(*random.choice(changes), content, count=1)


def archive(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """A ZIP archive of `members`."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as stored:
        for name, content in members.items():
            stored.writestr(zipfile.ZipInfo(name or "none"), content, method)
    return stream.getvalue()
