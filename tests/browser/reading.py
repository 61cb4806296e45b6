"""Reading a page as its visitor sees it: the data behind the plots, and the words beside them."""

import time

import numpy as np

_MODELS = "Array.from(Bokeh.documents[0]._all_models.values())"
_COLUMNS = f"""([title, part]) => {{
  // A figure that has been replaced stays among the models for half a minute, but is drawn no more.
  const named = {_MODELS}.filter(model => model.type == 'Figure' && model.name == title);
  const figures = named.filter(figure => Bokeh.index.find_one(figure));
  const renderer = figures.flatMap(figure => figure.renderers).find(renderer => renderer.name == part);
  if (!renderer) return null;
  const data = renderer.data_source.data;
  return {{x: Array.from(data.x ?? []), y: Array.from(data.y ?? [])}};
}}"""

_IS_OPEN = """() => window.Bokeh?.documents[0]?.is_idle
  && (document.getElementById('loader')?.style.display ?? 'none') == 'none'"""

_CUT_LEGENDS = """() => Bokeh.documents.flatMap(document => Array.from(document._all_models.values()))
  .filter(model => model.type == 'Figure' && Bokeh.index.find_one(model)?.frame.bbox.width > 0)
  .flatMap(figure => figure.above.filter(model => model.type == 'Legend').map(legend => [figure, legend]))
  .filter(([figure, legend]) => {
    const plot = Bokeh.index.find_one(figure), {el, entries} = plot.views.find_one(legend);
    const {left, right, width} = el.getBoundingClientRect();
    const boxes = entries.map(entry => entry.el.getBoundingClientRect());
    const room = plot.bbox.width - plot.frame.bbox.left;
    return boxes.some(box => box.left < left || box.right > right) || width > room + 1;
  }).map(([figure]) => figure.name)"""


def wait_until_open(page, seconds=120.0):
    """Wait until all is drawn and the veil that lies over a page while it loads, which takes every click, is gone."""
    page.wait_for_function(_IS_OPEN, timeout=1000 * seconds)


def cut_legends(page):
    """The names of the figures whose legend has not all of its entries in the width of the plot."""
    return page.evaluate(_CUT_LEGENDS)


def columns(page, title, part):
    """The x and y that a part of a figure shows; None while there is no such figure."""
    data = page.evaluate(_COLUMNS, [title, part])
    return data and {name: np.array(values, dtype=float) for name, values in data.items()}


def drawn_colour(page, title, part):
    return page.evaluate(
        f"""([title, part]) => {_MODELS}.find(m => m.type == 'Figure' && m.name == title)
            .renderers.find(r => r.name == part).glyph.line_color.value""",
        [title, part],
    )


def wait_until(condition, seconds=60.0):
    """Wait until `condition()` is truthy, and return what it is."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {condition}"
        time.sleep(0.05)


def wait_until_trained(page, seconds=120.0):
    page.get_by_text("trained", exact=False).first.wait_for(timeout=1000 * seconds)


def address_bar(page):
    """What stands in the browser's address bar; `page.url` does not follow while a test waits."""
    return page.evaluate("location.href")


def slider(page, name):
    return page.get_by_role("slider", name=name, exact=True)


def choose(page, position, option):
    """Choose an option of the drop-down list at a position: 0 data set, 1 activation, 2 parametrization."""
    page.get_by_role("combobox").nth(position).click()
    page.get_by_role("menuitem", name=option, exact=True).click()
