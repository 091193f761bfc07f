"""The recording of a run or a session: what it says of itself, as JSON, and its samples and frames, as data.npz.

Of a film, data.npz also holds `frames` and what reads their angles, `reader.pivot`, `.radii`, `.body`, `.explained`.
"""

import io
import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from hashlib import blake2b
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from hnn_engine.coords import Array
from hnn_engine.errors import RecordError
from hnn_engine.limits import LARGEST_FRAMES, LONGEST_TITLE, MOST_ROWS, MOST_TRIALS
from hnn_engine.recordings import KINDS, Recording
from hnn_engine.records.archive import Archive, Content
from hnn_engine.records.documents import Fields
from hnn_engine.video import FEWEST_FRAMES, AngleReader

LARGEST_READER = 100_000_000  # pixels of the pictures that a reader compares frames with
LARGEST_BODY = 8_000_000  # numbers of the picture that these are made from
LARGEST_NUMBER = 1e100  # of a sample or a reader: squares stay finite
_UNREADABLE = "the picture of the pendulum in data.npz, which angles are read by, does not fit together"
_FLOAT = 8  # bytes of a number in memory
_HEADER = 1_000  # bytes before the numbers of an array: 128, or some more
_PIECE = 2**20  # bytes that are unpacked at a time
_MAGIC = 10  # of which say what it is, and how many follow
_NPY = re.compile(
    rb"\x93NUMPY\x01\x00(..)\{'descr': '([<>|][fiu][1248])', 'fortran_order': (True|False), "
    rb"'shape': \(([0-9, ]*)\), \} *\n",
    re.DOTALL,
)
SAMPLES = ("t", "trial", "coords", "gaps")
READER = tuple(f"reader.{name}" for name in ("pivot", "radii", "body", "explained"))

_Arrays = Mapping[str, npt.NDArray[Any]]


class _Form(NamedTuple):
    """How the numbers of an array lie in its file, from byte `start` on."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    order: Literal["C", "F"]
    start: int


def recording_header(recording: Recording) -> dict[str, Any]:
    """Return what `recording` says of itself besides its samples."""
    reference = recording.reference
    return {
        "title": recording.title[:LONGEST_TITLE],
        "source": file_name(recording.source)[:LONGEST_TITLE],
        "kind": recording.kind,
        "simulated": recording.simulated,
        "known": recording.known,
        "velocity_estimated": recording.velocity_estimated,
        "reference": list(reference.coefficients) if reference is not None else None,
    }


def file_name(source: str) -> str:
    """Return the name alone of the file that a recording came from: names of folders are private."""
    return source.replace("\\", "/").rsplit("/", 1)[-1]


def recording_arrays(recording: Recording) -> bytes:
    """Return the samples of `recording`, t `(n,)` in s, trial `(n,)`, coords `(n, 2)` and gaps, and its frames if it
    has any, as an npz file."""
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {name: getattr(recording, name) for name in SAMPLES} | _film_arrays(recording)
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def _film_arrays(recording: Recording) -> dict[str, npt.NDArray[Any]]:
    if recording.frames is None:
        return {}
    reader = recording.reader
    if not isinstance(reader, AngleReader):
        raise RecordError(f"{recording.title} cannot be kept: what reads its angles is no AngleReader; make it one")
    values = np.array(reader.pivot), reader.radii, reader.body, np.array([reader.explained])
    return {"frames": recording.frames, **dict(zip(READER, values, strict=True))}


Kept = dict[bytes, Recording]
"""Recordings by the digest of their npz file: what is there twice is read once."""


def digest(content: bytes) -> bytes:
    """Return what identifies an npz file among others: its BLAKE2b hash, 64 bytes."""
    return blake2b(content).digest()


def read_recording_files(header: object, content: bytes, where: str, kept: Kept | None = None) -> Recording:
    """Read back a recording from its header and its npz file; raise `RecordError`, which names `where`.

    The arrays of one that is in `kept` are shared, and one that is not is put there.
    """
    given = Fields(header, "recording")
    key = b"" if kept is None else digest(content)
    same = None if kept is None else kept.get(key)
    if same is None:
        same = _read_samples(content, where)
        if kept is not None:
            kept[key] = same
    recording = replace(
        same,
        title=given.text("title"),
        source=given.text("source"),
        kind="angle" if given.one_of("kind", KINDS) == "angle" else "length",
        simulated=given.flag("simulated"),
        known=given.flag("known"),
        velocity_estimated=given.flag("velocity_estimated"),
    )
    return with_stated_reference(recording, header)


def _read_samples(content: bytes, where: str) -> Recording:
    """Return a recording that says nothing of itself yet."""
    arrays = _read_arrays(content, where)
    t, trial, coords, gaps = (arrays[name] for name in SAMPLES)
    if not _sound(t, trial, coords, gaps):
        raise RecordError(f"{where} is damaged: the samples in data.npz do not fit together; restore it from a copy")
    film = _read_film(arrays, t, trial, where) if "frames" in arrays else {}
    return Recording("", "", "angle", t, trial.astype(np.int64), coords, gaps.astype(np.int64), **film)


def with_stated_reference(recording: Recording, header: object) -> Recording:
    """Return `recording` with the reference energy that `header` states: itself, if that is its own. Raises
    `RecordError` where the header is damaged."""
    stated = Fields(header, "recording").pair("reference")
    own = None if recording.reference is None else recording.reference.coefficients
    if stated == own:
        return recording
    if stated is None:
        return replace(recording, reference=None)
    with np.errstate(over="ignore"):
        return recording.with_reference(*stated)


def _sound(t: Array, trial: Array, coords: Array, gaps: Array) -> bool:
    """Return whether samples are small enough to be squared, trials count up from 0, time rises in each, and gaps are
    rows in their order."""
    if not (np.abs(t) < LARGEST_NUMBER).all() or not (np.abs(coords) < LARGEST_NUMBER).all():
        return False
    steps = np.diff(trial, prepend=0.0)
    rises = (np.diff(t) > 0) | (steps[1:] == 1)
    counted = trial[0] == 0 and trial[-1] < MOST_TRIALS and ((steps == 0) | (steps == 1)).all()
    inside = (gaps >= 1) & (gaps < len(t)) & (gaps == np.floor(gaps))
    return bool(counted and rises.all() and inside.all() and (np.diff(gaps) > 0).all())


# Arrays ---------------------------------------------------------------------------------------------------------------


def _largest(name: str) -> int | None:
    """Return how large the member `name` of data.npz may be unpacked, None where there is none of it."""
    known = name.removesuffix(".npy")
    if known == name or known not in (*SAMPLES, "frames", *READER):
        return None
    numbers = 2 * MOST_ROWS if known in SAMPLES else LARGEST_BODY
    return (LARGEST_FRAMES if known == "frames" else 8 * numbers) + _HEADER


_CONTENT = Content(
    "a recording",
    len(SAMPLES) + 1 + len(READER),
    "it holds more arrays than a recording has; restore it from a copy",
    "cannot be read",
    _largest,
    shrinks=True,  # frames are mostly black
)


def _read_arrays(content: bytes, where: str) -> dict[str, npt.NDArray[Any]]:
    """Return what data.npz holds: samples as float64, and of a film its frames as bytes and its reader as float64.

    Each array's type and shape are looked at before it is unpacked.
    """
    with _opened(content, where) as (archive, forms):
        return {name: _unpacked(archive, name, form) for name, form in forms.items()}


def arrays_size(content: bytes, where: str) -> int:
    """Return how many bytes the arrays of an npz file take in memory, of which none is unpacked for that; raise
    `RecordError` where it is none of a recording."""
    with _opened(content, where) as (_, forms):
        shapes = {name: form.shape for name, form in forms.items()}
    return sum(math.prod(shape) * (1 if name == "frames" else _FLOAT) for name, shape in shapes.items())


@contextmanager
def _opened(content: bytes, where: str) -> Iterator[tuple[Archive, dict[str, _Form]]]:
    """Open an npz file, and look at what its arrays say of themselves."""
    with Archive.of(content, f"{where}: data.npz", _CONTENT) as archive:
        names = SAMPLES + (("frames", *READER) if "frames.npy" in archive.sizes else ())
        try:
            forms = {name: _form(archive, name) for name in names}
            _check_shapes({name: form.shape for name, form in forms.items()}, where)
            yield archive, forms
        except RecordError:
            raise
        except Exception as error:  # what damaged bytes make zip, zlib and numpy raise is of many kinds
            raise RecordError(
                f"{where} is damaged: data.npz cannot be read ({str(error)[:120]}); restore it from a copy"
            ) from error


def _form(archive: Archive, name: str) -> _Form:
    """Return what an array says of itself; raise `ValueError` where it is not of numbers, or not as large."""
    member = f"{name}.npy"
    if member not in archive.sizes:
        raise ValueError(f"{name} is missing")
    with archive.open(member) as file:
        found = _NPY.match(file.read(_HEADER))
    if found is None:
        raise ValueError(f"{name} is no array of numbers")
    shape, dtype = tuple(int(n) for n in found[4].split(b",") if n.strip()), np.dtype(found[2].decode())
    if int.from_bytes(found[1], "little") != found.end() - _MAGIC or (
        found.end() + math.prod(shape) * dtype.itemsize != archive.sizes[member]
    ):
        raise ValueError(f"{name} is not as large as it says, {shape}"[:200])
    return _Form(shape, dtype, "F" if found[3] == b"True" else "C", found.end())


def _check_shapes(shapes: Mapping[str, tuple[int, ...]], where: str) -> None:
    rows = shapes["t"][0] if len(shapes["t"]) == 1 else 0
    fits = {"t": (rows,), "trial": (rows,), "coords": (rows, 2)}
    gaps = shapes["gaps"]
    good = 2 <= rows <= MOST_ROWS and all(shapes[name] == shape for name, shape in fits.items())
    if not good or len(gaps) != 1 or gaps[0] > rows:
        raise RecordError(f"{where} is damaged: the samples in data.npz do not fit together; restore it from a copy")
    pivot, explained = shapes.get("reader.pivot", (2,)), shapes.get("reader.explained", (1,))
    large = any(math.prod(shapes[name]) > LARGEST_BODY for name in READER if name in shapes)  # of bytes they may be
    if large or pivot != (2,) or explained != (1,):
        raise RecordError(f"{where} is damaged: {_UNREADABLE}; restore it from a copy")


def _unpacked(archive: Archive, name: str, form: _Form) -> npt.NDArray[Any]:
    """Read an array piece by piece: no second array of its size is needed."""
    flat = np.empty(math.prod(form.shape), dtype=form.dtype)
    rest = flat.view(np.uint8)
    with archive.open(f"{name}.npy") as file:
        file.read(form.start)
        while len(rest):
            piece = file.read(min(len(rest), _PIECE))
            if not piece:
                raise ValueError(f"{name} is cut off")
            rest[: len(piece)] = np.frombuffer(piece, dtype=np.uint8)
            rest = rest[len(piece) :]
        file.read(1)  # at the end the checksum is compared
    values = flat.reshape(form.shape, order=form.order)
    return values if name == "frames" else np.array(values, dtype=np.float64, order="C", copy=None)


# Films ----------------------------------------------------------------------------------------------------------------


def _read_film(arrays: _Arrays, t: Array, trial: Array, where: str) -> dict[str, Any]:
    """Return the frames of a film with samples at `t`, and what reads them; raise `RecordError`."""
    frames, size = arrays["frames"], arrays["frames"].shape[-1] if arrays["frames"].ndim else 0
    if frames.dtype != np.uint8 or frames.shape != (len(t), size, size) or len(t) < FEWEST_FRAMES or size < 1:
        expected = f"at least {FEWEST_FRAMES} square ones of bytes, one for each sample"
        found = f"the frames in data.npz are {frames.dtype} {frames.shape}, expected {expected}"
        raise RecordError(f"{where} is damaged: {found}; restore it from a copy")
    if trial.any():
        raise RecordError(f"{where} is damaged: the frames in data.npz are of several films; restore it from a copy")
    pivot, radii, body, explained = (arrays[name] for name in READER)
    if not _readable(size, pivot, radii, body, explained):
        raise RecordError(f"{where} is damaged: {_UNREADABLE}; restore it from a copy")
    reader = AngleReader(size, (float(pivot[0]), float(pivot[1])), radii, body, float(explained[0]))
    return {"frames": frames, "reader": reader}


def _readable(size: int, pivot: Array, radii: Array, body: Array, explained: Array) -> bool:
    """Return whether what makes a reader is shaped as it has it, finite, and of a sensible size."""
    shaped = pivot.shape == (2,) and explained.shape == (1,) and radii.ndim == 1 and body.ndim == 2
    if not shaped or len(radii) < 2 or len(body) != len(radii) or not 8 <= body.shape[1] <= LARGEST_READER // size**2:
        return False
    whole = all((np.abs(values) < LARGEST_NUMBER).all() for values in (pivot, radii, body, explained))
    return bool(whole and radii[0] > 0 and (np.diff(radii) > 0).all() and body.max() > 0)
