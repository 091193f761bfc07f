"""A single fit that could not be written where it was meant to go."""

import tempfile
from pathlib import Path

from hnn_engine.errors import HnnLabError
from hnn_engine.journal.places import DOCUMENT, LIMIT, clear, journal_folder, new_place, size_of
from hnn_engine.journal.writing import Room, head
from hnn_engine.records import Run, Session, write_file, write_run
from hnn_engine.records.documents import dump_json


def keep_fit(run: Run) -> tuple[Path, bool] | None:
    """Keep `run` in the journal, or else in a temporary folder; return the folder of the run, and whether it is in the
    journal; None where neither can be written."""
    for keep in (_in_journal, _in_temporary):
        try:
            return keep(run), keep is _in_journal
        except (HnnLabError, OSError, RuntimeError):  # without a home there is a RuntimeError
            continue
    return None


def _in_journal(run: Run) -> Path:
    root = journal_folder()
    folder, lock = new_place(root)
    try:
        place = folder / f"{run.id}.1"
        write_run(run, place)  # with its samples: a run that is whole by itself
        Room(root, folder, LIMIT).take(size_of(place), must=True)
        document = head(Session(run.experiment, (run,), (run.id,)), None)
        listed = {"id": run.id, "title": run.title, "folder": place.name}
        write_file(folder / DOCUMENT, dump_json({**document, "experiment": None, "runs": [listed]}))
    except BaseException:
        clear(folder, lock)
        raise
    lock.release()
    return place


def _in_temporary(run: Run) -> Path:
    place = Path(tempfile.mkdtemp(prefix="hnn-lab-")) / "run"
    write_run(run, place)
    return place
