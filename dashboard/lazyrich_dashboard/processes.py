"""Processes: several servers behind one port, where each visitor stays with one.

A session lives in one process, so a browser's page, files and messages must all reach the same one. The port is held
by the parent, which computes nothing: it ties each connection to a server on a Unix socket, the one that a cookie
names, or for a new visitor the one with the fewest connections. A server that ends is started anew.
"""

import asyncio
import contextlib
import multiprocessing
import os
import re
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path

_COOKIE = re.compile(rb"^cookie:.*\blazyrich_process=([0-9]{1,4})\b", re.IGNORECASE | re.MULTILINE)
_HEAD_END = b"\r\n\r\n"
_CHUNK = 2**16  # bytes; no head of a request may be longer
_PAUSE = 0.1  # seconds between two looks for a server that is starting
# A connection that either side has broken off, or the end of them all.
_BROKEN = (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError)

# JAX does not live through a fork.
_SPAWN = multiprocessing.get_context("spawn")

# Serves on the Unix socket at a path until it is told to end.
Serve = Callable[[Path], None]


class Processes:
    """Servers behind one port.

    Args:
        count: how many.
        serve: what each of them runs; something that can be pickled.
    """

    def __init__(self, count: int, serve: Serve):
        """Start none yet."""
        self._count, self._serve = count, serve
        self._connections = [0] * count
        self._folder = Path()

    def run(self, port: int, address: str, when_ready: Callable[[], None]) -> None:
        """Serve until interrupted or terminated.

        Raises:
            OSError: the port cannot be listened on.
            ChildProcessError: a server could not start.
        """
        with tempfile.TemporaryDirectory(prefix="lazyrich-") as folder:
            self._folder = Path(folder)
            try:
                asyncio.run(self._run(port, address, when_ready))
            except asyncio.CancelledError:
                pass
            except ExceptionGroup as group:  # of the tasks that keep the servers: the first says it
                raise group.exceptions[0] from None
            finally:
                for child in multiprocessing.active_children():
                    child.join()

    async def _run(self, port: int, address: str, when_ready: Callable[[], None]) -> None:
        """Let visitors in once every server listens."""
        door = await asyncio.start_server(self._pass_on, address, port, limit=_CHUNK, start_serving=False)
        loop, this = asyncio.get_running_loop(), asyncio.current_task()
        assert this is not None
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, this.cancel)
        with contextlib.closing(door):
            async with asyncio.TaskGroup() as tasks:
                for number in range(self._count):
                    tasks.create_task(self._keep(number))
                for number in range(self._count):
                    (await self._connect(number))[1].close()
                await door.start_serving()
                when_ready()

    async def _keep(self, number: int) -> None:
        """Run a server, and start it anew whenever it has ended."""
        path = self._path(number)
        while True:
            child = _SPAWN.Process(target=_child, args=(self._serve, path), daemon=True)
            child.start()
            try:
                await _ended(child)
            finally:
                child.terminate()
            child.join()
            if not path.exists():
                raise ChildProcessError(f"A server must start; got exit code {child.exitcode} before it listened.")
            path.unlink()
            print(
                f"lazyrich: a server has ended (exit code {child.exitcode}); another takes its place", file=sys.stderr
            )

    def _path(self, number: int) -> Path:
        return self._folder / str(number)

    async def _connect(self, number: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to a server, as soon as it listens."""
        while True:
            try:
                return await asyncio.open_unix_connection(self._path(number), limit=_CHUNK)
            except (FileNotFoundError, ConnectionRefusedError):
                await asyncio.sleep(_PAUSE)

    async def _pass_on(self, visitor: asyncio.StreamReader, to_visitor: asyncio.StreamWriter) -> None:
        """Tie a visitor's connection to the server that its first request names, or to one that it is told."""
        with contextlib.closing(to_visitor), contextlib.suppress(*_BROKEN):
            head = await visitor.readuntil(_HEAD_END)
            named = self._named(head)
            number = self._least_busy() if named is None else named
            self._connections[number] += 1
            try:
                server, to_server = await self._connect(number)
                with contextlib.closing(to_server):
                    to_server.write(head)
                    if named is None:
                        to_visitor.write(_with_cookie(await server.readuntil(_HEAD_END), number))
                    await asyncio.gather(_pipe(visitor, to_server), _pipe(server, to_visitor))
            finally:
                self._connections[number] -= 1

    def _named(self, head: bytes) -> int | None:
        """Return the server that a request's cookie names, if there is such a one."""
        found = _COOKIE.search(head)
        return int(found[1]) if found and int(found[1]) < self._count else None

    def _least_busy(self) -> int:
        return min(range(self._count), key=self._connections.__getitem__)


def _with_cookie(head: bytes, number: int) -> bytes:
    """Return the head of an answer that tells the browser which server is its own."""
    status, rest = head.split(b"\r\n", 1)
    cookie = f"Set-Cookie: lazyrich_process={number}; Path=/; HttpOnly; SameSite=Lax"
    return b"\r\n".join([status, cookie.encode(), rest])


async def _pipe(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Copy until the source ends, and then end the sink, which ends what comes back too."""
    try:
        while data := await source.read(_CHUNK):
            sink.write(data)
            await sink.drain()
    finally:
        sink.close()


async def _ended(child: BaseProcess) -> None:
    """Wait until a process has ended."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(child.sentinel, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(child.sentinel)


def _child(serve: Serve, path: Path) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes, and the parent ends this one
    threading.Thread(target=_end_with_parent, daemon=True).start()
    serve(path)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)  # it was killed: nobody is there to be told
