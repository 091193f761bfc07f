"""A state of the laboratory as a text that fits into a message: an experiment without weights, and how it is looked at.

`hnnlab:1.` and then JSON, packed by zlib, in the letters of base64 that stand in addresses (RFC 4648, section 5). What
is in a link is checked as what is in a session is, and no more than `LARGEST_LINK` bytes of it are unpacked.
"""

import base64
import binascii
import json
import re
import zlib
from typing import Any

from hnn_engine.errors import HnnLabError, RecordError
from hnn_engine.experiment import RecordingSource, from_json, to_json
from hnn_engine.limits import LARGEST_LINK, LONGEST_LINK
from hnn_engine.records.documents import FORMAT, load_json
from hnn_engine.records.equality import difference
from hnn_engine.records.session import Session, plain_view

SCHEME = "hnnlab:"
_VERSION = "1."
_CODE = re.compile(r"[A-Za-z0-9_-]*={0,2}")
_AGAIN = "copy it again, from its beginning to its end"
_NOT_KEPT = ("places", "before_live", "live_fit")  # of a view: they go with runs and with what is running
_NAME = "link"  # what messages call the document in it


def is_link(text: str) -> bool:
    """Whether `text` begins as a link does, whatever the case of its letters is."""
    return text.lstrip()[: len(SCHEME)].lower() == SCHEME


def write_link(session: Session) -> str:
    """Return the link to the experiment of `session` and its view; raise `RecordError` where it holds what no link can:
    measured data, or more than `LONGEST_LINK` characters."""
    if isinstance(session.experiment.source, RecordingSource):
        raise RecordError("A link holds no measured data: save a session, and hand that on")
    view = {name: value for name, value in plain_view(session.view).items() if name not in _NOT_KEPT}
    document = {"format": FORMAT, "experiment": to_json(session.experiment), "view": view}
    content = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    code = base64.urlsafe_b64encode(zlib.compress(content, 9)).decode("ascii").rstrip("=")
    link = f"{SCHEME}{_VERSION}{code}"
    if len(link) > LONGEST_LINK or len(content) > LARGEST_LINK:
        what = "drawn and moved data" if session.experiment.edits.strokes or session.experiment.edits.moved else "state"
        raise RecordError(
            f"The {what} would make a link of {len(link):,} characters, but at most {LONGEST_LINK:,}: save a session, "
            "and hand that on"
        )
    again = read_link(link)
    place = difference(session.experiment, again.experiment, "the experiment")
    if place:
        raise RecordError(f"There is no link, since {place} would be another one when it is opened: report this")
    return link


def read_link(text: str) -> Session:
    """Return the session, without runs, that a link stands for; raise `RecordError` that says what is wrong with it.

    White space in it, as mail programs put into long lines, is left out.
    """
    if not is_link(text):
        raise RecordError(f"This is no link to a state of HNN Lab: it must begin with {SCHEME}")
    if len(text) > 2 * LONGEST_LINK:
        raise RecordError(f"The link has {len(text):,} characters, but at most {LONGEST_LINK:,}: {_AGAIN}")
    bare = "".join(text.split())[len(SCHEME) :]
    if len(bare) + len(SCHEME) > LONGEST_LINK:
        raise RecordError(
            f"The link has {len(bare) + len(SCHEME):,} characters, but at most {LONGEST_LINK:,}: {_AGAIN}"
        )
    version, dot, code = bare.lstrip("/").partition(".")
    if not (dot and version.isascii() and version.isdecimal()):
        raise RecordError(f"The link is damaged: {SCHEME} is not followed by {_VERSION} and letters; {_AGAIN}")
    if f"{version}." != _VERSION:
        raise RecordError("The link is of a newer HNN Lab: update this one")
    document = load_json({_NAME: _unpacked(code)}, _NAME, "The link")
    return Session(_experiment(document), (), (), plain_view(document.get("view")))


def _experiment(document: dict[str, Any]) -> Any:
    raw = document.get("experiment")
    source = raw.get("source") if isinstance(raw, dict) else None
    if isinstance(source, dict) and "recording" in source:
        raise RecordError("The link is of measured data, which no link holds: ask for a session, and open that")
    try:
        return from_json(raw)
    except HnnLabError as error:
        raise RecordError(f"The link cannot be opened: {error}") from error


def _unpacked(code: str) -> bytes:
    """Return what is packed in the letters of a link, at most `LARGEST_LINK` bytes."""
    if _CODE.fullmatch(code) is None:
        raise RecordError(f"The link is damaged: it holds letters that none has; {_AGAIN}")
    letters = code.rstrip("=")
    try:
        packed = base64.urlsafe_b64decode(letters + "=" * (-len(letters) % 4))
        opener = zlib.decompressobj()
        content = opener.decompress(packed, LARGEST_LINK)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise RecordError(f"The link is damaged ({error}): {_AGAIN}") from error
    if opener.unconsumed_tail and not opener.eof:
        raise RecordError(f"The link would unpack to more than {LARGEST_LINK:,} bytes, and none of it is opened")
    if not opener.eof or opener.unused_data:
        raise RecordError(f"The link is damaged: it is not whole; {_AGAIN}")
    return content
