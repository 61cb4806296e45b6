"""Results by experiment, shared by all sessions of a process.

Keys are canonical specs, never arrays. Equal requests compute once (`pn.cache` computes each, and hashes large arrays
from a sample: holoviz/panel#8759). The least recently used entries go when the bytes run over.
"""

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from copy import copy
from typing import Any

# Streams that were left before their end may go on later from where they are, so they keep what they need for that:
# networks in training, of up to a gigabyte, which no count of bytes knows of. Only so many may.
_MOST_LEFT = 2
_left: "deque[SharedStream]" = deque()
# Reentrant, as the garbage collector may end a reader while another is being counted.
_leaving = threading.RLock()
_at_work = threading.local()  # whose `stream` is that of which this thread computes the next item


class DroppedError(Exception):
    """Nobody waits for what is being computed any more; what is computed may raise it, and is made anew if need be."""


def others_wait() -> bool:
    """Return whether the stream of which this thread computes an item has other readers."""
    stream = getattr(_at_work, "stream", None)
    return stream is not None and stream.readers > 1


class SharedStream:
    """A lazy sequence that several readers share: each item is computed once, by whoever first asks for it.

    Readers may stop at any time; the next one goes on where the last stopped. Of streams that were left long ago it
    computes the items before once more. `count` says how many items there will be, 0 where that is not known.
    """

    def __init__(self, make: Callable[[], Iterator[Any]], count: int = 0):
        """Share what the iterator that `make` returns yields; it is made at the first read."""
        self._make, self.count = make, count
        self._source: Iterator[Any] | None = None
        self._items: list[Any] = []
        self._weighed = self._bytes = 0  # items whose bytes have been counted, and those bytes
        self._lock = threading.Lock()
        self._error: Exception | None = None
        self._is_complete = False
        self.readers = 0

    def __iter__(self) -> Iterator[Any]:
        """Yield the items from the first, computing those that no one has asked for yet."""
        self._count(1)
        try:
            index = 0
            while True:
                if not self._has(index):
                    return
                yield self._items[index]
                index += 1
        finally:
            self._count(-1)

    def _has(self, index: int) -> bool:
        """Return whether there is an item, when it has been computed."""
        if index < len(self._items):
            return True
        with self._lock:
            return index < len(self._items) or self._compute_next()

    def _compute_next(self) -> bool:
        if self._error is not None:
            raise copy(self._error)
        if self._is_complete:
            return False
        _at_work.stream = self
        try:
            if self._source is None:
                self._source = self._make()
                for _ in self._items:
                    next(self._source)
            self._items.append(next(self._source))
        except StopIteration:
            self._source, self._is_complete = None, True
            return False
        except DroppedError:
            self._source = None
            raise
        except Exception as error:
            self._error = copy(error)  # without the traceback, whose frames hold whoever asked
            raise
        finally:
            _at_work.stream = None
        return True

    def _count(self, change: int) -> None:
        """Count a reader in or out; when the last leaves too early, the stream left longest ago loses its source."""
        with _leaving:
            self.readers += change
            if self in _left:
                _left.remove(self)
            if not self.readers and self._source is not None:
                _left.append(self)
            if len(_left) > _MOST_LEFT:
                _left.popleft()._source = None

    @property
    def nbytes(self) -> int:
        """Bytes held so far; each item is asked once."""
        for item in self._items[self._weighed :]:
            self._bytes += item.nbytes
            self._weighed += 1
        return self._bytes


class Cache:
    """A bounded, thread-safe store whose values are computed once for each key."""

    def __init__(self, max_bytes: int):
        """Hold at most `max_bytes`; values tell their size by `nbytes`."""
        self.max_bytes = max_bytes
        self._entries: OrderedDict[Any, _Entry] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Any, make: Callable[[], Any]) -> Any:
        """Return the value of `key`, computing it with `make` if no one has; an error is raised and not kept."""
        with self._lock:
            entry = self._entries.setdefault(key, _Entry())
            self._entries.move_to_end(key)
        try:
            value = entry.value(make)
        except Exception:
            with self._lock:
                self._entries.pop(key, None)
            raise
        self._trim()
        return value

    def _trim(self) -> None:
        with self._lock:
            sizes = {key: entry.nbytes for key, entry in self._entries.items()}
            total = sum(sizes.values())
            for key in list(sizes)[:-1]:
                if total <= self.max_bytes:
                    return
                if sizes[key]:  # what is still being computed holds no bytes, and must not be computed twice
                    total -= sizes[key]
                    del self._entries[key]


class _Entry:
    def __init__(self):
        self._lock = threading.Lock()
        self._value: Any = None

    def value(self, make: Callable[[], Any]) -> Any:
        with self._lock:
            if self._value is None:
                self._value = make()
            return self._value

    @property
    def nbytes(self) -> int:
        return 0 if self._value is None else self._value.nbytes


RESULTS = Cache(max_bytes=512 * 2**20)
