"""Presets: experiments set up so that one fit shows one property, and what the window shows of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from hnn_engine.errors import UnknownNameError
from hnn_engine.experiment import Experiment, checked, default_settings, model_spec, new_experiment
from hnn_engine.rollouts.steering import Steering


@dataclass(frozen=True)
class Preset:
    """A property to be shown. `build` makes its experiment; `view` names what the window shows of it."""

    name: str
    title: str
    summary: str
    from_paper: bool
    build: Callable[[], Experiment]
    view: Mapping[str, object] = field(default_factory=dict)

    def experiment(self) -> Experiment:
        """Return the experiment, checked; raise the `HnnLabError` of a part that does not fit."""
        return checked(self.build())


def _on(system: str, *models: str) -> Experiment:
    return replace(new_experiment(system), models=tuple(model_spec(name) for name in models))


def _energy() -> Experiment:
    base = _on("pendulum", "baseline", "hnn")
    return replace(base, rollout=replace(base.rollout, steering=Steering("pump", 10.0, 0.1)), start=(1.4, 0.0))


def _return() -> Experiment:
    base = _on("two-body", "baseline", "hnn")
    return replace(base, rollout=replace(base.rollout, steering=Steering("reverse", 12.5)))


def _fields() -> Experiment:
    return _on("mass-spring", "hnn", "conservative-hnn", "mixed-hnn")


def _learned() -> Experiment:
    return _on("pendulum", "baseline", "hnn")


def _structure() -> Experiment:
    return _on("pendulum", "baseline", "second-order", "hnn", "separable-hnn")


def _friction() -> Experiment:
    base = _on("damped-pendulum", "hnn", "dissipative-hnn")
    network = {"width": 100}
    return replace(
        base,
        models=(model_spec("hnn", network), model_spec("dissipative-hnn", {**network, "friction": "momentum"})),
        recipe="adam",
        settings={**default_settings("adam", base.scene), "steps": 8000, "patience": 8000},
        # Down to where the pendulum nearly rests: with twice the friction it gets there in two thirds of the horizon.
        data={**base.data, "trajectories": 100, "points": 100, "horizon": 30.0, "noise": 0.0},
    )


def _chaos() -> Experiment:
    base = _on("double-pendulum", "baseline", "hnn")
    return replace(
        base,
        data={**base.data, "reach": 2.4, "trajectories": 400, "points": 50, "horizon": 3.0},
        start=(1.9, -1.0, 0.0, 0.0),
        # By adaptive steps: at these speeds the error of RK4 in steps of 0.04 s would be larger than the models' own.
        rollout=replace(base.rollout, integrator="dop853", horizon=30.0, dt=0.03),
    )


def _luck() -> Experiment:
    base = _on("mass-spring", "baseline", "hnn")
    return replace(base, data={**base.data, "trajectories": 8, "noise": 0.2})


def _pixels() -> Experiment:
    base = new_experiment("pixel-pendulum")
    return replace(base, recipe="adam", settings=default_settings("adam", base.scene))


def _pixel_energy() -> Experiment:
    base = _pixels()
    return replace(base, rollout=replace(base.rollout, steering=Steering("pump", 5.0, 0.1)), start=(0.3, 0.0))


PRESETS: dict[str, Preset] = {
    one.name: one
    for one in (
        Preset(
            "energy-added",
            "Energy added",
            "Halfway, energy is added to truth and the HNN: from then on they swing wider at constant energy.",
            True,
            _energy,
        ),
        Preset(
            "time-reversed",
            "Time reversed",
            "Time is reversed halfway: truth and both models return to their start.",
            True,
            _return,
        ),
        Preset(
            "fields",
            "Parts of a field",
            "Solenoidal J∇H, conservative ∇F, or both at once: only a field with curl can fit a spring.",
            True,
            _fields,
        ),
        Preset(
            "learned-energy",
            "Learned and true H",
            "Contours of both, their difference, and how each drifts along the same rollout.",
            True,
            _learned,
            {"field": "hnn", "compare": True, "energy_of": "both"},
        ),
        Preset(
            "pixels",
            "Learned from pixels",
            "Frames predicted by the baseline and the HNN, next to the true ones.",
            True,
            _pixels,
            {"field": "pixel-hnn", "latents": True},
        ),
        Preset(
            "pixel-energy",
            "Energy added in latent space",
            "Halfway, energy is added by the H of the latents: the predicted pendulum swings wider.",
            True,
            _pixel_energy,
            {"field": "pixel-hnn", "latents": True},
        ),
        Preset(
            "friction",
            "What if friction were halved?",
            "H and friction are learned separately: scale the friction afterwards and compare with truth.",
            False,
            _friction,
        ),
        Preset(
            "structure",
            "How much structure helps",
            "A plain network, one that knows dq/dt = p/m, a general H and H = T(p) + V(q) on the same data.",
            False,
            _structure,
        ),
        Preset(
            "chaos",
            "Chaos",
            "Two starts a hair apart, where their distance grows tenfold every three seconds: so do the errors of the "
            "models, however small they begin.",
            False,
            _chaos,
            {"twin": True},
        ),
        Preset(
            "luck",
            "Little data, much noise",
            "Eight short noisy trajectories, five seeds: the band shows the variation with the seed.",
            False,
            _luck,
            {"seeds": 5},
        ),
    )
}


def get_preset(name: str) -> Preset:
    """Return the preset `name`; raise `UnknownNameError`."""
    if name not in PRESETS:
        raise UnknownNameError("preset", name, PRESETS)
    return PRESETS[name]


__all__ = ["PRESETS", "Preset", "get_preset"]
