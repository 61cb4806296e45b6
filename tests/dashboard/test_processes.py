"""Processes behind one port: which of them a request goes to, and what a new visitor is told."""

from pathlib import Path

import pytest

from lazyrich_dashboard.processes import Processes, _with_cookie


def request(*lines: str) -> bytes:
    return "\r\n".join(["GET /lazyrich HTTP/1.1", "Host: here:5006", *lines, "", ""]).encode()


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        ([], None),
        (["Cookie: lazyrich_process=1"], 1),
        (["cookie: theme=dark; lazyrich_process=0; a=b", "Accept: */*"], 0),
        (["Cookie: not_lazyrich_process=1"], None),
        (["Cookie: lazyrich_process=2"], None),
        (["Cookie: lazyrich_process=-1"], None),
        (["Cookie: lazyrich_process=99999999999999"], None),
        (["Cookie: lazyrich_process=<b>"], None),
        (["X-Note: lazyrich_process=1"], None),
    ],
    ids=["none", "it", "among others", "another", "too many", "negative", "huge", "hostile", "another header"],
)
def test_a_request_goes_to_the_process_that_its_cookie_names(lines, named):
    assert Processes(2, lambda _path: None)._named(request(*lines)) == named


def test_a_new_visitor_is_told_its_process_and_the_answer_stays_as_it_is():
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
    told = _with_cookie(answer, 1)
    assert told.startswith(b"HTTP/1.1 200 OK\r\nSet-Cookie: lazyrich_process=1; ")
    assert told.endswith(b"\r\nContent-Length: 2\r\n\r\n")


def _fail(path: Path) -> None:
    raise SystemExit(3)


def test_a_server_that_cannot_start_ends_all_with_a_sentence():
    with pytest.raises(ChildProcessError, match="A server must start; got exit code 3 before it listened"):
        Processes(1, _fail).run(0, "localhost", lambda: pytest.fail("nothing is ready"))
