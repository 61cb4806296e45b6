"""Controls: the side bar, grouped as one thinks: data, network, training."""

import panel as pn

from . import widgets
from .data_controls import DataControls
from .state import State

_WIDTHS = [16, 32, 64, 128, 256, 512, 1024]


def build_controls(state: State) -> list[pn.viewable.Viewable]:
    """Return the groups of controls of a state."""
    p = state.param
    return [
        _group(
            "Data",
            "data_controls",
            widgets.select(p.data, "Data set"),
            DataControls(state),
        ),
        _group(
            "Network",
            "network_controls",
            widgets.slider(p.depth),
            widgets.steps(p.width, _WIDTHS),
            pn.Row(  # close together, so that a projector's larger labels fit
                widgets.select(p.activation, "Activation", margin=(1, 3, 1, 10)),
                widgets.select(p.parametrization, "Parametrization", margin=(1, 10, 1, 3)),
                sizing_mode="stretch_width",
            ),
            widgets.steps(p.richness, widgets.log_values(-2, 1)),
            widgets.slider(p.weight_var),
            widgets.slider(p.bias_var),
        ),
        _group(
            "Training of finite networks",
            "training_controls",
            widgets.steps(p.time, widgets.log_values(0, 3)),
            pn.Row(
                widgets.field(p.learning_rate, description=p.learning_rate.doc),
                widgets.field(p.seeds),
                widgets.field(p.seed),
                sizing_mode="stretch_width",
            ),
            widgets.switch(p.centred),
        ),
    ]


def _group(title: str, name: str, *items: pn.viewable.Viewable) -> pn.Column:
    heading = widgets.text(f"<h2>{title}</h2>", "lr-group", margin=(6, 10, 4, 10))
    return pn.Column(heading, *items, sizing_mode="stretch_width", margin=0, **widgets.named(name))
