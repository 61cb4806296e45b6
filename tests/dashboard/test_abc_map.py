"""The map of parametrizations: what is drawn is what `lr.classify` says, and its point follows the mouse."""

import numpy as np
import pytest

import lazyrich as lr
from lazyrich_dashboard.views import AbcMapView
from lazyrich_dashboard.views.abc_plane import POINT, Choice, plane


@pytest.mark.parametrize("name", ["ntk", "mup", "mean_field", "standard"])
@pytest.mark.parametrize("depth", [1, 2, 4])
def test_exponents_of_a_point_have_the_verdict_of_those_it_stands_for(name, depth):
    given = lr.abc(name, depth)
    assert lr.classify(Choice.of(given).exponents(max(depth, 2))) == lr.classify(given)


def test_the_point_of_mup_has_the_published_exponents():
    assert Choice(1.0, 0.0, 1.0).exponents(3) == lr.abc("mup", 3)


def test_features_are_learned_on_the_edge_of_the_kernel_regime_alone():
    drawn = plane(1.0)
    edge = drawn["feature learning, r = 0"]
    assert (np.abs(edge["y0"]) < 1e-12).all() and edge["x0"].min() == 1.0
    inside = lr.classify(Choice(1.0, 0.05, 1.0).exponents(2)).regime
    below = lr.classify(Choice(1.0, -0.05, 1.0).exponents(2)).regime
    assert (inside, below) == ("kernel", "unstable")
    lowest = drawn["least that is stable"]
    np.testing.assert_allclose(lowest["y"], np.maximum(2 - 2 * lowest["x"], 0), atol=1e-12)


@pytest.mark.parametrize("readout", [0.0, 0.5, 1.0, 1.5, 2.0])
def test_the_name_of_a_region_stands_well_inside_of_it(readout):
    words = plane(readout)["words"]
    assert "unstable" in words["text"]
    for x, y, word in zip(words["x"], words["y"], words["text"], strict=True):
        # More than half of the widest of them, 0.13, and than their height, 0.07, on a page of 1280x720.
        for to_x, to_y in [(0.2, 0.0), (-0.2, 0.0), (0.0, 0.1), (0.0, -0.1)]:
            verdict = Choice(x + to_x, y + to_y, readout).verdict
            assert verdict.regime == word.removesuffix(" regime")
            # Not across a line of equal r.
            assert word != "kernel regime" or abs(verdict.r - Choice(x, y, readout).verdict.r) < 0.25


def test_a_point_let_go_anywhere_comes_to_lie_where_boundaries_can_be_hit():
    view = AbcMapView()
    view.live.source(POINT).data = {"x": [1.013], "y": [-0.018]}
    assert (view.output, view.hidden) == (1.0, 0.0)
    shown = view.live.source(POINT).data
    assert (shown["x"][0], shown["y"][0]) == (1.0, 0.0)
    assert view.choice.verdict.regime == "feature learning"
    view.live.source(POINT).data = {"x": [90.0], "y": [np.nan]}
    assert view.output == 1.0
