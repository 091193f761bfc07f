"""Train: which models, by which recipe; one big button; progress, time left, and what has changed since the fit."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.lab import Lab
from app.model.document import State, View
from app.style.icons import icon
from app.style.theme import theme_signals
from app.widgets.model_list import ModelList
from app.widgets.parameter_form import ParameterForm
from app.widgets.section import Section
from app.widgets.text import PlainLabel, quiet_label, set_tip
from hnn_engine.experiment import (
    ROLLOUT_PARAMETERS,
    Experiment,
    ModelSpec,
    RecordingSource,
    automatic_size,
    default_settings,
    model_spec,
    opening_pair,
    resolved,
)
from hnn_engine.fitting import RECIPES, get_recipe, recipe_note
from hnn_engine.fitting.network_sizes import SIZE, is_automatic, with_size
from hnn_engine.integrators import INTEGRATORS, why_not
from hnn_engine.kernels import cache as kernel_cache
from hnn_engine.models import MODELS
from hnn_engine.models.base import NETWORK_PARAMETERS
from hnn_engine.number_format import grouped, seconds_left
from hnn_engine.parameters import AUTO, Parameter, Value

METHODS = tuple(INTEGRATORS)


def _method(name: str, title: str, default: str, text: str) -> Parameter:
    titles = tuple(info.title for info in INTEGRATORS.values())
    return Parameter(name, title, default, choices=METHODS, choice_titles=titles, help=text)


INTEGRATOR_PARAMETERS = (
    _method("integrator", "Models by", "rk4", "Integrator of the models' rollouts."),
    _method(
        "truth",
        "Truth by",
        "dop853",
        "Integrator of the truth. Dormand–Prince, at a tolerance of 10⁻¹³, gives way to a closed form if there is one.",
    ),
)


BEGIN_TIP = """Initial weights of the next fit: random, or those of the shown run of each model
Any recipe can continue any other. The network must be the same; a closed form keeps its hidden layers."""
LIVE_TIP = """Refit after every change of the data, the system or the model (Ctrl+L)
Change the noise, the number of trajectories, a constant, or the data in the phase portrait, and the learned field,
H and rollouts are updated. Uses a closed form, which takes milliseconds. Train keeps the result as a run."""


AUTOMATIC_TIP = """Width and depth that are best for the recipe and the system, by measurement (units × hidden layers)
Move a slider, or type a number, to set them; check this again to have them chosen."""
STOP_TIP = "Stop and keep the run up to this step."
STOP_EVALUATION_TIP = "Stop evaluating. Runs without figures stay in the table, whose menu evaluates them later."


class TrainingPanel(QWidget):
    """Models, recipe, and the button. `told()` whenever the button or the progress may say something else."""

    told = Signal()

    def __init__(self, lab: Lab, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lab = lab
        self._gesture: object = None
        self._settings_of: tuple[str, ...] = ()
        self._synced: object = None  # what `_shown_of` gives for what is shown
        self.settings: ParameterForm | None = None
        self.section = Section("Models")
        self.models = ModelList(tuple(MODELS.values()))
        self.models.chosen.connect(self._on_models)
        self.section.head.insertWidget(2, self.models.opener)
        self.section.add(self.models)
        self._remembered: dict[str, Mapping[str, Value]] = {}  # settings of models that were chosen before
        self._add_recipe()
        self.network = ParameterForm(NETWORK_PARAMETERS)
        self.network.edited.connect(self._on_network)
        self.automatic = QCheckBox()
        self.automatic.setAccessibleName("Automatic size of the networks")
        set_tip(self.automatic, AUTOMATIC_TIP)
        self.automatic.clicked.connect(self._on_automatic)
        self.own = {name: self._own_form(name) for name in MODELS if own_parameters(name)}
        self.rollout = ParameterForm((*INTEGRATOR_PARAMETERS, *ROLLOUT_PARAMETERS))
        self.rollout.edited.connect(self._on_rollout)
        self.section.add_more(_subtitle("Network (next fit)"))
        self.section.add_more(self.automatic)
        self.section.add_more(self.network)
        for form in self.own.values():
            self.section.add_more(form)
        self.section.add_more(_subtitle("Recipe (next fit)"))
        self._settings_place = QVBoxLayout()
        self.section.more.addLayout(self._settings_place)
        self.section.add_more(_subtitle("Rollouts (at once)"))
        self.section.add_more(self.rollout)
        self._add_buttons()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.section)
        lab.document.changed.connect(self._on_changed)
        lab.training.changed.connect(self._on_job)
        lab.evaluation.changed.connect(self._on_job)
        lab.document.view_changed.connect(self._on_view)
        lab.frame_clock.text.connect(self._on_text)
        theme_signals.changed.connect(self._on_theme)
        self.sync(lab.experiment)
        self._on_job()

    # Building ---------------------------------------------------------------------------------------------------------

    @property
    def checks(self) -> dict[str, QCheckBox]:
        """The models' check boxes by name."""
        return self.models.checks

    def _own_form(self, model: str) -> ParameterForm:
        """Return a form of what is a setting of `model` alone."""
        form = ParameterForm(own_parameters(model))
        form.edited.connect(lambda name, value, final: self._on_own(model, name, value, final))
        return form

    def _add_recipe(self) -> None:
        self.recipe = QComboBox()
        self.recipe.setAccessibleName("Recipe")
        for recipe in RECIPES.values():
            self.recipe.addItem(recipe.title, recipe.name)
        self.recipe.activated.connect(self._on_recipe)
        row = QHBoxLayout()
        label = PlainLabel("Recipe")
        label.setBuddy(self.recipe)
        row.addWidget(label)
        row.addWidget(self.recipe, 1)
        self.section.body.addLayout(row)
        self._add_beginning()
        self.note = quiet_label()
        self.section.add(self.note)

    def _add_beginning(self) -> None:
        self.beginning = QComboBox()
        self.beginning.addItem("Random", False)
        self.beginning.addItem("Shown runs", True)
        self.beginning.setAccessibleName("Initial weights")
        set_tip(self.beginning, BEGIN_TIP)
        self.beginning.activated.connect(
            lambda: self.lab.document.set_view(warm_start=bool(self.beginning.currentData())),
        )
        self.begin_row = QWidget()
        row = QHBoxLayout(self.begin_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(PlainLabel("Initial weights"))
        row.addWidget(self.beginning, 1)
        self.section.add(self.begin_row)

    def _show_beginning(self) -> None:
        """Offer to begin at runs where there are some, and no live fit, which does not use them."""
        view = self.lab.document.view
        self.begin_row.setVisible((bool(self.lab.training.warm_starts()) or view.warm_start) and not view.live_fit)
        self.beginning.setCurrentIndex(int(view.warm_start))

    def _add_buttons(self) -> None:
        self.button = QPushButton("Train")
        self.button.setProperty("primary", True)
        self.button.clicked.connect(self.press)
        self.stop_button = QPushButton("Stop")
        self.stop_button.setIcon(icon("stop"))
        set_tip(self.stop_button, STOP_TIP)
        self.stop_button.clicked.connect(self.lab.stop)
        self.live = QToolButton()
        self.live.setText("Live fit")
        self.live.setCheckable(True)
        set_tip(self.live, LIVE_TIP)
        self.live.setAccessibleName("Live fit")
        self.live.clicked.connect(self.lab.live_fit.set_on)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of the training")
        self.progress = quiet_label()
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self.button, 1)
        row.addWidget(self.stop_button)
        row.addWidget(self.live)
        foot = QVBoxLayout()
        foot.setSpacing(6)
        foot.addLayout(row)
        foot.addWidget(self.bar)
        foot.addWidget(self.progress)
        self.foot = QWidget()
        self.foot.setLayout(foot)
        foot.setContentsMargins(10, 8, 10, 6)

    def _on_theme(self) -> None:
        self.update()

    # Showing ----------------------------------------------------------------------------------------------------------

    def sync(self, experiment: Experiment) -> None:
        """Show the experiment's models, recipe and rollouts."""
        self._synced = _shown_of(experiment)
        self._remembered |= {m.name: m.settings for m in experiment.models}
        self.models.show_chosen({m.name for m in experiment.models})
        self.models.lead(opening_pair(experiment.scene))
        self.models.refuse({name: model.why_not(experiment.scene) for name, model in MODELS.items()})
        self._show_network(experiment)
        for name, form in self.own.items():
            form.set_values(self._remembered.get(name, {}))
            form.setVisible(any(m.name == name for m in experiment.models))
        self._refuse_recipes(experiment)
        self.recipe.setCurrentIndex(self.recipe.findData(experiment.recipe))
        self._show_settings(experiment)
        note = recipe_note(experiment.recipe, experiment.source_name)
        self.note.setText(note)
        self.note.setVisible(bool(note))
        self._show_rollout(experiment)
        self._show_staleness()

    def _show_network(self, experiment: Experiment) -> None:
        """Show the size of the networks, and what an automatic one is."""
        size = automatic_size(experiment, self.lab.document.view.live_fit)
        settings = experiment.models[0].settings
        self.automatic.setText(f"Automatic ({size})")
        self.automatic.setChecked(is_automatic(settings))
        self.network.set_values(with_size(settings, size))

    def _refuse_recipes(self, experiment: Experiment) -> None:
        """Grey out every recipe that is not for a chosen model; the reason stands in its tool tip."""
        entries = self.recipe.model()
        assert isinstance(entries, QStandardItemModel)
        timed = experiment.scene.timed
        for i, recipe in enumerate(RECIPES.values()):
            reason = next((why for why in (recipe.why_not(m.name, timed) for m in experiment.models) if why), "")
            entries.item(i).setEnabled(not reason)
            set_tip(entries.item(i), reason or recipe.summary)

    def _show_settings(self, experiment: Experiment) -> None:
        if self.settings is None or self._settings_of != (experiment.recipe,):
            if self.settings is not None:
                self._settings_place.removeWidget(self.settings)
                self.settings.deleteLater()
            self._settings_of = (experiment.recipe,)
            self.settings = ParameterForm(get_recipe(experiment.recipe).parameters)
            self.settings.edited.connect(self._on_settings)
            self._settings_place.addWidget(self.settings)
        self.settings.set_values(experiment.settings)
        if "regularisation" in experiment.settings:
            by_data = experiment.settings["regularisation"] == "data"
            self.settings.set_enabled("ridge", not by_data, "The ridge is chosen from the data." if by_data else "")

    def _show_rollout(self, experiment: Experiment) -> None:
        spec = experiment.rollout
        self.rollout.set_values(
            {"integrator": spec.integrator, "truth": spec.truth, "dt": spec.dt, "horizon": spec.horizon}
        )
        recorded = isinstance(experiment.source, RecordingSource)
        self.rollout.set_enabled("truth", not recorded, "The measured trajectory is used as truth." if recorded else "")
        for name in METHODS:
            reasons = [_refusal(name, spec) for spec in experiment.models]
            reason = next((r for r in reasons if r), "")
            self.rollout.set_choice_enabled("integrator", name, not reason, reason)
            if experiment.system is not None:
                reason = why_not(name, experiment.system)
                self.rollout.set_choice_enabled("truth", name, not reason, reason)

    def _on_view(self, old: View, new: View) -> None:
        if old.live_fit != new.live_fit:
            self._show_network(self.lab.experiment)
        self._on_job()

    def _on_changed(self, old: State, new: State) -> None:
        a, b = old.experiment, new.experiment
        other = replace(a, start=b.start, data=b.data, edits=b.edits, seed=b.seed) != b
        if other and _shown_of(b) != self._synced:
            self.sync(b)
        elif other or replace(a, start=b.start) != b or old.runs is not new.runs or old.shown is not new.shown:
            self._show_staleness()

    def _show_staleness(self) -> None:
        """Say which settings a shown fit does not know yet."""
        self._show_beginning()
        if self.lab.training.worker.active or self.lab.evaluation.busy:
            return
        if self.lab.training.worker.stopping:
            self.progress.setText("Stopping: the run is kept after the present step.")
            return
        if self.lab.document.view.live_fit:
            self.progress.setText(f"{self.lab.live_fit.words()}. Train to keep it.")
            return
        changed: set[str] = set()
        runs, now = self.lab.document.state.applicable(), resolved(self.lab.experiment)
        leads = {shown.key for shown in self.lab.seed_ensembles.grouped(runs) if not shown.member}
        for run in runs:
            if run.id in leads:  # its repetitions differ from it in their seeds, as they should
                changed |= changes_since(run.experiment, now)
        if changed:
            self.progress.setText(f"Changed since the fit: {', '.join(sorted(changed))}. Train to use it.")
        elif not runs:
            self.progress.setText("Ready to train.")
        else:
            self.progress.setText("Fitted.")

    # The job ----------------------------------------------------------------------------------------------------------

    def press(self) -> None:
        """Train, pause or resume."""
        if not self.lab.training.worker.active:
            self.lab.training.start()
        else:
            self.lab.training.pause()

    def _on_job(self) -> None:
        worker, seeds = self.lab.training.worker, self.lab.document.view.seeds
        train = f"Train {seeds} seeds" if seeds > 1 else "Train"
        self.button.setText(train if not worker.active else "Resume" if worker.paused else "Pause")
        self.button.setIcon(icon(("play" if worker.paused else "pause") if worker.active else "train", "on_accent"))
        self.live.setChecked(self.lab.document.view.live_fit)
        busy = worker.active or self.lab.evaluation.busy
        self.stop_button.setVisible(busy)
        set_tip(self.stop_button, STOP_TIP if worker.active else STOP_EVALUATION_TIP)
        self.bar.setVisible(busy)
        self._on_text()

    def _on_text(self) -> None:
        """Say how far the fit is, or the evaluation of what fits have left, or what has changed since."""
        worker, evaluation = self.lab.training.worker, self.lab.evaluation
        if worker.active and self.lab.training.series:
            self._show_steps()
        elif worker.active:
            self._show_preparing()
        elif evaluation.busy:
            self.bar.setRange(0, 1000)
            self.bar.setValue(round(1000 * evaluation.share))
            self.progress.setText(f"{evaluation.words()} on 15 new starts")
        else:
            self._show_staleness()
        self.told.emit()

    def _show_steps(self) -> None:
        series = list(self.lab.training.series.values())
        done, planned = sum(s.step for s in series), sum(s.info.steps for s in series)
        self.bar.setRange(0, planned)
        self.bar.setValue(done)
        rate = self.lab.training.rate(time.monotonic())
        step = max(s.step for s in series)
        elsewhere = self.lab.training.experiment if not self.lab.training.is_here() else None
        text = f"{elsewhere.source_title}: s" if elsewhere is not None else "S"
        text += f"tep {grouped(step)} of {grouped(series[0].info.steps)}"
        if self.lab.training.worker.paused:
            text += " · paused"
        elif rate > 0:
            text += f" · {rate:.0f} steps/s · {seconds_left((planned - done) / rate)}"
        if self.lab.evaluation.busy:
            text += f" · {self.lab.evaluation.words().lower()}"
        self.progress.setText(text)

    def _show_preparing(self) -> None:
        """Say what the fit waits for: its data or, once on a machine, the compiler."""
        compiling = self.lab.training.worker.compiling
        share = kernel_cache.progress() if compiling else self.lab.training.worker.data_share
        self.bar.setRange(0, 100)
        self.bar.setValue(round(100 * share))
        if compiling:
            left = seconds_left(kernel_cache.seconds_left())
            self.progress.setText("Compiling (once per computer)" + (f" · {left}" if left else ""))
        else:
            self.progress.setText(f"Generating the data: {100 * share:.0f} %")

    # Edits ------------------------------------------------------------------------------------------------------------

    def _token(self, final: bool) -> object:
        token = self._gesture = self._gesture or object()
        if final:
            self._gesture = None
        return token

    def _on_models(self, names: tuple[str, ...]) -> None:
        if names:
            if not self.lab.edit("Choose models", models=tuple(self._spec(name) for name in names)):
                self.sync(self.lab.experiment)
        else:
            self.lab.noticed.emit("At least one model must be chosen to train.", False)
            self.sync(self.lab.experiment)

    def _spec(self, name: str) -> ModelSpec:
        """The model as it is chosen now, or as it was last, with the networks that the others have."""
        now = self.lab.experiment.models
        network = {p.name: now[0].settings[p.name] for p in NETWORK_PARAMETERS}
        there = next((m for m in now if m.name == name), None)
        return there or model_spec(name, {**self._remembered.get(name, {}), **network})

    def _on_own(self, model: str, name: str, value: object, final: bool) -> None:
        models = tuple(_with_setting(m, name, value) if m.name == model else m for m in self.lab.experiment.models)
        self.lab.edit(f"Change {name}", self._token(final), models=models)

    def _on_recipe(self) -> None:
        name, experiment = str(self.recipe.currentData()), self.lab.experiment
        settings = default_settings(name, experiment.scene)
        ends = self.lab.document.view.live_fit and not get_recipe(name).follows
        models = self.lab.live_fit.put_back(experiment).models if ends else experiment.models
        self.lab.edit("Choose the recipe", recipe=name, settings=settings, models=models)

    def _on_network(self, name: str, value: object, final: bool) -> None:
        """Set the size, both numbers of which are then as they are shown; or another setting of the networks."""
        shown = {key: self.network.values()[key] for key in SIZE} if name in SIZE else {}
        self._edit_network(f"Change {name}", {**shown, name: value}, final)

    def _on_automatic(self, on: bool) -> None:
        values = self.network.values()
        self._edit_network(
            "Automatic network" if on else "Set the network", {key: AUTO if on else values[key] for key in SIZE}, True
        )

    def _edit_network(self, label: str, settings: Mapping[str, object], final: bool) -> None:
        models = tuple(model_spec(m.name, {**m.settings, **settings}) for m in self.lab.experiment.models)
        self.lab.edit(label, self._token(final), models=models)

    def _on_settings(self, name: str, value: object, final: bool) -> None:
        self.lab.edit(f"Change {name}", self._token(final), settings={**self.lab.experiment.settings, name: value})

    def _on_rollout(self, name: str, value: object, final: bool) -> None:
        spec = self.lab.experiment.rollout
        number = name in ("dt", "horizon")
        changed: dict[str, Any] = {name: float(str(value)) if number else str(value)}
        new = replace(spec, **changed)
        if not self.lab.edit(f"Change {name}", self._token(final), rollout=new):
            self._show_rollout(self.lab.experiment)


def _shown_of(experiment: Experiment) -> object:
    """What the panel shows of an experiment: while that stays, as it does from key to key of a formula, nothing is set
    anew."""
    scene, system = experiment.scene, experiment.system
    refused = tuple(model.why_not(scene) for model in MODELS.values())
    truth = system.why_not_separable if system is not None else type(experiment.source)
    source = scene.timed, scene.dof, truth, recipe_note(experiment.recipe, experiment.source_name)
    return experiment.models, experiment.recipe, experiment.settings, experiment.rollout, refused, source


def own_parameters(model: str) -> tuple[Parameter, ...]:
    """Return the settings of `model` other than those of its networks."""
    return tuple(p for p in MODELS[model].parameters if p not in NETWORK_PARAMETERS)


def _subtitle(text: str) -> PlainLabel:
    label = PlainLabel(text)
    label.setProperty("muted", True)
    return label


def _with_setting(spec: ModelSpec, name: str, value: object) -> ModelSpec:
    return model_spec(spec.name, {**spec.settings, name: value})


def _refusal(integrator: str, spec: ModelSpec) -> str:
    """Why a model's rollouts cannot use an integrator, or an empty string."""
    if not INTEGRATORS[integrator].needs_separable or not MODELS[spec.name].why_not_separable:
        return ""
    return f"{INTEGRATORS[integrator].title} needs H = T(p) + V(q), and {MODELS[spec.name].why_not_separable}"


def changes_since(fitted: Experiment, now: Experiment) -> set[str]:
    """Return the names of what differs between the experiment a run was fitted by and the one on screen."""
    changed = _differing(fitted.data, now.data) | _differing(fitted.settings, now.settings)
    if fitted.seed != now.seed:
        changed.add("seed")
    if fitted.edits != now.edits:
        changed.add("edited data")
    if fitted.recipe != now.recipe:
        changed = (changed - set(fitted.settings) - set(now.settings)) | {"recipe"}
    if fitted.system is not None and now.system is not None:
        changed |= _differing(fitted.system.values, now.system.values)
    if isinstance(fitted.source, RecordingSource) and isinstance(now.source, RecordingSource):
        if fitted.source.method != now.source.method:
            changed.add("derivative")
        elif fitted.source.window != now.source.window:
            changed.add("window")
    spec = next((m for m in now.models if m.name == fitted.models[0].name), None)
    return changed | (_differing(fitted.models[0].settings, spec.settings) if spec is not None else set())


def _differing(a: Mapping[str, Value], b: Mapping[str, Value]) -> set[str]:
    return {name for name in {*a, *b} if a.get(name) != b.get(name)}
