"""What all of a session takes together: looked at before any of its JSON is parsed or an array unpacked."""

from collections.abc import Mapping

from hnn_engine.errors import RecordError
from hnn_engine.limits import (
    LARGEST_ARRAYS,
    LARGEST_HISTORIES,
    LARGEST_SESSION,
    LARGEST_TRAINING,
    MOST_SESSION_VALUES,
)
from hnn_engine.records.archive import size_of
from hnn_engine.records.documents import most_values
from hnn_engine.records.recorded import arrays_size, digest
from hnn_engine.records.training_snapshots import NAME as SNAPSHOTS_NAME
from hnn_engine.records.weights import LONGEST_HEADER


def check_totals(members: Mapping[str, bytes], where: str) -> None:
    """Raise `RecordError`, which begins with `where`, unless the `members` of a session keep to `limits`: bytes in all,
    bytes of losses and of snapshots along fits, values in JSON, and bytes of recordings in memory. For writing and
    reading alike."""
    if sum(size_of(members, name) for name in members) > LARGEST_SESSION:
        raise RecordError(_too_much(where, f"{LARGEST_SESSION / 1e9:.0f} GB unpacked"))
    if sum(size_of(members, name) for name in members if name.endswith("history.csv")) > LARGEST_HISTORIES:
        raise RecordError(_too_much(where, f"{LARGEST_HISTORIES / 1e6:.0f} MB of losses"))
    training = [max(0, size_of(members, name) - LONGEST_HEADER) for name in members if name.endswith(SNAPSHOTS_NAME)]
    if sum(training) > LARGEST_TRAINING:
        raise RecordError(_too_much(where, f"{LARGEST_TRAINING / 1e6:.0f} MB of snapshots along fits"))
    _check_documents(members, where)
    _check_recordings(members, where)


def _check_documents(members: Mapping[str, bytes], where: str) -> None:
    values = 0
    for name in members:
        values += most_values(members[name]) if name.endswith(".json") else 0
        if values > MOST_SESSION_VALUES:
            raise RecordError(_too_much(where, f"{MOST_SESSION_VALUES:,} values in its JSON"))


def _check_recordings(members: Mapping[str, bytes], where: str) -> None:
    """Count the arrays of all recordings; one alone is never too large, and need not be unpacked twice."""
    names = [name for name in members if name.rpartition("/")[2] == "data.npz"]
    size, seen = 0, set()
    for name in names if len(names) > 1 else ():
        content = members[name]
        key = digest(content)
        size += arrays_size(content, _place(name, where)) if key not in seen else 0
        seen.add(key)
        if size > LARGEST_ARRAYS:
            raise RecordError(_too_much(where, f"{LARGEST_ARRAYS / 1e6:.0f} MB of recordings"))


def _place(name: str, where: str) -> str:
    """Return where a member of a run is, as messages have it."""
    return f"{where}, run {name.split('/')[1]}" if "/" in name else where


def _too_much(where: str, what: str) -> str:
    return f"{where}: it has more than {what}, the most that a session may have; delete some runs"
