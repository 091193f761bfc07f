"""Compiles everything, in the order in which it is wanted, and notes on the way what is kept.

First what all systems share, with the law of the system on screen: from then on it can be loaded (`cache.load`). Then
the laws of the other systems. What is kept from an earlier time is only read.
"""

from collections.abc import Iterator
from importlib import import_module

from hnn_engine.kernels import disk_cache
from hnn_engine.kernels.parts import remembered_types
from hnn_engine.systems import SYSTEMS

# How much of the compiler's time each module takes, in hundredths of all of it, where they are imported in this order.
PARTS = {
    "perceptron": 10,
    "activations": 4,
    "flow": 11,
    "fixed": 6,
    "adaptive": 13,
    "features": 2,
    "training": 20,
    "pixel_training": 18,
    "tangents": 12,
}
LAWS = round(100 * (1 - disk_cache.LOOPS_SHARE))  # of all systems together
assert sum(PARTS.values()) + LAWS == 100


def build(first: str = "") -> None:
    """Compile what is not kept, the law of the system `first` before those of the others."""
    with remembered_types():
        _build(first)


def _build(first: str) -> None:
    for share in _parts():
        disk_cache.write_note(False, (), share)
    kernels = import_module("hnn_engine.kernels.loops")
    ordered = sorted(SYSTEMS.values(), key=lambda system: system.name != first)
    compiled: list[str] = []
    for number, system in enumerate(ordered, 1):
        kernels.compile_law(system())
        compiled.append(disk_cache.stem_of(system))
        share = 1.0 if number == len(ordered) else (sum(PARTS.values()) + LAWS * number / len(ordered)) / 100
        disk_cache.write_note(True, compiled, share)


def _parts() -> Iterator[float]:
    """Import, and so compile, one module after the other; yield the share of everything that is compiled then."""
    done = 0
    for name, share in PARTS.items():
        import_module(f"hnn_engine.kernels.{name}")
        done += share
        yield done / 100
