"""Results by experiment, shared by all sessions of a process.

Keys are canonical specs, never arrays. Equal requests compute once (`pn.cache` computes each, and hashes large arrays
from a sample: holoviz/panel#8759). The least recently used entries go when the bytes run over.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any


class SharedStream:
    """A lazy sequence that several readers share: each item is computed once, by whoever first asks for it.

    Readers may stop at any time; the next one goes on where the last stopped.
    """

    def __init__(self, make: Callable[[], Iterator[Any]]):
        """Share what the iterator that `make` returns yields; it is made at the first read."""
        self._make = make
        self._source: Iterator[Any] | None = None
        self._items: list[Any] = []
        self._lock = threading.Lock()
        self._error: Exception | None = None

    def __iter__(self) -> Iterator[Any]:
        """Yield the items from the first, computing those that no one has asked for yet."""
        index = 0
        while True:
            with self._lock:
                if index == len(self._items) and not self._compute_next():
                    return
            yield self._items[index]
            index += 1

    def _compute_next(self) -> bool:
        if self._error is not None:
            raise self._error
        try:
            self._source = self._make() if self._source is None else self._source
            self._items.append(next(self._source))
        except StopIteration:
            return False
        except Exception as error:
            self._error = error
            raise
        return True

    @property
    def nbytes(self) -> int:
        """Bytes held so far."""
        return sum(item.nbytes for item in list(self._items))


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
