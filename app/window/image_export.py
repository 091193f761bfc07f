"""Pictures of the window on disk: PNG files, whole or not at all."""

from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice
from PySide6.QtGui import QImage

from hnn_engine.errors import RecordError
from hnn_engine.records import write_file


def write_png(path: Path, picture: QImage, replace_protected: bool = False) -> None:
    """Write `picture` to `path`, in any thread; raise `RecordError` where that is not possible, `ProtectedFileError`
    where a read-only file is there, unless `replace_protected`."""
    content = QByteArray()
    buffer = QBuffer(content)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if not picture.save(buffer, "PNG"):  # type: ignore[call-overload]
        raise RecordError(f"{path} was not written: there is no picture to be packed as PNG; try again")
    buffer.close()
    write_file(path, bytes(content.data()), replace_protected=replace_protected)
