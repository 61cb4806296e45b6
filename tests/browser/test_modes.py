"""A mode is pointed at in the spectrum, and its eigenfunction and its loss are there without the server."""

import numpy as np
import pytest

from lazyrich_dashboard.link import decode
from lazyrich_dashboard.results import theory
from lazyrich_dashboard.timeline import STEPS, shares
from lazyrich_dashboard.views.function_on_plane import on_plane
from tests.browser.reading import columns, wait_until

pytestmark = pytest.mark.browser

CIRCLE = "?data=circle&n_train=32&width=32&time=2&seeds=2"
SPIRALS = "?data=spirals&n_train=32&width=32&time=2&seeds=1"
_MODELS = "Array.from(Bokeh.documents[0]._all_models.values())"
_PROBE = f"{_MODELS}.find(model => model.class_name == 'ModeProbe').data"
_PLAYER = f"{_MODELS}.find(model => model.class_name == 'Player').data"
# Where a mode stands in the spectrum, in pixels of the page.
_PLACE = f"""mode => {{
  const figure = {_MODELS}.find(m => m.type == 'Figure' && m.name == 'Spectrum');
  const {{x, y}} = figure.renderers.find(r => r.name == 'theory').data_source.data;
  const view = Bokeh.index.find_one(figure), box = view.canvas_view.el.getBoundingClientRect();
  return [box.left + view.frame.x_scale.compute(x[mode - 1]), box.top + view.frame.y_scale.compute(y[mode - 1])];
}}"""
_IMAGES = f"""part => {_MODELS}.filter(m => m.type == 'Figure' && m.name == 'Function').flatMap(m => m.renderers)
  .filter(r => r.name == part).map(r => Array.from(r.data_source.data.image[0] ?? [])).at(-1)"""


def marked(page):
    return columns(page, "Spectrum", "mode")["x"].tolist()


def words(share):
    percent = 100 * share
    return "under 0.1 %" if percent < 0.1 else f"{percent:.2g} %" if percent < 9.95 else f"{percent:.0f} %"


def test_hovering_a_mode_marks_it_everywhere_without_the_server_and_a_click_or_a_number_chooses_it(visit):
    page, known = visit(CIRCLE), theory(decode(CIRCLE)[0])
    page.wait_for_function(f"() => {_PROBE}.tracks != null")
    page.get_by_text("trained", exact=False).first.wait_for()
    page.locator("body").press("Home")
    page.get_by_text(f"At t = {known.times[0]:.3g} theory says", exact=False).wait_for()
    page.evaluate("""() => {
      window.sent = 0;
      const send = WebSocket.prototype.send;
      WebSocket.prototype.send = function (...parts) { window.sent += 1; return send.apply(this, parts); };
    }""")
    page.mouse.move(*page.evaluate(_PLACE, 3))
    wait_until(lambda: marked(page) == [3])
    x = np.arctan2(known.data.x_test[:, 1], known.data.x_test[:, 0])
    size = np.sqrt((known.data.y_train**2).mean())
    eigenfunction = columns(page, "Function", "mode")
    np.testing.assert_allclose(eigenfunction["x"], np.sort(x), rtol=1e-6)
    np.testing.assert_allclose(eigenfunction["y"], size * known.modes.on_test[np.argsort(x), 2], rtol=1e-4, atol=1e-4)
    loss = columns(page, "Training", "mode")
    np.testing.assert_allclose(loss["y"][0], known.flow.train_loss_by_mode(known.times[0])[2], rtol=1e-5)
    page.get_by_text(f"{words(shares(known)[0, 2])} of the train loss", exact=True).wait_for()
    for _ in range(30):
        page.keyboard.press("ArrowRight")
    page.get_by_text(f"{words(shares(known)[30, 2])} of the train loss", exact=True).wait_for()
    assert page.evaluate("window.sent") <= 1  # the player's, once it rests
    page.mouse.move(640, 700)
    wait_until(lambda: marked(page) == [])

    page.mouse.click(*page.evaluate(_PLACE, 2))
    page.get_by_text("Mode 2 has the eigenvalue", exact=False).wait_for()
    page.mouse.move(640, 700)
    assert marked(page) == [2]
    field = page.get_by_label("mode", exact=True)
    field.fill("5")
    page.get_by_text("Mode 5 has the eigenvalue", exact=False).wait_for()
    page.wait_for_function("() => location.search.includes('mode=5')")
    field.press("Escape")
    page.get_by_text("Eigenvalues fall as", exact=False).or_(page.get_by_text("No exponent", exact=False)).wait_for()
    assert marked(page) == []


def test_a_function_of_two_inputs_is_a_picture_that_plays_and_shows_modes(visit):
    page, experiment = visit(SPIRALS), decode(SPIRALS)[0]
    known, plane = theory(experiment), on_plane(experiment)
    page.wait_for_function(f"() => {_PROBE}.tracks != null && {_PLAYER}.tracks != null")
    for k, key in ((STEPS, "End"), (0, "Home")):
        page.locator("body").press(key)
        t = known.times[0] * (known.times[-1] / known.times[0]) ** (k / STEPS)
        np.testing.assert_allclose(page.evaluate(_IMAGES, "f"), plane.flow.test(t)[:, 0], rtol=1e-4, atol=1e-5)
    page.mouse.move(*page.evaluate(_PLACE, 2))
    wait_until(lambda: marked(page) == [2])
    np.testing.assert_allclose(page.evaluate(_IMAGES, "mode"), plane.modes.on_test[:, 1], rtol=1e-3, atol=1e-4)
