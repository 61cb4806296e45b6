"""Two processes behind one port: visitors are shared out and stay, and one that is killed has a successor."""

import os
import signal

import psutil
import pytest

from tests.browser.reading import slider, wait_until
from tests.browser.server import serve

pytestmark = pytest.mark.browser

SMALL = "?n_train=32&width=32&time=2&seeds=2"
PATIENCE = 280.0  # seconds in which a loaded machine starts a server


@pytest.fixture(scope="module")
def address():
    with serve("--num-procs", "2", "--cold", seconds=PATIENCE) as address:
        yield address
        left = servers(address)
    assert len(left) == 2
    _, alive = psutil.wait_procs(left, timeout=30)
    assert not alive


def servers(address):
    """The two processes."""
    port = address.split(":")[2].split("/")[0]
    (parent,) = [child for child in psutil.Process().children() if port in child.cmdline()]
    alive = [child for child in parent.children() if child.status() != psutil.STATUS_ZOMBIE]
    return [child for child in alive if any("spawn_main" in word for word in child.cmdline())]


def own(page):
    """The number of the process that a page stays with."""
    return page.context.cookies()[0]["value"]


@pytest.mark.timeout(600)
def test_visitors_are_shared_out_and_stay_and_a_process_that_is_killed_has_a_successor(visit, address):
    pages = [visit(SMALL) for _ in range(2)]  # each in a browser of its own, and no request to elsewhere
    assert sorted(map(own, pages)) == ["0", "1"]
    for page in pages:
        slider(page, "Depth L").press("ArrowRight")
        page.wait_for_url("**depth=3**", wait_until="commit")

    before = servers(address)
    os.kill(before[0].pid, signal.SIGKILL)
    wait_until(lambda: before[0] not in servers(address) and len(servers(address)) == 2)
    assert before[1] in servers(address)
    for page in pages:
        number = own(page)
        page.reload(timeout=1000 * PATIENCE)
        slider(page, "Depth L").wait_for()
        assert (slider(page, "Depth L").input_value(), own(page)) == ("3", number)
