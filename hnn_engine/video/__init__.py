"""Films of a pendulum: reading them, cutting small grey frames out of them, the angle in each, and writing films.

The modules behind these names are loaded when a name is first used. Pillow and PyAV are imported by what reads or
writes a file, when it does.
"""

from typing import TYPE_CHECKING

from hnn_engine.lazy_names import lazy_names

if TYPE_CHECKING:
    from hnn_engine.video.angle_tracking import AngleReader
    from hnn_engine.video.clip import FEWEST_FRAMES, MOST_FRAMES, Crop, Video
    from hnn_engine.video.extract import FrameSequence, extract_frames
    from hnn_engine.video.images import IMAGES
    from hnn_engine.video.inspection import FilmInspection, inspect_film, inspection_of
    from hnn_engine.video.reading import VIDEOS, is_video, read_video
    from hnn_engine.video.tiles import Tile, side_by_side
    from hnn_engine.video.to_recording import as_recording
    from hnn_engine.video.writing import SUFFIXES, check_pictures, write_pictures, write_video

_HOMES = {
    "clip": ("FEWEST_FRAMES", "MOST_FRAMES", "Crop", "Video"),
    "images": ("IMAGES",),
    "inspection": ("FilmInspection", "inspect_film", "inspection_of"),
    "reading": ("VIDEOS", "is_video", "read_video"),
    "to_recording": ("as_recording",),
    "tiles": ("Tile", "side_by_side"),
    "extract": ("FrameSequence", "extract_frames"),
    "angle_tracking": ("AngleReader",),
    "writing": ("SUFFIXES", "check_pictures", "write_pictures", "write_video"),
}
__getattr__ = lazy_names(__name__, _HOMES)

__all__ = [
    "FEWEST_FRAMES",
    "IMAGES",
    "MOST_FRAMES",
    "SUFFIXES",
    "VIDEOS",
    "AngleReader",
    "Crop",
    "FilmInspection",
    "FrameSequence",
    "Tile",
    "Video",
    "as_recording",
    "check_pictures",
    "extract_frames",
    "inspect_film",
    "inspection_of",
    "is_video",
    "read_video",
    "side_by_side",
    "write_pictures",
    "write_video",
]
