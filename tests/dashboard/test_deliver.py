"""Delivery: results reach the loop of their session, in a script at once and one after the other."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from panel.io.state import set_curdoc

from lazyrich_dashboard.deliver import session_deliverer
from lazyrich_dashboard.jobs import Latest
from tests.dashboard.lanes import LIMIT, Seen

pytestmark = pytest.mark.usefixtures("each_at_once")


def test_a_script_without_a_loop_gets_its_items_at_once(worker):
    seen = Seen()
    lane = Latest(worker, session_deliverer())
    seen.submit(lane, lambda: iter("ab"))
    assert lane.idle.wait(LIMIT)
    assert (seen.items, seen.ends) == (["a", "b"], 1)


def test_a_script_is_handed_the_items_of_two_pools_one_after_the_other():
    deliver, first_has_begun, second_has_begun = session_deliverer(), threading.Event(), threading.Event()
    overlapped = []

    def first():
        first_has_begun.set()
        # Half a second in which nothing else may begin; a second callback that could would do so at once.
        overlapped.append(second_has_begun.wait(0.5))

    with ThreadPoolExecutor(2) as workers:
        one = workers.submit(deliver, first)
        assert first_has_begun.wait(LIMIT)
        other = workers.submit(deliver, second_has_begun.set)
        one.result(LIMIT)
        other.result(LIMIT)
    assert overlapped == [False]
    assert second_has_begun.is_set()


class Served(SimpleNamespace):
    """The document of a session, and the threads by which callbacks have been put in its queue."""

    def add_next_tick_callback(self, callback: Callable[[], None]) -> None:
        self.threads.append(threading.current_thread())


def test_a_worker_hands_over_to_a_server_on_the_thread_of_its_loop_while_the_session_lasts(worker):
    document = Served(session_context=object(), threads=[])

    async def serve():
        with set_curdoc(document):
            deliver = session_deliverer()
        await asyncio.wrap_future(worker.submit(deliver, lambda: None))
        await asyncio.sleep(0)
        document.session_context = None
        await asyncio.wrap_future(worker.submit(deliver, lambda: None))
        await asyncio.sleep(0)

    asyncio.run(serve())
    assert document.threads == [threading.current_thread()]
