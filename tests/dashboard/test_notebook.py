"""In a notebook: a cell that makes an Explorer shows it, and the cells after it drive it."""

import nbformat
import pytest
from nbclient import NotebookClient

from lazyrich_dashboard import gallery
from lazyrich_dashboard.gallery import files

MAKE = """
import asyncio, dataclasses, time
import numpy as np
import lazyrich as lr
from lazyrich_dashboard import Explorer
from lazyrich_dashboard.state import PRESET
from lazyrich_dashboard.views import SpectrumView

small = dataclasses.replace(
    PRESET,
    data=lr.DataSpec("digits", n_train=32, n_test=32),
    network=dataclasses.replace(PRESET.network, width=16),
    training=lr.TrainingSpec(time=5.0, seeds=2, checkpoints=4, ntk_points=32),
)
explorer = Explorer(small)
explorer
"""
WAIT_IN_THE_CELL = """
explorer.state.depth = 4
assert explorer.wait(200)
"""
WAIT_FOR_THE_LOOP = """
explorer.state.depth = 3
deadline = time.monotonic() + 200
while explorer.snapshot.theory.network.depth != 3 and time.monotonic() < deadline:
    await asyncio.sleep(0.05)
while "trained" not in explorer.bar.status.object and time.monotonic() < deadline:
    await asyncio.sleep(0.05)
"""
CHECK = """
experiment, depth = explorer.experiment, {depth}
assert experiment.network.depth == explorer.snapshot.theory.network.depth == depth
values = lr.eigensystem(lr.ntk(experiment.network, experiment.load_data().x_train)).values
np.testing.assert_allclose(explorer.view(SpectrumView).live.source("theory").data["y"], values / 32, rtol=1e-6)
assert explorer.bar.status.object == "2 networks of width 16 trained", explorer.bar.status.object
"""


@pytest.mark.slow
def test_a_cell_shows_an_explorer_and_the_next_ones_drive_it():
    sources = (MAKE, WAIT_IN_THE_CELL, CHECK.format(depth=4), WAIT_FOR_THE_LOOP, CHECK.format(depth=3))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])

    NotebookClient(notebook, timeout=240, kernel_name="python3").execute()  # raises if a cell does

    (shown,) = [output for output in notebook.cells[0].outputs if output.output_type == "execute_result"]
    assert "text/html" in shown.data
    assert "Explorer" in shown.data["text/plain"]
    for label in ("Depth L", "Spectrum", "Kernel movement"):
        assert label in shown.data["text/html"]
    # Nothing is fetched from elsewhere: a notebook may be offline.
    assert 'src="http' not in shown.data["text/html"]


FOLLOW = """
import asyncio, time
before = exhibit.picture
exhibit.page.ratio = 2.0
is_done = lambda: exhibit.status.object == "measured" and exhibit.picture.numbers["least"] < before.numbers["least"]
deadline = time.monotonic() + 200
while not is_done() and time.monotonic() < deadline:
    await asyncio.sleep(0.05)
assert is_done(), exhibit.status.object
assert exhibit.plots[0].live.source("test").data["y"][-1] < 0.7
"""


@pytest.mark.slow
def test_a_gallery_page_is_kept_as_a_notebook_that_shows_it_checks_it_and_drives_it():
    page = gallery.page_classes()["high_dimensional_dynamics"](ratio=0.5)
    notebook = nbformat.reads(files.notebook(page).content.decode(), as_version=4)
    shown, checked = (cell for cell in notebook.cells if cell.cell_type == "code")
    notebook.cells.append(nbformat.v4.new_code_cell(FOLLOW))

    NotebookClient(notebook, timeout=240, kernel_name="python3").execute()  # raises if a cell does

    (output,) = [output for output in shown.outputs if output.output_type == "execute_result"]
    assert all(words in output.data["text/html"] for words in ("Ratio n/P", "Error while training", "Check it here"))
    assert 'src="http' not in output.data["text/html"]
    assert "Check(holds=True" in checked.outputs[-1].data["text/plain"]
