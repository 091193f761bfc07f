"""Tables as measuring programs write them, each with what is right: read so, or asked about, never misread."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from hnn_engine.cli import main
from hnn_engine.errors import RecordingError
from hnn_engine.recordings import TableInspection, inspect_table, parse_stated, read_recording

CASES = Path(__file__).parent / "tables"


class Right(NamedTuple):
    """What is right for a table: its largest |q|, its rows, and what else is said."""

    far: float
    kind: str = "angle"
    rows: int = 240
    trials: int = 1
    gaps: int = 0
    coordinate: str = ""
    velocity: str = ""
    low: float | None = None
    said: str = ""


ANGLE = Right(0.9)
READ: dict[str, Right] = {
    "tracker_v_ends_empty.txt": Right(0.784, "length", coordinate="x", said="metres"),
    "tracker_lost_frames.txt": Right(0.784, "length", rows=236, gaps=1, coordinate="x"),
    "tracker_degrees_de.txt": ANGLE._replace(said="Tracker's angles are in degrees"),
    "phyphox_time_back.csv": ANGLE._replace(trials=2, said="restarts"),
    "phyphox_repeat_header.csv": ANGLE._replace(trials=2, said="heading is repeated"),
    "vernier_ga.csv": Right(0.784, "length", coordinate="Data Set 1:Position(m)", velocity="Data Set 1:Velocity(m/s)"),
    "vernier_ga_force_first.csv": Right(0.784, "length", coordinate="Data Set 1:Position(m)"),
    "loggerpro_latest_ends_empty.csv": Right(0.784, "length", coordinate="Latest: Position (m)"),
    "loggerpro_run1.csv": ANGLE,
    "name_run_time.csv": ANGLE._replace(velocity="Run 1: Velocity (rad/s)"),
    "name_trial_x.csv": ANGLE._replace(velocity="Trial 1 v (rad/s)"),
    "pasco_two_runs.csv": ANGLE._replace(rows=420, trials=2, said="side by side"),
    "pasco_angle_ends.csv": ANGLE._replace(coordinate="Angle (rad) Run #1"),
    "excel_thousands_quoted_mm.csv": Right(1.06, "length", low=0.94, said="thousands"),
    "excel_sep_line.csv": ANGLE,
    "excel_utf16_tab.txt": ANGLE,
    "comma_decimal_comma_quoted.csv": ANGLE,
    "arduino_monitor.txt": Right(0.9, "number", said="clock"),
    "arduino_micros.csv": ANGLE,
    "arduino_boot_text.txt": ANGLE,
    "arduino_cut_last_line.csv": ANGLE._replace(said="'8'"),
    "millis_duplicate.csv": ANGLE._replace(rows=238, gaps=2, said="the clock stumbled"),
    "unit_degree.csv": ANGLE,
    "unit_deg_dot.csv": ANGLE,
    "unit_msec.csv": ANGLE,
    "unit_inch.csv": Right(0.16, "length"),
    "unit_row_sec.csv": ANGLE,
    "opensim.sto": ANGLE._replace(velocity="/jointset/pin/q/speed", said="inDegrees"),
    "numpy.npy": Right(0.9, "number", velocity="column 3"),
    "numpy.npz": Right(0.9, "number", coordinate="q"),
    "matlab.mat": ANGLE._replace(coordinate="th"),
    "pandas_index.csv": Right(0.9, "number", coordinate="position", velocity="velocity"),
    "dash_in_angle.csv": ANGLE._replace(rows=239, gaps=1),
    "dash_for_missing.csv": ANGLE,
    "footer_text.csv": ANGLE._replace(said="Mean,0.0123"),
    "empty_last_unused.csv": ANGLE,
    "empty_middle_unused.csv": ANGLE,
    "empty_first_unused.csv": ANGLE,
    "quoted_empty_last.csv": ANGLE,
    "empty_last_all.csv": ANGLE,
    "empty_padded_rows.csv": ANGLE,
    "pre_sample_rate.csv": ANGLE,
    "pre_one_number.csv": ANGLE,
    "pre_text_number_inside.csv": ANGLE,
    "pre_date_cell.csv": ANGLE,
    "vernier_format2.txt": ANGLE._replace(velocity="Velocity (rad/s)"),
    "pre_240_readings.txt": ANGLE,
    "name_es.csv": ANGLE._replace(velocity="Velocidad angular (rad/s)"),
    "name_it.csv": ANGLE._replace(velocity="Velocità (rad/s)"),
    "name_fr.csv": ANGLE._replace(velocity="Vitesse angulaire (rad/s)"),
    "name_object.csv": ANGLE._replace(velocity="Pendulum Angular Velocity (rad/s)"),
    "name_quoted_time.csv": ANGLE._replace(velocity="Angular Velocity (rad/s)"),
    "order_omega_first.csv": ANGLE._replace(coordinate="theta (rad)", velocity="omega (rad/s)"),
    "order_acc_first.csv": ANGLE._replace(coordinate="Angle position (rad)", velocity="Angular velocity (rad/s)"),
    "units_deg_velocity_rads.csv": ANGLE._replace(velocity="omega (rad/s)"),
    "vel_mm_ms.csv": Right(0.784, "length", velocity="v (m/s)"),
    "vel_ms_gyro_head.csv": ANGLE._replace(velocity="Omega (deg/s)"),
    "vel_ms_degps.csv": ANGLE._replace(velocity="rate_dps"),
    "vel_ok.csv": ANGLE._replace(velocity="omega (deg/s)"),
    "trial_blank_line.csv": ANGLE._replace(rows=200, trials=2),
}
ASKED = {  # what the question says, and an option that settles it; None where none is meant to
    "phyphox_gyro_tab.csv": ("'Gyroscope x (rad/s)' is a rate", "coordinate=integral,velocity=3"),
    "phyphox_gyro_semicolon_comma.csv": ("is a rate", "coordinate=integral,velocity=2"),
    "phyphox_accel_z.csv": ("acceleration", None),
    "phyphox_export.zip": ("is a rate", "coordinate=integral,velocity=2"),
    "excel_thousands_de_whole.csv": ("'1.000' can be read in two ways", "decimal=comma"),
    "physics_toolbox.csv": ("is a rate", "coordinate=integral,velocity=2,velocity-unit=rad/s"),
    "physics_toolbox_clock.csv": ("is a rate", "coordinate=integral,velocity=2,velocity-unit=rad/s"),
    "unit_named_deg_no_unit.csv": ("probably degrees", "angle-unit=deg"),
    "unit_px.csv": ("pixels", "kind=number"),
    "dlc.csv": ("counts frames", "kind=number --rate 30"),
    "dlc_first_empty.csv": ("counts frames", "kind=number --rate 30"),
    "double_positions_no_time.csv": ("no column is a time", "coordinate=1,kind=number --rate 30"),
    "no_time_angle_only.csv": ("no column is a time", "--rate 30"),
    "frame_number.csv": ("counts frames", "--rate 30"),
    "trial_concatenated.csv": ("hardly seconds", "time-unit=ms"),
}
REFUSED = {
    "comma_decimal_comma_unquoted.csv": "the header has 2 names, .* has 4 cells",
    "unit_mrad.csv": "line 3: '0.0' .* repeats 0.0 in line 2: the times were rounded",
}


def settled(path: Path, option: str) -> TableInspection:
    columns, _, rate = option.partition("--rate ")
    return inspect_table(path, parse_stated(columns.strip(), rate or None))


def test_every_case_is_here() -> None:
    assert {path.name for path in CASES.iterdir()} == READ.keys() | ASKED.keys() | REFUSED.keys()


@pytest.mark.parametrize("name", READ)
def test_a_table_is_read_rightly(name: str) -> None:
    right, found = READ[name], inspect_table(CASES / name)
    assert found.questions == ()
    shown = found.to_json()
    (coordinate,) = shown["coordinates"]
    assert coordinate["kind"] == right.kind
    assert coordinate["max"] == pytest.approx(right.far, rel=0.02)
    low = -right.far if right.low is None else right.low
    assert coordinate["min"] == pytest.approx(low, rel=0.1)
    assert (shown["rows"], shown["trials"], shown["gaps"]) == (right.rows, right.trials, right.gaps)
    assert shown["time_step_s"] == pytest.approx(1 / 30, abs=5e-4)
    if right.low is None:
        fast = 2.7 * right.far / 0.9
        most = fast * 1.2
        assert fast * 0.75 < coordinate["velocity_max"] < most
        assert -most < coordinate["velocity_min"] < -fast * 0.75
    assert right.coordinate in ("", coordinate["name"])
    roles = {column["role"]: column["name"] for column in shown["columns"]}
    assert roles.get("velocity", "") == right.velocity or not right.velocity
    assert right.said in " ".join(found.notes)
    recording = read_recording(CASES / name)
    assert recording.t[0] == pytest.approx(0.0, abs=1.3)
    assert len(recording.t) == right.rows


@pytest.mark.parametrize("name", ASKED)
def test_what_a_table_leaves_open_is_asked(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    said, option = ASKED[name]
    found = inspect_table(CASES / name)
    assert said in found.questions[0]
    with pytest.raises(RecordingError) as caught:
        read_recording(CASES / name)
    assert "say --" in str(caught.value)
    assert main(["inspect", str(CASES / name), "--json"]) == 2
    printed = capsys.readouterr()
    assert json.loads(printed.out)["questions"] == list(found.questions)
    assert len(printed.err.splitlines()) == 1
    assert len(printed.err) <= 301
    assert "--columns" in printed.err or "--rate" in printed.err
    if option is not None:
        answered = settled(CASES / name, option)
        assert answered.questions == ()
        assert answered.recording().t[-1] - answered.recording().t[0] == pytest.approx(
            4 if "trial" in name else 8, abs=1
        )


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_with_its_line(name: str) -> None:
    with pytest.raises(RecordingError, match=REFUSED[name]):
        inspect_table(CASES / name)


def test_json_is_one_line_and_whole(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(CASES / "vel_ms_degps.csv"), "--json"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    shown: dict[str, Any] = json.loads(out)
    assert list(shown) == [
        *("format", "columns", "rows", "trials", "gaps", "time_step_s", "coordinates", "notes", "questions")
    ]
    assert shown["columns"] == [
        {"name": "time_ms", "unit": "ms", "quantity": "time", "role": "time"},
        {"name": "angle_deg", "unit": "deg", "quantity": "angle", "role": "coordinate"},
        {"name": "rate_dps", "unit": "deg/s", "quantity": "angular velocity", "role": "velocity"},
    ]
    assert np.isfinite(list(shown["coordinates"][0].values())[2:]).all()
