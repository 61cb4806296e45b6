"""JupyterLab: what is moved in the browser moves in the kernel, and the other way round."""

import contextlib
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import nbformat
import numpy as np
import pytest

import lazyrich as lr
from tests.browser.reading import cut_legends, wait_until
from tests.browser.server import free_port

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CELLS = (
    """
import lazyrich as lr
from lazyrich_dashboard import Explorer
explorer = Explorer(
    lr.Experiment(
        data=lr.DataSpec("digits", n_train=32, n_test=32),
        network=lr.Network(depth=2, width=16),
        training=lr.TrainingSpec(time=2.0, seeds=2, checkpoints=4, ntk_points=32),
    )
)
explorer
""",
    "explorer.state.depth = 5",
    "print('the kernel has depth', explorer.experiment.network.depth)",
    "explorer.state.depth = 7",
    """
import asyncio
for depth in (3, 4, 5, 6, 7, 8, 9) * 3:
    explorer.state.depth = depth
    await asyncio.sleep(0.12)
""",
)
GALLERY_CELLS = (
    "from lazyrich_dashboard import gallery\nexhibit = gallery.grokking()\nexhibit",
    "print('the kernel has seed', exhibit.page.seed, 'and is', exhibit.status.object)",
)
NOTEBOOK, GALLERY = "laboratory.ipynb", "gallery.ipynb"
KERNEL_IS_IDLE = "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status == 'idle'"
# A notebook's page has a document for each output.
SPECTRUM = """() => window.Bokeh?.documents
  .flatMap(document => Array.from(document._all_models.values()))
  .filter(model => model.type == 'Figure' && model.name == 'Spectrum')
  .flatMap(figure => figure.renderers.filter(renderer => renderer.name == 'theory'))
  .map(renderer => Array.from(renderer.data_source.data.y))"""

FIGURES = """window.Bokeh.documents.flatMap(document => Array.from(document._all_models.values()))
  .filter(model => model.type == 'Figure')"""
LOSS = f"""() => {FIGURES}.flatMap(figure => figure.renderers.filter(renderer => renderer.name == 'test'))
  .flatMap(renderer => Array.from(renderer.data_source.data.y))"""
HEIGHTS = f"() => {FIGURES}.map(figure => Bokeh.index.find_one(figure).frame.bbox.height)"
SAVE = "() => window.jupyterapp.commands.execute('docmanager:save')"
RESTART = "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
UNANSWERED = "The kernel has not answered yet"


def theory_spectrum(depth):
    """What the spectrum must show: the eigenvalues that the core returns."""
    x = lr.load_data("digits", n_train=32, n_test=32).x_train
    return lr.eigensystem(lr.ntk(lr.Network(depth=depth, width=16), x)).values / len(x)


@pytest.fixture
def lab(tmp_path):
    """The address of a JupyterLab with two notebooks, in folders of its own."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    for name, cells in ((NOTEBOOK, CELLS), (GALLERY, GALLERY_CELLS)):
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source.strip()) for source in cells])
        notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(notebook, folder / name)

    settings = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_SETTINGS_DIR",
                "JUPYTERLAB_WORKSPACES_DIR", "IPYTHONDIR")  # fmt: skip
    own_folders = {name: str(tmp_path / name) for name in settings}
    port = free_port()
    command = [
        sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", f"--port={port}",
        f"--ServerApp.root_dir={folder}", "--ServerApp.disable_check_xsrf=True", "--IdentityProvider.token=",
        "--PasswordIdentityProvider.hashed_password=", "--LabApp.expose_app_in_browser=True",
    ]  # fmt: skip
    log = tmp_path / "log"
    with log.open("w") as stream:
        server = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT, env=os.environ | own_folders)
    try:
        wait_until(lambda: answers(f"http://localhost:{port}/api", server, log), seconds=120)
        yield f"http://localhost:{port}"
    finally:
        server.terminate()
        server.wait(timeout=30)


def answers(address: str, server: subprocess.Popen, log: Path) -> bool:
    assert server.poll() is None, log.read_text()
    with contextlib.suppress(OSError), urllib.request.urlopen(address) as response:
        return response.status == 200
    return False


def run_cells(page, *indices: int) -> None:
    """Run cells one after another, without a look at what they show."""
    page.evaluate(
        """indices => Promise.all(indices.map(index => {
          window.jupyterapp.shell.currentWidget.content.activeCellIndex = index;
          return window.jupyterapp.commands.execute('notebook:run-cell');
        }))""",
        indices,
    )


def shows(page, depth: int) -> bool:
    want = theory_spectrum(depth)
    got = [np.array(values) for values in page.evaluate(SPECTRUM) or []]
    # The values travel in single precision.
    return any(len(values) == len(want) and np.allclose(values, want, rtol=1e-6) for values in got)


def opened(browser, address):
    """A page with a notebook whose kernel is ready, and the errors that come to it."""
    page, errors = browser.new_page(viewport={"width": 1366, "height": 900}), []
    page.set_default_timeout(120_000)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
    page.wait_for_function(KERNEL_IS_IDLE)
    return page, errors


def test_an_explorer_in_a_cell_works_both_ways(browser, lab):
    page, errors = opened(browser, f"{lab}/lab/tree/{NOTEBOOK}")
    run_cells(page, 0, 1)  # the second before the page has built what the first one shows
    depth = page.get_by_role("slider", name="Depth L", exact=True)
    depth.wait_for()
    wait_until(lambda: shows(page, 5))
    wait_until(lambda: depth.input_value() == "5")

    depth.press("ArrowRight")
    wait_until(lambda: shows(page, 6))
    run_cells(page, 2)
    page.get_by_text("the kernel has depth 6", exact=True).wait_for()

    run_cells(page, 3)
    wait_until(lambda: shows(page, 7))
    wait_until(lambda: depth.input_value() == "7")
    shown = page.locator("output", has_text=" = ")
    end = shown.inner_text()
    page.get_by_role("button", name="Jump to the first step").click()
    wait_until(lambda: shown.inner_text() != end)
    page.get_by_text(f"At {shown.inner_text()} ", exact=False).first.wait_for()
    page.close()
    assert errors == []


def reload(page) -> None:
    """Load the page anew, with the outputs as they were when their cells ran."""
    page.evaluate(SAVE)
    page.reload()
    page.wait_for_function(KERNEL_IS_IDLE)


def test_a_page_loaded_anew_shows_what_the_explorer_shows_now_and_works_both_ways(browser, lab):
    page, errors = opened(browser, f"{lab}/lab/tree/{NOTEBOOK}")
    run_cells(page, 0, 0)  # the second takes what the first brought from the notebook
    depth = page.get_by_role("slider", name="Depth L", exact=True)
    depth.wait_for()
    run_cells(page, 1)
    wait_until(lambda: shows(page, 5))
    shown = page.locator("output", has_text=" = ")
    end = shown.inner_text()
    page.get_by_role("button", name="Jump to the first step").click()
    wait_until(lambda: shown.inner_text() != end)
    start = shown.inner_text()
    trained = page.get_by_text("2 networks of width 16 trained", exact=True)
    trained.wait_for()

    reload(page)
    wait_until(lambda: shows(page, 5))
    wait_until(lambda: depth.input_value() == "5")
    wait_until(lambda: shown.inner_text() == start)
    page.get_by_text(f"At {start} ", exact=False).first.wait_for()
    trained.wait_for()
    depth.press("ArrowRight")
    wait_until(lambda: shows(page, 6))
    run_cells(page, 2)
    page.get_by_text("the kernel has depth 6", exact=True).wait_for()
    run_cells(page, 3)
    wait_until(lambda: shows(page, 7))

    reload(page)
    wait_until(lambda: shows(page, 7))
    wait_until(lambda: depth.input_value() == "7")
    depth.press("ArrowLeft")
    wait_until(lambda: shows(page, 6))
    assert page.get_by_text(UNANSWERED).count() == 0
    page.close()
    assert errors == []


def test_changes_in_quick_succession_do_not_come_back_and_an_output_without_its_kernel_says_so(browser, lab):
    page, errors = opened(browser, f"{lab}/lab/tree/{NOTEBOOK}")
    run_cells(page, 0)
    depth = page.get_by_role("slider", name="Depth L", exact=True)
    depth.wait_for()
    run_cells(page, 4, 2)
    page.get_by_text("the kernel has depth 9", exact=True).wait_for()
    wait_until(lambda: shows(page, 9) and depth.input_value() == "9")
    page.get_by_text("2 networks of width 16 trained", exact=True).wait_for()
    assert shows(page, 9) and depth.input_value() == "9"

    page.evaluate(RESTART)
    reload(page)
    depth.wait_for()
    page.get_by_text(UNANSWERED).wait_for()
    page.close()
    assert errors == []


def test_a_gallery_page_in_a_cell_follows_its_controls_and_checks_its_claim(browser, lab):
    page, errors = opened(browser, f"{lab}/lab/tree/{GALLERY}")
    page.set_viewport_size({"width": 1280, "height": 720})
    run_cells(page, 0)
    seed = page.get_by_role("slider", name="Seed", exact=True)
    seed.wait_for()
    page.get_by_text("measured", exact=True).wait_for()
    before = page.evaluate(LOSS)
    seed.press("ArrowRight")
    wait_until(lambda: page.evaluate(LOSS) not in (before, []))
    page.get_by_text("measured", exact=True).wait_for()
    run_cells(page, 1)
    page.get_by_text("the kernel has seed 1 and is measured", exact=True).wait_for()
    page.get_by_role("button", name="Check it here").click()
    page.get_by_text("on this server", exact=False).wait_for()
    # The panels have the height that the heading and the claim leave.
    assert all(height > 200 for height in page.evaluate(HEIGHTS))
    assert cut_legends(page) == []
    page.close()
    assert errors == []
