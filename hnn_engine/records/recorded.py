"""The recording of a run or a session: what it says of itself, as JSON, and its samples and frames, as data.npz.

Of a film, data.npz also holds `frames` and what reads their angles, `reader.pivot`, `.radii`, `.body`, `.explained`.
"""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from hnn_engine.coords import Array
from hnn_engine.errors import RecordError
from hnn_engine.footage import FEWEST_FRAMES, AngleReader
from hnn_engine.recordings import Recording

LARGEST_DATA = 100_000_000  # bytes of data.npz
LARGEST_UNPACKED = 4 * LARGEST_DATA
LARGEST_READER = 100_000_000  # pixels of the pictures that a reader compares frames with
SAMPLES = ("t", "trial", "coords", "gaps")
READER = tuple(f"reader.{name}" for name in ("pivot", "radii", "body", "explained"))
EVEN = 1e-6  # part of a step by which the steps between frames may differ

_Arrays = Mapping[str, npt.NDArray[Any]]


def recording_header(recording: Recording) -> dict[str, Any]:
    """Return what `recording` says of itself besides its samples."""
    reference = recording.reference
    return {
        "title": recording.title,
        "source": file_name(recording.source),
        "kind": recording.kind,
        "simulated": recording.simulated,
        "known": recording.known,
        "velocity_estimated": recording.velocity_estimated,
        "reference": list(reference.coefficients) if reference is not None else None,
    }


def file_name(source: str) -> str:
    """Return the name alone of the file that a recording came from: whose folders these are is nobody's business."""
    return source.replace("\\", "/").rsplit("/", 1)[-1]


def recording_arrays(recording: Recording) -> bytes:
    """Return the samples of `recording`, and its frames if it has any, as an npz file."""
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


def read_recording_files(header: Mapping[str, Any], content: bytes, where: str) -> Recording:
    """Read back a recording from its header and its npz file; raise `RecordError`."""
    arrays = _read_arrays(content, where)
    t, trial, coords, gaps = (arrays[name].astype(np.float64) for name in SAMPLES)
    rows = len(t)
    shaped = t.shape == (rows,) and trial.shape == (rows,) and coords.shape == (rows, 2) and gaps.ndim == 1
    if rows < 2 or not shaped or not _sound(t, trial, coords, gaps):
        raise RecordError(f"{where} is damaged: the samples in data.npz do not fit together; restore it from a copy")
    recording = Recording(
        title=str(header["title"])[:200],
        source=str(header["source"])[:200],
        kind="angle" if header["kind"] == "angle" else "length",
        t=t,
        trial=trial.astype(np.int64),
        coords=coords,
        gaps=gaps.astype(np.int64),
        simulated=bool(header["simulated"]),
        known=bool(header["known"]),
        velocity_estimated=bool(header["velocity_estimated"]),
        **(_read_film(arrays, t, trial, where) if "frames" in arrays else {}),
    )
    return judged_by(recording, header)


def judged_by(recording: Recording, header: Mapping[str, Any]) -> Recording:
    """Return `recording` with the reference energy that `header` states: itself, if that is its own."""
    stated = header.get("reference")
    own = None if recording.reference is None else list(recording.reference.coefficients)
    if stated == own:
        return recording
    return replace(recording, reference=None) if stated is None else recording.with_reference(*map(float, stated))


def _sound(t: Array, trial: Array, coords: Array, gaps: Array) -> bool:
    """Return whether samples are finite, trials count up from 0, time rises in each, and gaps are rows."""
    if not (np.isfinite(t).all() and np.isfinite(coords).all()):
        return False
    steps = np.diff(trial, prepend=0.0)
    rises = (np.diff(t) > 0) | (steps[1:] == 1)
    inside = np.isin(gaps, np.arange(1, len(t)))
    return bool(np.isin(steps, (0.0, 1.0)).all() and rises.all() and inside.all())


def _read_arrays(content: bytes, where: str) -> dict[str, npt.NDArray[Any]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(info.file_size for info in archive.infolist()) > LARGEST_UNPACKED:
                size = LARGEST_UNPACKED // 10**6
                raise RecordError(f"{where} is refused: data.npz would unpack to more than {size} MB")
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            names = SAMPLES + (("frames", *READER) if "frames" in file else ())
            return {name: _numbers(file[name]) for name in names}
    except RecordError:
        raise
    except Exception as error:  # what damaged bytes make zip, zlib and numpy raise is of many kinds
        raise RecordError(f"{where} is damaged: data.npz cannot be read ({error}); restore it from a copy") from error


def _numbers(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return bytes as they are, and everything else as float64."""
    return values if values.dtype == np.uint8 else np.asarray(values, dtype=np.float64)


# Films ----------------------------------------------------------------------------------------------------------------


def _read_film(arrays: _Arrays, t: Array, trial: Array, where: str) -> dict[str, Any]:
    """Return the frames of a film with samples at `t`, and what reads them; raise `RecordError`."""
    frames, size = arrays["frames"], arrays["frames"].shape[-1] if arrays["frames"].ndim else 0
    if frames.dtype != np.uint8 or frames.shape != (len(t), size, size) or len(t) < FEWEST_FRAMES or size < 1:
        expected = f"at least {FEWEST_FRAMES} square ones of bytes, one for each sample"
        found = f"the frames in data.npz are {frames.dtype} {frames.shape}, expected {expected}"
        raise RecordError(f"{where} is damaged: {found}; restore it from a copy")
    steps = np.diff(t)
    if trial.any() or np.abs(steps - steps[0]).max() > EVEN * abs(steps[0]):
        raise RecordError(f"{where} is damaged: the frames in data.npz are not at even steps; restore it from a copy")
    pivot, radii, body, explained = (arrays[name] for name in READER)
    if not _readable(size, pivot, radii, body, explained):
        what = "the picture of the pendulum in data.npz, which angles are read by, does not fit together"
        raise RecordError(f"{where} is damaged: {what}; restore it from a copy")
    reader = AngleReader(size, (float(pivot[0]), float(pivot[1])), radii, body, float(explained[0]))
    return {"frames": frames, "reader": reader}


def _readable(size: int, pivot: Array, radii: Array, body: Array, explained: Array) -> bool:
    """Return whether what makes a reader is shaped as it has it, finite, and of a sensible size."""
    shaped = pivot.shape == (2,) and explained.shape == (1,) and radii.ndim == 1 and body.ndim == 2
    if not shaped or len(radii) < 2 or len(body) != len(radii) or not 8 <= body.shape[1] <= LARGEST_READER // size**2:
        return False
    whole = all(np.isfinite(values).all() for values in (pivot, radii, body, explained))
    return bool(whole and radii[0] > 0 and (np.diff(radii) > 0).all() and body.max() > 0)
