"""Whether there is a display, asked before Qt is: where there is none, Qt ends the process with a core dump."""

import ctypes
import os
import socket
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

_WAY_OUT = "'hnn-lab screenshot' draws the window without one, and every other command needs none"
_NO_DISPLAY = f"There is no display (neither DISPLAY nor WAYLAND_DISPLAY is set): start it from a desktop; {_WAY_OUT}"


def why_no_display(environment: Mapping[str, str] | None = None) -> str:
    """Return why no window can be shown, and what to do; empty where one can, or where only Qt knows."""
    given = os.environ if environment is None else environment
    if sys.platform != "linux" and "bsd" not in sys.platform:
        return ""
    asked = [name.partition(":")[0] for name in given.get("QT_QPA_PLATFORM", "").split(";") if name]
    wanted = asked or ["wayland"] * bool(given.get("WAYLAND_DISPLAY")) + ["xcb"] * bool(given.get("DISPLAY"))
    if not wanted:
        return _NO_DISPLAY
    reason = ""
    for name in wanted:  # no further than Qt would go: an X server that is asked for may only then be started
        reason = _why_not(name, given)
        if not reason:
            break
    return reason


def _why_not(platform: str, given: Mapping[str, str]) -> str:
    if platform.startswith("wayland"):
        return _why_no_wayland(given)
    return _why_no_x(given) if platform == "xcb" else ""


def _why_no_wayland(given: Mapping[str, str]) -> str:
    place = Path(given.get("XDG_RUNTIME_DIR", ""), given.get("WAYLAND_DISPLAY", "") or "wayland-0")
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(2.0)
            line.connect(str(place))
    except OSError as error:
        return f"The Wayland display {place} cannot be reached ({error.strerror or error}): {_WAY_OUT}"
    return ""


def _why_no_x(given: Mapping[str, str]) -> str:
    """Return why Qt could not open a window of X: a library that it lacks, or a server that does not answer."""
    display = given.get("DISPLAY", "")
    if not display:
        return _NO_DISPLAY
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
        for file in _plugin():
            ctypes.CDLL(file)
    except OSError as error:
        return f"Qt cannot be loaded ({error}): install what the README lists for a bare Debian or Ubuntu"
    xcb.xcb_connect.restype = ctypes.c_void_p
    line = ctypes.c_void_p(xcb.xcb_connect(os.fsencode(display), None))
    failed = xcb.xcb_connection_has_error(line)
    xcb.xcb_disconnect(line)
    return f"The display {display} cannot be opened: check DISPLAY and who may use it; {_WAY_OUT}" if failed else ""


def _plugin() -> list[str]:
    """Return the file by which Qt reaches X, as PySide6 brings it along; nothing where it lies elsewhere."""
    found = find_spec("PySide6")
    places = (found.submodule_search_locations or []) if found is not None else []
    files = [Path(place, "Qt", "plugins", "platforms", "libqxcb.so") for place in places]
    return [str(file) for file in files if file.is_file()]
