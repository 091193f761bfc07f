"""`hnn-lab desktop`: the program among a desktop's applications, so that a double click on a session opens it."""

import argparse
import sys

from hnn_engine import desktop_entry
from hnn_engine.console import say
from hnn_engine.errors import RecordError
from hnn_engine.user_folders import desktop_folder


def desktop(options: argparse.Namespace) -> None:
    """Install or remove the desktop file, the icons and the kinds of files; raise `RecordError`."""
    if not sys.platform.startswith("linux"):
        raise RecordError(
            "'hnn-lab desktop' is for desktops on Linux: docs/exporting.md says how a double click opens sessions on "
            "macOS and Windows"
        )
    folder = desktop_folder()
    if options.act == "install":
        done = desktop_entry.install(folder, desktop_entry.program())
        say(f"{len(done)} files are in {folder}: .hnnlab and .hnnsystem files and hnnlab: links open by HNN Lab")
    else:
        done = desktop_entry.remove(folder)
        say(f"{len(done)} files are removed from {folder}" if done else f"There is nothing to remove in {folder}")
    for path in done:
        print(path)
