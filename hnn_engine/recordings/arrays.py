"""Arrays as tables: NumPy's npy and npz, never pickled, and MATLAB's mat up to version 7."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from hnn_engine.coords import Array
from hnn_engine.errors import RecordingError, shortened
from hnn_engine.limits import LARGEST_TABLE, MOST_COLUMNS, MOST_ROWS
from hnn_engine.recordings.headings import Heading, parse_heading
from hnn_engine.recordings.layout import NUMBER
from hnn_engine.recordings.packed import damaged, opened_zip
from hnn_engine.recordings.regular import open_regular
from hnn_engine.recordings.table import ArrayTable

_PREVIEW = 1000
_WANTED = "an array of numbers, or a time and a coordinate as arrays of one length"
_NUMERIC = frozenset(
    ["double", "single", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "logical"]
)


def read_npy(name: str) -> ArrayTable:
    """Return the array in an npy file as a table; raise `RecordingError`."""
    with open_regular(name, _WANTED) as file, _refusing(name):
        found = _read(name, file)
    return _table(name, {"": found}, "NumPy array")


def read_npz(name: str) -> ArrayTable:
    """Return the arrays in an npz file as a table; raise `RecordingError`."""
    found: dict[str, npt.NDArray[Any]] = {}
    with opened_zip(name) as packed, _refusing(name):
        for member in packed.namelist():
            with packed.open(member) as file:
                array = _read(name, file, member)
            if array.dtype.names is not None or array.dtype.kind in "fiub":
                found[member.removesuffix(".npy")] = array
    return _table(name, found, "NumPy archive")


def read_mat(name: str) -> ArrayTable:
    """Return the arrays in a MATLAB file up to version 7 as a table; raise `RecordingError`."""
    with open_regular(name, _WANTED) as file:
        first = file.read(128)
    if first.startswith((b"MATLAB 7.3", b"\x89HDF")):
        found = f"{name} is a MATLAB file of version 7.3"
        raise RecordingError(f"{found}; expected version 7 or older: in MATLAB write save(file, '-v7'), or export CSV")
    import scipy.io

    readers: Any = scipy.io  # their types know of no open files

    with open_regular(name, _WANTED) as file, _refusing(name):
        held = [(key, shape) for key, shape, kind in readers.whosmat(file) if kind in _NUMERIC]
        size = sum(8 * math.prod(shape) for _, shape in held)
        if size > LARGEST_TABLE or any(math.prod(shape) > MOST_ROWS * MOST_COLUMNS for _, shape in held):
            raise _too_large(name, size)
        file.seek(0)
        arrays = readers.loadmat(file, variable_names=[key for key, _ in held]) if held else {}
    return _table(name, {key: np.asarray(arrays[key]) for key, _ in held}, "MATLAB file")


@contextmanager
def _refusing(name: str) -> Iterator[None]:
    """Turn what the readers of arrays raise, which is of many kinds, into a `RecordingError`."""
    try:
        yield
    except (RecordingError, MemoryError):
        raise
    except Exception as error:
        raise damaged(name, error) from None


def _too_large(name: str, size: float) -> RecordingError:
    found = f"{name} has {size / 2**20:.0f} MB of numbers, more than {LARGEST_TABLE // 2**20} MB"
    return RecordingError(f"{found}; expected one recording: cut it or leave out rows")


def _read(name: str, file: IO[bytes], member: str = "") -> npt.NDArray[Any]:
    """Return an array of a file whose header says beforehand how large it is, and that nothing is pickled in it."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(file)
    where = f"{name}: '{shortened(member)}'" if member else name
    if dtype.hasobject:
        raise RecordingError(f"{where} holds Python objects; expected numbers: save arrays of float64")
    size = math.prod(shape) * dtype.itemsize
    if size > LARGEST_TABLE:
        raise _too_large(name, size)
    raw = file.read(size + 1)
    if len(raw) != size:
        raise damaged(name, f"{len(raw)} of {size} bytes are there")
    return np.frombuffer(raw, dtype).reshape(shape, order="F" if fortran else "C")


def _table(name: str, arrays: Mapping[str, npt.NDArray[Any]], called: str) -> ArrayTable:
    """Return arrays as the columns of a table: those of one length, and the columns of one that has two dimensions."""
    columns: dict[str, Array] = {}
    single: list[str] = []
    fields: set[str] = set()  # names that the array itself gives its columns
    for key, array in arrays.items():
        columns |= _columns(key, array, single)
        fields |= set(array.dtype.names or ())
    if not columns:
        held = ", ".join(shortened(key, 20) for key in arrays) or "no array of numbers"
        raise RecordingError(f"{name} holds {held}; expected {_WANTED}: save such ones")
    length = max(len(column) for column in columns.values())
    kept = {key: column for key, column in columns.items() if len(column) == length}
    left = [*single, *(key for key in columns if key not in kept)]
    if len(kept) > MOST_COLUMNS:
        raise RecordingError(f"{name} makes {len(kept):,} columns; expected up to {MOST_COLUMNS:,}: save fewer")
    if length > MOST_ROWS:
        found = f"{name} holds more than {MOST_ROWS} rows of numbers"
        raise RecordingError(f"{found}; expected 4 to {MOST_ROWS}: choose another file or cut this one")
    values = np.column_stack(list(kept.values()))
    headings = tuple(parse_heading(key) if key in arrays or key in fields else Heading(key, "") for key in kept)
    named = any(heading.name for heading in headings)
    head = tuple(tuple(f"{x:.10g}" for x in row) for row in values[: min(_PREVIEW, 100_000 // len(kept) + 1)])
    notes = (f"left out: {', '.join(shortened(key, 20) for key in left[:5])}",) if left else ()
    return ArrayTable(
        name, headings, named, (NUMBER,) * len(kept), (), head, called, called.split()[0], None, notes, values=values
    )


def _columns(key: str, array: npt.NDArray[Any], single: list[str]) -> dict[str, Array]:
    """Return an array's columns by name; one that holds a single number, or none, goes to `single`."""
    if array.dtype.names is not None:
        fields = {name: array[name] for name in array.dtype.names if array[name].dtype.kind in "fiub"}
        return {name: np.ravel(field).astype(np.float64) for name, field in fields.items()}
    if array.dtype.kind not in "fiub" or array.ndim > 2:
        single.append(key or "an array of another kind")
        return {}
    flat = np.squeeze(array) if array.ndim == 2 and 1 in array.shape else array
    if flat.ndim == 0 or flat.size <= 1:
        single.append(key)
        return {}
    if flat.ndim == 1:
        return {key or "column 1": flat.astype(np.float64)}
    across = flat.T if flat.shape[0] < flat.shape[1] and flat.shape[0] <= 16 else flat
    if across.shape[1] > MOST_COLUMNS:
        return {f"{key} {i + 1}": across[:, 0].astype(np.float64) for i in range(across.shape[1])}
    called = f"{key} " if key else "column "
    return {f"{called}{i + 1}": across[:, i].astype(np.float64) for i in range(across.shape[1])}
