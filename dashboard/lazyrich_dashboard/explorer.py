"""Explorer: the laboratory of one session. It ties the controls to the work and the work to the views.

In a notebook cell `Explorer()` is the whole thing, compactly; `lazyrich_dashboard.app` lays the same parts out as a
page. What is on screen always belongs to the controls on screen: a change drops the finite networks of the experiment
before, theory is drawn as soon as it is there, and the networks of the new experiment start once the controls rest.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import panel as pn

import lazyrich as lr

from . import widgets
from .controls import build_controls
from .jobs import NETWORKS, THEORY, Latest, NotebookLoop, session_deliverer
from .results import Frame, Snapshot, Theory, frames, theory
from .state import PRESET, State
from .theme import tokens
from .views import FunctionSpaceView, KernelMovementView, SpectrumView, TrainingView

_REST_SECONDS = 0.4


def _load_notebook_extension() -> None:
    """Load Panel into a notebook that has not done so, from this machine: a notebook may be offline."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if getattr(shell, "kernel", None) is not None and not pn.extension._loaded:
        pn.extension(inline=True)


class Explorer(pn.viewable.Viewer):
    """An interactive laboratory for one experiment.

    Args:
        experiment: where to start.

    `explorer.experiment` is what is on screen; setting it moves the controls.
    """

    def __init__(self, experiment: lr.Experiment = PRESET, **params):
        """Build controls and views and start computing."""
        _load_notebook_extension()
        super().__init__(**params)
        self.state = State(experiment)
        self.spectrum, self.training = SpectrumView(), TrainingView()
        self.function_space, self.kernel_movement = FunctionSpaceView(), KernelMovementView()
        self.views = (self.spectrum, self.training, self.function_space, self.kernel_movement)
        self.controls = build_controls(self.state)
        self._theory: Theory | None = None
        self._frames: tuple[Frame, ...] = ()
        self._started = 0.0
        self._deliver = session_deliverer()
        self.theory_lane, self.networks_lane = Latest(THEORY, self._deliver), Latest(NETWORKS, self._deliver)
        self._build_layout()
        watched = [name for name in State.param if name not in ("name", "scrub", "complaint")]
        self.state.param.watch(lambda *_: self._change(), watched)
        self.state.param.watch(lambda _: self._draw(), "scrub")
        self.state.param.watch(lambda event: self.notify([event.new] if event.new else []), "complaint")
        # The first theory is drawn before anything is shown: the page opens on a picture, and a notebook's channel,
        # which may deliver out of order until it is open, has no new models to carry.
        try:
            self._show(theory(experiment))
        except ValueError as error:
            self._refuse(str(error))
        else:
            # Not before the page has loaded: what changes while it loads may never reach it.
            pn.state.onload(lambda: self._train(experiment))

    @property
    def experiment(self) -> lr.Experiment:
        """The experiment on screen; raises ValueError when the controls make none."""
        return self.state.experiment

    @experiment.setter
    def experiment(self, experiment: lr.Experiment) -> None:
        self.state.load(experiment)

    @property
    def snapshot(self) -> Snapshot | None:
        """What the views show; None before the first theory has come."""
        return None if self._theory is None else Snapshot(self._theory, self._frames, self.state.scrub)

    def recolour(self, dark: bool) -> None:
        """Draw all views in the colours of the dark or the light page."""
        for view in self.views:
            view.recolour(tokens(dark))

    def notify(self, sentences: list[str]) -> None:
        """Show sentences above the plots, or none; they go with the next change."""
        self.alert.param.update(object="\n\n".join(sentences), visible=bool(sentences))

    def close(self) -> None:
        """Stop all work of this session."""
        self.theory_lane.cancel()
        self.networks_lane.cancel()

    def wait(self, seconds: float = 60.0) -> bool:
        """Wait until theory and networks are on screen (for scripts and notebook cells); say whether they are."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if isinstance(self._deliver, NotebookLoop):
                self._deliver.run_waiting()  # a cell that waits keeps the kernel's loop from doing so
            if (
                self.theory_lane.idle.wait(0.05)
                and self.networks_lane.idle.wait(0.05)
                and self.theory_lane.idle.is_set()
            ):
                return True
        return False

    # Layout

    def _build_layout(self) -> None:
        self.alert = widgets.alert()
        self.time_label = widgets.text("", "lr-time", width=110, sizing_mode=None, margin=(10, 8))
        self.progress = widgets.progress()
        self.status = widgets.text("", "lr-status", width=230, sizing_mode=None, margin=(6, 8))
        self.cancel_button = widgets.button("Cancel", variant="outlined")
        self.cancel_button.on_click(lambda _: self._cancel())
        bar = pn.Row(
            self.time_label,
            widgets.time_slider(self.state.param.scrub),
            self.progress,
            self.status,
            self.cancel_button,
            sizing_mode="stretch_width",
            height=56,
        )
        self.grid = pn.Column(
            pn.Row(self.spectrum, self.training, sizing_mode="stretch_both"),
            pn.Row(self.function_space, self.kernel_movement, sizing_mode="stretch_both"),
            sizing_mode="stretch_both",
            min_height=560,
        )
        self.main = pn.Column(self.alert, self.grid, bar, sizing_mode="stretch_both")
        side = pn.Column(*self.controls, width=290, height=640, scroll=True)
        self._cell = pn.Row(side, self.main, height=660, sizing_mode="stretch_width")

    def __panel__(self) -> pn.viewable.Viewable:
        """Return controls and views side by side, for a notebook cell."""
        return self._cell

    @contextmanager
    def _one_update(self) -> Iterator[None]:
        """Send all changes made inside as one message; a notebook has to be told to send those of Bokeh models."""
        with pn.io.hold():
            yield
        pn.io.push_notebook(self.main)

    # What happens

    def _change(self) -> None:
        """Drop what belongs to the controls before, and compute the theory of those on screen."""
        self.networks_lane.cancel()
        try:
            experiment = self.state.experiment
        except ValueError as error:
            self.theory_lane.cancel()
            self._refuse(str(error))
            return

        def compute() -> Iterator[Theory]:
            yield theory(experiment)

        def show(results: list[Theory]) -> None:
            self._show(results[-1])
            self._train(experiment)

        self.theory_lane.submit(compute, show, lambda: None, self._refuse)

    def _refuse(self, sentence: str) -> None:
        """Put a sentence where the plots were; they come back with the next experiment that makes sense."""
        self.alert.param.update(object=sentence, visible=True)
        self.grid.visible = False
        self._report("", running=False)

    def _show(self, result: Theory) -> None:
        """Draw a theory; the networks on screen were another experiment's."""
        self._theory, self._frames = result, ()
        self.alert.visible = False
        self.grid.visible = True
        self._draw()

    def _train(self, experiment: lr.Experiment) -> None:
        """Start the networks of an experiment once the controls rest."""
        self._report("networks start when the controls rest", running=True)
        self._started = 0.0
        self.networks_lane.submit(
            lambda: iter(frames(experiment)),
            self._add_frames,
            self._finish,
            self._fail,
            delay=_REST_SECONDS,
        )

    def _draw(self) -> None:
        snapshot = self.snapshot
        if snapshot is None:
            return
        with self._one_update():
            self.time_label.object = f"t = {snapshot.time:.3g}"
            for view in self.views:
                view.update(snapshot)

    def _add_frames(self, new: list[Frame]) -> None:
        self._frames = (*self._frames, *new)
        frame = new[-1]
        now = time.monotonic()
        self._started = self._started or now
        done = frame.time / frame.end
        left = f", {(now - self._started) * (1 / done - 1):.0f} s left" if done > 0.02 else ""
        self._report(
            f"networks at t = {frame.time:.3g} of {frame.end:g}{left}",
            running=True,
            done=100 * done,
        )
        self._draw()

    def _finish(self) -> None:
        status = self._frames[-1].status if self._frames else "complete"
        count = self.state.seeds
        words = (
            f"{count} network{'s' * (count > 1)} of width {self.state.width} trained"
            if status == "complete"
            else status
        )
        self._report(words, running=False)

    def _fail(self, sentence: str) -> None:
        """The networks cannot be trained, but the theory stands: say why beside it."""
        self.alert.param.update(object=sentence, visible=True)
        self._report("no finite networks", running=False)

    def _cancel(self) -> None:
        self.networks_lane.cancel()
        self._report("networks cancelled; move a control to train again", running=False)

    def _report(self, words: str, *, running: bool, done: float = 0.0) -> None:
        self.status.object = words
        self.progress.value = int(min(done, 100)) if running else 0
        self.progress.visible = running
        self.cancel_button.disabled = not running
