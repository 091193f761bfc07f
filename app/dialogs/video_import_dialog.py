"""Import a film of a pendulum: choose the square, the frames and the pace, and see the angle read from it."""

import math
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from app.dialogs.importing import ImportingDialog
from app.widgets.angle_curve import AngleCurve
from app.widgets.choices import mark
from app.widgets.crop_view import CropView
from app.widgets.number_slider import NumberSlider
from app.widgets.parameter_form import ParameterForm
from app.widgets.pixel_picture import PixelPicture
from app.widgets.text import PlainLabel, heading, problem_label, quiet_label, set_tip
from app.workers.latest_only import LatestAnswer
from hnn_engine.coords import Array
from hnn_engine.errors import RecordingError, shortened
from hnn_engine.number_format import NO_BREAK, number, parse
from hnn_engine.parameters import Parameter, Value
from hnn_engine.progress import ProgressCallback
from hnn_engine.recordings import Recording
from hnn_engine.video import (
    FEWEST_FRAMES,
    MOST_FRAMES,
    Crop,
    FrameSequence,
    Video,
    as_recording,
    extract_frames,
    inspection_of,
)
from hnn_engine.video.extract import SIDES

SIZE = 28  # pixels of a frame's side, as the paper has it
QUICK = 40  # frames that are taken while the square is dragged
SIDE_WIDTH = 300
ROD = 1.3  # length of the line over the pendulum, in distances from its pivot to its middle
DARK = {"auto": None, "bright": False, "dark": True}
RATE, PERIOD = "frames per second", "s between frames"


@dataclass(frozen=True, eq=False)
class Request:
    """Which frames are to be cut out of `film`, and how; of a `quick` one fewer frames are taken."""

    film: Video
    crop: Crop
    size: int
    first: int
    last: int
    every: int
    dark: bool | None
    quick: bool = False

    @property
    def step(self) -> int:
        """Every which frame is taken."""
        return self.every * (max(1, (self.last - self.first) // (self.every * QUICK)) if self.quick else 1)

    def taken(self, tell: ProgressCallback) -> FrameSequence:
        """Return the frames, as if they were usually 1 s apart. What is quick is not ended by `tell`: during a drag no
        frames would ever be shown."""
        seconds, told = 1 / self.step, None if self.quick else tell
        return extract_frames(
            self.film, self.crop, self.size, self.first, self.last, self.step, self.dark, seconds, progress=told
        )


def extraction_parameters(film: Video) -> tuple[Parameter, ...]:
    """What can be said of the frames to take, counted from 1."""
    most, every = film.count, -(-film.count // MOST_FRAMES)
    return (
        Parameter(
            "size",
            "Picture size",
            SIZE,
            *SIDES,
            "",
            "px",
            "Side of the frames that the models are trained on, in pixels.",
        ),
        Parameter("first", "First frame", 1, 1, most, help="Frames before this one are left out."),
        Parameter("last", "Last frame", most, 1, most, help="Frames after this one are left out."),
        Parameter(
            "every", "Every n-th", every, 1, max(2, most // FEWEST_FRAMES), help="Use every n-th frame.", log=True
        ),
        Parameter(
            "dark",
            "The pendulum is",
            "auto",
            choices=tuple(DARK),
            choice_titles=("detected automatically", "brighter than the background", "darker than the background"),
            help="Moving parts become bright, the background black.",
        ),
    )


def _shown(pace: float) -> str:
    """Return a rate or a period as the box shows it."""
    return f"{pace:.5g}"


class VideoImportDialog(ImportingDialog):
    """Shows a film and asks what of it is to be studied."""

    def __init__(self, film: Video, parent: QWidget | None = None) -> None:
        taker = LatestAnswer(lambda request, tell: request.taken(tell), gives_way=False)
        reader = LatestAnswer(as_recording)
        super().__init__("Open a video", parent, taker, reader)
        self._taker, self._reader = taker, reader
        self.film, self.footage, self.read = film, None, None  # type: Video, FrameSequence | None, Recording | None
        self._request: Request | None = None  # whose frames are there
        self._newest: Request | None = None  # that was asked for
        self._build()
        self._taker.answered.connect(self._on_taken)
        self._reader.answered.connect(self._on_read)
        self._show_frame(0)
        self._ask()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.seconds is None:
            self.rate.setFocus()

    def done(self, result: int) -> None:
        """Close, and want nothing more."""
        self._newest = None
        super().done(result)

    # Its parts --------------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        name = self.film.path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
        kept = f"{self.film.width} × {self.film.height} pixels"
        sides = QHBoxLayout()
        sides.setSpacing(16)
        sides.addLayout(self._film_side(), 1)
        sides.addWidget(self._model_side())
        layout = QVBoxLayout(self)
        layout.setSpacing(10)
        layout.addWidget(heading(f"{shortened(name)}: {self.film.count} frames of {kept}"))
        self.note = problem_label()
        self.note.setText(f"{self.film.note[:1].upper()}{self.film.note[1:]}.")
        self.note.setVisible(bool(self.film.note))
        layout.addWidget(self.note)
        self.facts = quiet_label()
        layout.addWidget(self.facts)
        self.question = problem_label()
        layout.addWidget(self.question)
        layout.addWidget(quiet_label("Drag the square so that it covers the whole swing and the pivot."))
        layout.addLayout(sides, 1)
        layout.addWidget(self.problem)
        layout.addWidget(self.buttons)
        room = self.screen().availableSize()
        width, height = max(1060, 7 * room.width() // 10), max(720, 3 * room.height() // 4)
        self.resize(min(width, room.width() - 60), min(height, room.height() - 70))

    def _film_side(self) -> QVBoxLayout:
        self.view = CropView(Crop.whole(self.film))
        self.view.cropped.connect(lambda final: self._ask(quick=not final))
        self.slider = NumberSlider(0, self.film.count - 1, whole=True)
        self.slider.setSingleStep(1)
        self.slider.setAccessibleName("Frame that is shown")
        self.slider.chosen.connect(lambda value, _: self._show_frame(round(value)))
        self.instant = quiet_label()
        self.instant.setWordWrap(False)
        longest = self._instant_words(self.film.count - 1, self.film.seconds or 1.0)
        self.instant.setMinimumWidth(self.instant.fontMetrics().horizontalAdvance(longest) + 4)
        self.instant.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        below = QHBoxLayout()
        below.addWidget(self.slider, 1)
        below.addWidget(self.instant)
        column = QVBoxLayout()
        column.addWidget(self.view, 1)
        column.addLayout(below)
        return column

    def _model_side(self) -> QWidget:
        side = QWidget()
        side.setFixedWidth(SIDE_WIDTH)
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        self.picture, self.curve = PixelPicture("Frames for the models"), AngleCurve()
        self.said = quiet_label()
        self.said.setMinimumHeight(self.said.fontMetrics().lineSpacing() + 2)
        self.form = ParameterForm(extraction_parameters(self.film))
        self.form.edited.connect(lambda _name, _value, final: self._ask(quick=not final))
        parts: tuple[tuple[str, QWidget, int], ...] = (
            ("Frames for the models", self.picture, 3),
            ("Measured angle", self.curve, 2),
        )
        for title, widget, stretch in parts:
            column.addWidget(heading(title))
            column.addWidget(widget, stretch)
        column.addWidget(self.said)
        column.addSpacing(4)
        column.addWidget(self.form)
        column.addLayout(self._pace())
        return side

    def _pace(self) -> QGridLayout:
        """How fast the film goes."""
        self.rate, self.rate_unit = QLineEdit(), QComboBox()
        self.rate_unit.addItems([RATE, PERIOD])
        self.rate.setFixedWidth(68)
        self.rate.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.rate.setAccessibleName("Frame rate of the video")
        self.rate_unit.setAccessibleName("Unit of the frame rate")
        self.rate.setPlaceholderText("needed")
        if self.film.seconds is not None:
            self.rate.setText(_shown(1 / self.film.seconds))
        self.rate.textEdited.connect(self._tell_state)
        self.rate_unit.currentIndexChanged.connect(self._on_unit)
        title = PlainLabel("Frame rate")
        title.setBuddy(self.rate)
        set_tip(title, "Frame rate, or time between frames, at which it was recorded; where it varies, the usual one.")
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.addWidget(title, 0, 0)
        grid.addWidget(self.rate, 0, 1, Qt.AlignmentFlag.AlignRight)
        grid.addWidget(self.rate_unit, 0, 2)
        grid.setColumnStretch(1, 1)
        return grid

    def _on_unit(self) -> None:
        """Say the same pace in the other unit."""
        value = self._pace_number()
        if value is not None:
            self.rate.setText(_shown(1 / value))
        self._tell_state()

    # What is asked for ------------------------------------------------------------------------------------------------

    def _pace_number(self) -> float | None:
        """Return the number that is stated, above 0; None where there is none."""
        try:
            value = float(parse(self.rate.text()))
        except ValueError:
            return None
        return value if 1e-9 < value < 1e9 else None

    @property
    def seconds(self) -> float | None:
        """Seconds from one frame of the film to the next, as stated; None where nothing is, or no number."""
        value, own = self._pace_number(), self.film.seconds
        period = self.rate_unit.currentText() == PERIOD
        if own is not None and self.rate.text() == _shown(own if period else 1 / own):
            return own  # what is shown is rounded
        return value if value is None or period else 1 / value

    @property
    def ready(self) -> bool:
        """Whether there is a recording to open."""
        return self.read is not None and self.seconds is not None

    def recording(self) -> Recording:
        """Return the recording; raise `RecordingError`."""
        if self.footage is None or self._request is None or self.seconds is None:
            raise RecordingError("The video is still being read: please wait")
        return as_recording(self.footage.with_steps(self._request.every * self.seconds))

    def _ask(self, quick: bool = False) -> None:
        """Cut out what is wished for now."""
        values: dict[str, Value] = self.form.values()
        first, last = sorted((int(values["first"]) - 1, int(values["last"]) - 1))
        dark = DARK[str(values["dark"])]
        request = Request(
            self.film, self.view.crop, int(values["size"]), first, last, int(values["every"]), dark, quick=quick
        )
        self.read = None
        self._reader.ask(None)
        self._newest = request
        self._taker.ask(request)
        self.complain("")
        self._show_rod()
        self._tell_state()

    def _on_taken(self, request: Request, footage: FrameSequence | None, problem: str) -> None:
        if self._newest is None or not (request is self._newest or request.quick):
            return
        self._request, self.footage = request, footage
        self.complain(problem)
        self._show_taken()
        if footage is not None and not request.quick:
            self._reader.ask(footage)
        self._tell_state()

    def _on_read(self, footage: FrameSequence, recording: Recording | None, problem: str) -> None:
        if footage is not self.footage or self._request is not self._newest:
            return
        self.read = recording
        self.complain(problem or self._doubts())
        self._show_rod()
        self._tell_state()

    # What is shown ----------------------------------------------------------------------------------------------------

    @property
    def frame(self) -> int:
        """The frame that is looked at, from 0."""
        return round(self.slider.number())

    def _show_frame(self, frame: int) -> None:
        self.view.show_picture(self.film.picture(frame))
        self.instant.setText(self._instant_words(frame, self.seconds))
        self.curve.show_instant(float(self.film.places[frame]))
        self._show_taken()
        self._show_rod()

    def _instant_words(self, frame: int, seconds: float | None) -> str:
        """Say which frame it is and when it was taken, where that is known."""
        when = "" if seconds is None else f", {seconds * self.film.places[frame]:.3f}{NO_BREAK}s"
        return f"frame {frame + 1} of {self.film.count}{when}"

    def _row(self) -> int | None:
        """Return which of the taken frames is the nearest to the one that is looked at."""
        if self.footage is None or self._request is None:
            return None
        row = round((self.frame - self._request.first) / self._request.step)
        return min(max(row, 0), len(self.footage.frames) - 1)

    def _show_taken(self) -> None:
        row = self._row()
        self.picture.show_picture(None if row is None or self.footage is None else self.footage.frames[row])

    def _show_rod(self) -> None:
        """Lay the pendulum as it was read over the film."""
        self.view.show_rod(None, None)
        row = self._row()
        if self.read is None or self.footage is None or self._request is None or row is None:
            return
        at = row - int(np.searchsorted(self.footage.t, self.read.t[0]))
        if 0 <= at < len(self.read.t):
            reader, angle = self.footage.reader, float(self.read.coords[at, 0])
            pivot = QPointF(*reader.pivot)
            tip = pivot + QPointF(math.sin(angle), math.cos(angle)) * (ROD * reader.arm)
            self.view.show_rod(self._on_film(pivot), self._on_film(tip))

    def _on_film(self, place: QPointF) -> QPointF:
        """Return where in the film a place in the small frames is, in pixels from the corner of the first one."""
        assert self._request is not None
        crop = self._request.crop
        return QPointF(crop.left, crop.top) + (place + QPointF(0.5, 0.5)) * (crop.side / self._request.size)

    def show_progress(self) -> None:
        """Say how far the reading is."""
        self._tell_state()

    def _tell_facts(self) -> None:
        """Say what the film is at the pace that is stated, and what of it has to be said."""
        stated = self.seconds
        found = inspection_of(self.film, None if stated == self.film.seconds else stated)
        notes = [note for note in found.notes if note.lower() != self.film.note.lower()]
        self.facts.setText(" ".join(f"{part}." for part in (found.summary, *notes)))
        question = self.film.facts.question if stated is None else ""
        self.question.setText(f"{question}." if question else "")
        self.question.setVisible(bool(question))

    def _tell_state(self) -> None:
        self._tell_facts()
        self.instant.setText(self._instant_words(self.frame, self.seconds))
        self.open_button.setEnabled(self.ready)
        mark(self.rate, self.seconds is None)
        if self.read is not None and self._request is not None:
            request, angles = self._request, np.degrees(self.read.coords[:, 0])
            places = self.film.places
            span = float(places[request.first]), float(places[request.last])
            self.curve.show_curve(span[0] + request.every * self.read.t, angles, span, self.read.gaps)
            self.said.setText(self._words(self.read, angles))
        else:
            line = self.progress_line("Reading the angle") if self.busy else "No angle"
            self.curve.show_hint(line)
            self.said.setText("")
        set_tip(self.open_button, "" if self.ready or self.read is None else "State the frame rate.")

    def _doubts(self) -> str:
        """Say which frames are lost because nothing can be read from them, and why the angle may be wrong."""
        if self.read is None or self.footage is None:
            return ""
        seen, taken = len(self.read.t), len(self.footage.frames)
        lost = (
            f"The pendulum is found in {seen} of {taken} frames in a row, and only these are kept: move the "
            "square, or choose other frames"
        )
        return ". ".join(filter(None, ("" if seen == taken else lost, self.footage.reader.doubt)))

    def _words(self, read: Recording, degrees: Array) -> str:
        """Say what was read, and what is still needed."""
        far = float(np.abs(degrees).max())
        swing = f"Swings ±{number(far, digits=2)}°" if far < 180 else "Turns over"
        seen = f" in {len(read.t)} frames"
        if self.seconds is None:
            return f"{swing}{seen}. State the frame rate."
        request = self._request
        assert request is not None
        steps = request.every * self.seconds * np.diff(read.t)
        steps = np.delete(steps, read.gaps - 1) if len(read.gaps) < len(steps) else steps
        low, high = number(float(steps.min())), number(float(steps.max()))
        return f"{swing}{seen}, {low if low == high else f'{low} to {high}'} s apart."
