"""The journal: what is not saved, kept in the user's data folder until it is saved or discarded.

Each window has an entry of its own, a folder under a lock that the system lets go when the process ends, however it
ends. So an entry whose lock is free is what a dead window has left behind.
"""

from hnn_engine.journal.entries import Claim, Entry, claim, entries, remove
from hnn_engine.journal.keeping import keep_fit
from hnn_engine.journal.places import LIMIT, journal_folder
from hnn_engine.journal.writing import Writer, Written

__all__ = [
    "LIMIT",
    "Claim",
    "Entry",
    "Writer",
    "Written",
    "claim",
    "entries",
    "journal_folder",
    "keep_fit",
    "remove",
]
