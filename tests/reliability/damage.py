"""Damage to the files of sessions and runs, from a seeded `random.Random`: the same seed does the same harm.

A document is its files by name: the members of a session's zip, or the files of a run's folder.
"""

import copy
import io
import json
import random
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

Files = dict[str, bytes]
Harm = Callable[[random.Random, Files], str]  # changes the files, and says what was done

MARKUP = '<img src="file:///etc/passwd"><b>x</b>'
BAD_JSON: tuple[str, ...] = (  # as text, for some of it is no JSON
    "null",
    "NaN",
    "Infinity",
    "-Infinity",
    "-1",
    "0",
    "1e308",
    "1e999",
    "-1e-320",
    "9" * 400,
    "9" * 5000,
    str(2**63),
    '""',
    '"0.5"',
    json.dumps(MARKUP),
    '"two\\nlines\\u0000\\u202e"',
    '"\\ud800"',
    '"' + "x" * 3000 + '"',
    "[]",
    "[[[[1]]]]",
    "[" * 60 + "]" * 60,
    "{}",
    '{"a": {"b": 1}}',
    "true",
    "false",
    "7",
    "2.5",
)
BAD_CELLS = (
    "",
    "x",
    "nan",
    "-nan",
    "inf",
    "-inf",
    "-1",
    "0",
    "1e308",
    "1e999",
    "2.5",
    "1_0",
    "9" * 400,
    '"1',
    "1,2",
    "\0",
)
BAD_NUMBERS = (np.nan, np.inf, -np.inf, 0.0, -1.0, 1e38, 1e-320, 1e308, 0.5)
_MARK = "\ue000"  # stands in a document where another text is put


# JSON -----------------------------------------------------------------------------------------------------------------


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path to every value in `value`."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in inner:
        yield (*path, key)
        yield from places(child, (*path, key))


def _parent(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path[:-1]:
        value = value[key]
    return value


def json_value(rng: random.Random, files: Files) -> str:
    """Replace, drop, double, rename or swap one value of a JSON file."""
    name = rng.choice([n for n in files if n.endswith(".json")])
    document = json.loads(files[name])
    path = _some_place(rng, document)
    parent, key = _parent(document, path), path[-1]
    what = rng.choice(("replaced",) * 6 + ("other",) * 4 + ("missing", "doubled", "renamed", "swapped", "twice"))
    text = json.dumps(_other(rng, parent[key])) if what == "other" else rng.choice(BAD_JSON)
    if what == "missing":
        del parent[key]
    elif what == "doubled" and isinstance(parent, list):
        parent.insert(key, parent[key])
    elif what == "renamed" and isinstance(parent, dict):
        parent[rng.choice(("", "x", key + " ", MARKUP))] = parent.pop(key)
    elif what == "swapped":
        other = _some_place(rng, document)
        parent[key] = copy.deepcopy(_parent(document, other)[other[-1]])
    else:
        parent[key] = _MARK
    dumped = json.dumps(document, indent=1)
    if what == "twice" and isinstance(parent, dict):
        text = f"{text}, {json.dumps(key)}: 1"
    files[name] = dumped.replace(json.dumps(_MARK), text).encode(errors="surrogatepass")
    return f"{name}: {'.'.join(map(str, path))} {what} {text[:40]}"


def _other(rng: random.Random, value: Any) -> Any:
    """Return another value of the same kind, which may well be a right one."""
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, int | float):
        return rng.choice((2 * value, value + 1, -value, value / 3, int(value), float(value), 1e99 * value))
    if isinstance(value, str):
        return rng.choice((MARKUP, value + "x", value[:-1], "Ångström \U0001f52d", value.upper(), " ", value * 40))
    return value[::-1] if isinstance(value, list) else dict(reversed(value.items()))


def _some_place(rng: random.Random, document: Any) -> tuple[Any, ...]:
    """Choose a place: a level first, so that long lists do not take all the harm."""
    known = list(places(document))
    if rng.random() < 0.5:
        depth = rng.choice(sorted({len(path) for path in known}))
        known = [path for path in known if len(path) == depth]
    return rng.choice(known)


# CSV ------------------------------------------------------------------------------------------------------------------


def history_cell(rng: random.Random, files: Files) -> str:
    """Change a cell, or drop, double, swap or cut a line of a history."""
    name = rng.choice([n for n in files if n.endswith(".csv")])
    lines = files[name].decode().split("\n")
    row = rng.randrange(len(lines))
    what = rng.choice(("cell", "cell", "cell", "dropped", "doubled", "swapped", "cut", "empty", "ends"))
    if what == "cell":
        cells = lines[row].split(",")
        cells[rng.randrange(len(cells))] = rng.choice(BAD_CELLS)
        lines[row] = ",".join(cells)
    elif what == "dropped":
        del lines[row]
    elif what == "doubled":
        lines.insert(row, lines[row])
    elif what == "swapped":
        other = rng.randrange(len(lines))
        lines[row], lines[other] = lines[other], lines[row]
    text = "" if what == "empty" else ("\r\n" if what == "ends" else "\n").join(lines)
    files[name] = text[: rng.randrange(len(text) + 1)].encode() if what == "cut" else text.encode()
    return f"{name}: line {row + 1} {what}"


# Weights --------------------------------------------------------------------------------------------------------------


def weights(rng: random.Random, files: Files) -> str:
    """Change the header or a number of a file of weights, or cut it."""
    name = rng.choice([n for n in files if n.endswith(".safetensors")])
    content = bytearray(files[name])
    length = int.from_bytes(content[:8], "little")
    header, body = json.loads(bytes(content[8 : 8 + length])), bytes(content[8 + length :])
    array = rng.choice([n for n in header if n != "__metadata__"])
    what = rng.choice(("number", "number", "type", "shape", "offsets", "renamed", "missing", "added", "length", "cut"))
    if what == "number":
        kind = np.float32 if header[array]["dtype"] == "F32" else np.float64
        numbers = np.frombuffer(body, np.uint8).copy()
        first, last = header[array]["data_offsets"]
        with np.errstate(over="ignore"):
            numbers[first:last].view(kind)[rng.randrange((last - first) // kind().nbytes)] = rng.choice(BAD_NUMBERS)
        body = numbers.tobytes()
    elif what == "type":
        header[array]["dtype"] = rng.choice(
            ("F64", "F32", "F16", "BF16", "I64", "U8", "BOOL", "F8_E4M3", "C64", "Q", 3, None)
        )
    elif what == "shape":
        header[array]["shape"] = rng.choice(
            ([], [1], [2**40, 2**40], [-1], [0], "ab", None, header[array]["shape"][::-1])
        )
    elif what == "offsets":
        header[array]["data_offsets"] = rng.choice(([0, 0], [0, 2**63], [-1, 4], [4, 0], [0], None, [0, len(body)]))
    elif what == "renamed":
        header[rng.choice(("", "w9", array.upper(), MARKUP))] = header.pop(array)
    elif what == "missing":
        del header[array]
    elif what == "added":
        header["__metadata__"] = rng.choice(({"format": MARKUP}, {"a": 1}, [], None))
    text = json.dumps(header).encode()
    size = rng.choice((0, 1, 2**40, 2**64 - 1, length + 1)) if what == "length" else len(text)
    made = size.to_bytes(8, "little") + text + body
    files[name] = made[: rng.randrange(len(made))] if what == "cut" else made
    return f"{name}: {array} {what}"


# Samples --------------------------------------------------------------------------------------------------------------


def npz(arrays: Mapping[str, Any]) -> bytes:
    """Return `arrays` as the file that keeps samples."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **dict(arrays))
    return buffer.getvalue()


def samples(rng: random.Random, files: Files) -> str:
    """Change the type, shape, order or a number of an array of samples, or the zip that holds them."""
    name = rng.choice([n for n in files if n.endswith(".npz")])
    with np.load(io.BytesIO(files[name])) as file:
        arrays: dict[str, Any] = dict(file)
    array = rng.choice(list(arrays))
    values = arrays[array]
    what = rng.choice(
        ("number", "number", "type", "shape", "order", "missing", "added", "claimed", "zip", "cut", "flip")
    )
    if what == "number" and values.size:
        values = values.astype(np.float64 if values.dtype != np.uint8 else np.uint8)
        with np.errstate(all="ignore"):
            number = np.float64(rng.choice(BAD_NUMBERS))
            values.reshape(-1)[rng.randrange(values.size)] = number if values.dtype != np.uint8 else 7
        arrays[array] = values
    elif what == "type":
        kind = rng.choice(("f4", "f2", "i8", "u1", "?", "c16", "U3", "S2", "M8[s]", ">f8", "<i4"))
        with np.errstate(all="ignore"):
            arrays[array] = np.zeros(values.shape, kind) if kind[0] in "cM" else values.astype(kind)
    elif what == "shape":
        arrays[array] = rng.choice((values[:-1], values[..., None], values.reshape(-1), np.zeros(()), np.zeros((0, 2))))
    elif what == "order":
        arrays[array] = rng.choice((values[::-1], np.asfortranarray(values), np.zeros_like(values)))
    elif what == "missing":
        del arrays[array]
    elif what == "added":
        arrays[rng.choice(("frames", "x", "reader.body"))] = np.zeros(3, np.uint8)
    content = npz(arrays)
    if what == "claimed":
        content = _claimed(rng, arrays, array)
    if what in ("zip", "cut", "flip"):
        content = {"zip": rezipped, "cut": cut, "flip": flipped}[what](rng, content)
    files[name] = content
    return f"{name}: {array} {what}"


def _claimed(rng: random.Random, arrays: Mapping[str, Any], array: str) -> bytes:
    """Return samples of which one says that it has another shape, or is of another kind."""
    shape = rng.choice(("(100000000000000,)", "()", "(-1,)", "(2, 2)", "(1,) * 9", "x", "(" * 200))
    kind = rng.choice(("<f8", "|O", "<f16", "|V8", "<U9", "|u1"))
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    member = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + bytes(16)
    members = unzipped(npz(arrays))
    return zipped({**members, f"{array}.npy": member})


# Bytes and zips -------------------------------------------------------------------------------------------------------


def cut(rng: random.Random, content: bytes) -> bytes:
    """Return the beginning of `content`, or what comes after one."""
    at = rng.randrange(len(content) + 1)
    return content[:at] if rng.random() < 0.8 else content[at:]


def flipped(rng: random.Random, content: bytes) -> bytes:
    """Return `content` with some of its bytes changed."""
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8)) if changed else 0):
        near_end = rng.random() < 0.5
        place = rng.randrange(max(0, len(changed) - 2500), len(changed)) if near_end else rng.randrange(len(changed))
        changed[place] ^= rng.randrange(1, 256)
    return bytes(changed)


def any_file(rng: random.Random, files: Files) -> str:
    """Cut one file, change bytes of it, or put another one in its place."""
    name = rng.choice(list(files))
    what = rng.choice(("cut", "flipped", "flipped", "missing", "empty", "another"))
    if what == "missing":
        del files[name]
    elif what == "another":
        files[name] = files[rng.choice(list(files))]
    else:
        files[name] = b"" if what == "empty" else {"cut": cut, "flipped": flipped}[what](rng, files[name])
    return f"{name}: {what}"


def zipped(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip of `members`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def unzipped(content: bytes) -> Files:
    """Return the members of a zip."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rezipped(rng: random.Random, content: bytes) -> bytes:
    """Return a zip with a member renamed, doubled, added or dropped, packed in another way, or with a comment."""
    members = list(unzipped(content).items())
    name, inside = members[at := rng.randrange(len(members))]
    what = rng.choice(("renamed", "doubled", "added", "dropped", "method", "comment", "folder", "before", "lies"))
    if what == "renamed":
        members[at] = (rng.choice(("../evil", "/x", "", "a\\b", name.upper(), "runs/x/run.json", name + "/")), inside)
    elif what == "doubled":
        members.append((name, inside if rng.random() < 0.5 else b""))
    elif what == "added":
        members.append((rng.choice(("notes.txt", "runs/other/run.json", "runs/other/history.csv", "data.npz")), b"{}"))
    elif what == "dropped":
        del members[at]
    elif what == "folder":
        members.insert(0, ("runs/", b""))
    method = (
        rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
        if what == "method"
        else zipfile.ZIP_DEFLATED
    )
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", method) as archive:
        warnings.simplefilter("ignore")  # names that stand twice are meant to
        for one, kept in members:
            archive.writestr(zipfile.ZipInfo(one), kept, method)
        archive.comment = MARKUP.encode() if what == "comment" else b""
    made = buffer.getvalue()
    if what == "lies":  # of a size, a checksum, a flag or a place in the table of contents
        table = bytearray(made)
        entry = table.rfind(b"PK\x01\x02")
        table[entry + rng.choice((8, 10, 16, 20, 24, 28, 42)) + rng.randrange(2)] ^= rng.randrange(1, 256)
        made = bytes(table)
    return b"PK" * 20 + made if what == "before" else made


HARMS: tuple[Harm, ...] = (json_value, json_value, json_value, history_cell, weights, samples, any_file)


def harmed(rng: random.Random, files: Files) -> tuple[Files, str]:
    """Return `files` with one thing wrong, or now and then two, and what was done."""
    changed, done = dict(files), []
    for _ in range(2 if rng.random() < 0.15 else 1):
        able = [harm for harm in HARMS if harm is not samples or any(name.endswith(".npz") for name in changed)]
        try:
            done.append(rng.choice(able)(rng, changed))
        except Exception:
            if not done:
                raise
            done.append("nothing more")  # the first harm has left nothing that a second one could be done to
    return changed, "; ".join(done)
