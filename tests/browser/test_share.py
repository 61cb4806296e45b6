"""A view's own tools and what can be shared, by keyboard; and what a reload brings back."""

import io
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.browser.reading import address_bar, columns, wait_until, wait_until_open, wait_until_trained

pytestmark = pytest.mark.browser

SVG = "{http://www.w3.org/2000/svg}"
SMALL = "?n_train=32&width=32&time=2&seeds=2&lesson=kept"


def press(page, name, key="Enter"):
    page.get_by_role("button", name=name, exact=True).press(key)


def saved(page, name, folder):
    with page.expect_download() as download:
        press(page, f"Save as {name}")
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def focused(page):
    """The accessible name of what has the focus, inside whatever shadow roots it is."""
    return page.evaluate(
        """() => {
          let element = document.activeElement;
          while (element.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
          return element.ariaLabel;
        }"""
    )


def test_the_tools_of_a_view_open_and_close_by_keyboard_and_its_files_hold_its_numbers(visit, browser, tmp_path):
    page = visit(SMALL)
    wait_until_trained(page)

    press(page, "Training: Why?")
    drawer = page.get_by_role("dialog", name="Training: Why?")
    drawer.get_by_text("What to look for.").wait_for()
    assert drawer.locator("math").first.bounding_box()["height"] > 20
    page.keyboard.press("Escape")
    drawer.wait_for(state="hidden")
    assert focused(page) == "Training: Why?"

    press(page, "Spectrum: Data and files")
    drawer = page.get_by_role("dialog", name="Spectrum: Data and files")
    drawer.get_by_role("cell", name="theory").first.wait_for()
    table = pd.read_csv(io.StringIO(saved(page, "CSV", tmp_path).read_text()), comment="#")
    theory = table[table["part"] == "theory"]
    shown = columns(page, "Spectrum", "theory")
    np.testing.assert_array_equal(theory["x"], shown["x"])
    np.testing.assert_allclose(theory["y"], shown["y"], rtol=1e-6)  # single precision is sent
    assert saved(page, "PNG", tmp_path).read_bytes().startswith(b"\x89PNG")
    drawing = saved(page, "SVG", tmp_path).read_text()
    assert drawing.startswith("<svg") and "rank i" in drawing and drawing.count("<path") > 64
    page.keyboard.press("Escape")
    drawer.wait_for(state="hidden")

    press(page, "Training: Data and files")
    alone = browser.new_page()
    alone.goto(saved(page, "Web page", tmp_path).as_uri())
    wait_until_open(alone)
    before = columns(alone, "Training", "time t")["x"]
    np.testing.assert_array_equal(before, columns(page, "Training", "time t")["x"])
    alone.get_by_role("button", name="Play").click()
    wait_until(lambda: 0 < columns(alone, "Training", "time t")["x"][0] < before[0])
    alone.close()


def texts(drawing):
    """All that is written in an SVG."""
    return [element.text for element in ElementTree.fromstring(drawing).iter(f"{SVG}text")]


def ink(path, bottom):
    """How many pixels of a picture's last rows differ from its background."""
    rows = np.asarray(Image.open(path).convert("RGB")).astype(int)[-bottom:]
    return (np.abs(rows - rows[-1, -1]).sum(axis=2) > 100).sum()


def test_a_saved_picture_says_what_it_shows_at_which_time_and_which_mode_is_marked(visit, tmp_path):
    page = visit(SMALL)
    wait_until_trained(page)
    press(page, "Function: Data and files")
    without = ElementTree.fromstring(saved(page, "SVG", tmp_path).read_text())
    assert without.find(f".//{SVG}image") is not None  # the modes' own pictures, which stand beside the plot
    page.get_by_label("mode", exact=True).fill("3")
    share = page.locator("output", has_text="% of the train loss")
    page.get_by_role("slider", name="Time t", exact=True).press("Home")
    page.get_by_text("Mode 3 has the eigenvalue").wait_for()
    start = share.inner_text()
    time = page.locator("output", has_text="t = ").inner_text()
    drawing = saved(page, "SVG", tmp_path).read_text()
    assert texts(drawing)[-1] == f"Function, {time}, mode 3: {start}"
    assert {"class, counted from 0", "mode i, by falling eigenvalue"} <= set(texts(drawing))
    assert ink(saved(page, "PNG", tmp_path), bottom=22) > 300

    page.keyboard.press("Escape")
    press(page, "Kernel movement: Data and files")
    assert texts(saved(page, "SVG", tmp_path).read_text())[-1] == f"Kernel movement, {time}"
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Depth", exact=True).click()
    press(page, "Order and chaos: Data and files")
    assert texts(saved(page, "SVG", tmp_path).read_text())[-1] == "Order and chaos"


def height(page, title):
    return page.evaluate(
        """title => { const figure = Array.from(Bokeh.documents[0]._all_models.values())
             .find(model => model.type == 'Figure' && model.name == title);
           return Bokeh.index.find_one(figure)?.bbox.height ?? 0 }""",
        title,
    )


def test_a_view_stands_alone_and_comes_back(visit):
    page = visit(SMALL)
    before = height(page, "Kernel movement")
    press(page, "Kernel movement: This view alone")
    page.get_by_text("How fast do the kernel's eigenvalues decay?").wait_for(state="hidden")
    wait_until(lambda: height(page, "Kernel movement") > 1.6 * before)
    page.keyboard.press("Escape")
    page.get_by_text("How fast do the kernel's eigenvalues decay?").wait_for()
    wait_until(lambda: height(page, "Kernel movement") == before)
    assert focused(page) == "Kernel movement: This view alone"


def test_a_reload_and_a_copied_link_show_what_was_on_screen(visit):
    page = visit(SMALL)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    press(page, "Training: make y axis linear")
    page.get_by_role("button", name="Training: make y axis logarithmic").wait_for()
    page.get_by_role("slider", name="Time t", exact=True).press("Home")
    page.get_by_role("slider", name="Depth L", exact=True).press("ArrowRight")
    page.get_by_role("button", name="Kernel", exact=True).click()
    page.get_by_text("Do finite networks stay on the curve?").wait_for()
    parts = ("depth=3", "page=Kernel", "training.log_y=false", "scrub=0", "lesson=kept")
    wait_until(lambda: set(parts) <= set(address_bar(page).split("?")[1].split("&")))

    press(page, "Share")
    page.get_by_role("menuitem", name="Copy link").press("Enter")
    page.get_by_role("status").get_by_text("Link copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == address_bar(page)

    page.reload()
    page.get_by_text("Do finite networks stay on the curve?").wait_for()
    assert page.get_by_role("slider", name="Depth L", exact=True).input_value() == "3"
    page.get_by_role("button", name="Dynamics", exact=True).click()
    page.get_by_role("button", name="Training: make y axis logarithmic").wait_for()
    learned = wait_until(lambda: columns(page, "Function", "theory"))
    assert (learned["y"] < 0.2).all()
