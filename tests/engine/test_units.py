"""Units: what measuring programs write is understood, at its right size; what nobody knows is not."""

import math

import pytest
import scipy.constants as known
from hypothesis import given
from hypothesis import strategies as st

from hnn_engine.recordings.units import parse_unit, units_of

SIZES = {
    "min": known.minute, "h": known.hour, "ms": known.milli, "us": known.micro, "ns": known.nano, "deg": known.degree,
    "arcmin": known.arcmin, "arcsec": known.arcsec, "in": known.inch, "ft": known.foot, "yd": known.yard,
    "km/h": known.kmh, "mph": known.mph, "cm": known.centi, "um": known.micron, "gon": math.pi / 200,
    "rpm": math.pi / 30,
}  # fmt: skip


@pytest.mark.parametrize("name", SIZES)
def test_sizes_are_those_of_scipy(name: str) -> None:
    unit = parse_unit(name)
    assert unit is not None
    assert unit.factor == pytest.approx(SIZES[name], rel=1e-12)


@pytest.mark.parametrize(
    ("texts", "name", "quantity"),
    [
        ("deg degree degrees ° [°] (deg) Grad deg. DEG grados gradi", "deg", "angle"),
        ("deg/s °/s dps deg/sec degrees/s deg·s⁻¹ (deg/s) °·s^-1 deg*s^-1", "deg/s", "angular velocity"),
        ("rad/s rad/sec rad·s⁻¹ rads/s rad*s-1 rad/second", "rad/s", "angular velocity"),
        ("m/s m·s⁻¹ mps m/sec m*s^-1", "m/s", "velocity"),
        ("m/s^2 m/s² m/s/s m·s⁻² m/s2 m/s**2 m/s^{2}", "m/s²", "acceleration"),
        ("rad/s² rad/s^2 rad/s/s", "rad/s²", "angular acceleration"),
        ("us µs μs usec microseconds micros", "us", "time"),
        ("ms msec millis milliseconds", "ms", "time"),
        ("px pixel pixels", "px", "pixels"),
        ("in inch inches", "in", "length"),
    ],
)
def test_every_way_of_writing_is_one_unit(texts: str, name: str, quantity: str) -> None:
    for text in texts.split():
        unit = parse_unit(text)
        assert unit is not None, text
        if "²" in name:
            assert unit.quantity == quantity, text
        else:
            assert (unit.name.replace("·s⁻¹", "/s"), unit.quantity) == (name, quantity), text


@pytest.mark.parametrize("text", ["N", "N·m", "kg", "°C", "µT", "hPa", "V", "%", "g", "kg·m/s", "N/m", "lux"])
def test_units_of_no_coordinate_are_known_as_such(text: str) -> None:
    unit = parse_unit(text)
    assert unit is not None
    assert unit.quantity == "other"


@pytest.mark.parametrize(
    "text", ["", "furlong", "grad", "a.u.", "deg deg/", "s//s", "1", "x", "m^", "jiffies", "°X", "//"]
)
def test_what_nobody_knows_is_not_understood(text: str) -> None:
    assert parse_unit(text) is None


@pytest.mark.parametrize("quantity", ["time", "angle", "length", "angular velocity", "velocity"])
def test_every_unit_that_is_listed_is_read_back(quantity: str) -> None:
    for name in units_of(quantity):
        unit = parse_unit(name)
        assert unit is not None
        assert unit.quantity == quantity
        again = parse_unit(unit.name)
        assert again is not None
        assert again.factor == pytest.approx(unit.factor)


@given(st.text(max_size=45))
def test_any_text_is_a_unit_or_none(text: str) -> None:
    unit = parse_unit(text)
    assert unit is None or unit.factor > 0
