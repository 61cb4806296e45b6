"""Data of a visitor's own, as a person brings them: a file that is chosen, and points that are moved with the mouse."""

import numpy as np
import pytest

import lazyrich as lr
from lazyrich.data import hold
from tests.browser.reading import choose, columns, wait_until

pytestmark = pytest.mark.browser

CSV = "a,b,label\n" + "\n".join(f"{i % 7},{i * i % 11},{i % 2}" for i in range(48))
_PLACE = """([title, part, index]) => {
  const figure = Array.from(Bokeh.documents[0]._all_models.values())
    .find(m => m.type == 'Figure' && m.name == title && m.renderers.some(r => r.name == part));
  const {x, y} = figure.renderers.find(r => r.name == part).data_source.data;
  const view = Bokeh.index.find_one(figure), box = view.canvas_view.el.getBoundingClientRect();
  return [box.left + view.frame.x_scale.compute(x[index]), box.top + view.frame.y_scale.compute(y[index])];
}"""


def upload(page, name, contents):
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": "text/csv", "buffer": contents})


def of_the_file():
    """The eigenvalues of the core on two thirds of the 48 rows."""
    data = lr.load_data("file", file=hold("mine.csv", CSV.encode()), n_train=32, n_test=16)
    return lr.eigensystem(lr.ntk(lr.Network(depth=2), data.x_train))


def shows(page, spectrum):
    got, kept = columns(page, "Spectrum", "theory")["y"], spectrum.values[spectrum.values > spectrum.resolution]
    return len(got) == len(kept) and np.allclose(32 * got, kept, rtol=1e-6, atol=spectrum.resolution)


def test_a_file_is_trained_on_and_rubbish_gets_a_sentence(visit):
    page = visit("?n_train=32&width=32&time=2&seeds=2")
    choose(page, 0, "file")
    page.get_by_text("The data of a file need one; got none.").wait_for()
    upload(page, "mine.csv", CSV.encode())
    page.get_by_text("How fast do the kernel's eigenvalues decay?").wait_for()
    spectrum = of_the_file()
    wait_until(lambda: shows(page, spectrum))
    upload(page, "bad.csv", b"a,b\n1,<img src=x onerror='window.run=1'>\n")
    page.get_by_text("Every row of a CSV file must be numbers, equally many; got this").wait_for()
    assert page.evaluate("window.run") is None
    assert shows(page, spectrum)
    upload(page, "bad.npz", b"PK rubbish")
    page.get_by_text("An NPZ file must be what numpy.savez writes").wait_for()
    choose(page, 0, "circle")
    wait_until(lambda: columns(page, "Function", "theory"))


def test_a_point_that_is_dragged_moves_the_curve_before_the_button_is_released_and_a_click_adds_one(visit):
    page = visit("?data=points&bias_var=0.1&width=32&time=100&seeds=1")
    before = wait_until(lambda: columns(page, "Function", "theory"))["y"]
    x, y = page.evaluate(_PLACE, ["Function", "training points", 3])
    page.mouse.move(x, y)
    page.mouse.down()
    page.wait_for_timeout(500)  # who talks while pointing rests a moment
    page.mouse.move(x + 3, y - 40, steps=8)
    wait_until(
        lambda: np.abs(columns(page, "Function", "theory")["y"] - before).max() > 0.1
    )  # the button is still down
    page.mouse.up()
    moved = columns(page, "Function", "training points")
    assert moved["y"][3] > -0.6 and len(moved["x"]) == 8
    typed = page.get_by_label("Points x, y")
    wait_until(lambda: f"{round(float(moved['y'][3]), 2):g}" in typed.input_value().splitlines()[3])
    page.mouse.click(x + 25, y - 50)
    wait_until(lambda: len(typed.input_value().splitlines()) == 9)
    typed.fill("0, 1\n0.5, 0.5\n1, 0")
    typed.blur()
    wait_until(lambda: len(columns(page, "Function", "training points")["x"]) == 3)
    wait_until(lambda: len(columns(page, "Spectrum", "theory")["x"]) == 3)
