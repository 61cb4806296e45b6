"""Data held in memory: files that were read in this process, by a name that says what is in them.

Nothing is kept on disk. The key of a file is its name and a digest of its bytes, so that an experiment that names it
means the same numbers for ever, and says so in words where they are not to be had: in another process, or after the
memory has gone to files that were used more recently.
"""

import hashlib
import re
import threading
from collections import OrderedDict
from typing import Any

from .files import Table, read_table

_MOST_BYTES = 256 * 2**20
_KEY = re.compile(r"[\w.-]{1,40}@[0-9a-f]{16}", re.ASCII)
_tables: "OrderedDict[str, Table]" = OrderedDict()
_lock = threading.Lock()


def hold(name: str, contents: bytes) -> str:
    """Read a CSV or NPZ file and hold it in memory; return the key, `DataSpec("file", file=key)`.

    Args:
        name: its name, which ends in .csv or .npz.
        contents: its bytes.

    Raises:
        ValueError: what `read_table` refuses.
    """
    table = read_table(name, contents)
    plain = re.sub(r"[^\w.-]", "_", name, flags=re.ASCII)[-40:]
    key = f"{plain}@{hashlib.sha256(contents).hexdigest()[:16]}"
    with _lock:
        _tables[key] = table
        _tables.move_to_end(key)
        while len(_tables) > 1 and sum(held.nbytes for held in _tables.values()) > _MOST_BYTES:
            _tables.popitem(last=False)
    return key


def held(key: str | None) -> Table:
    """Return the table of a key.

    Raises:
        ValueError: there is no key, or its table is not in this process's memory.
    """
    if key is None:
        raise ValueError("The data of a file need one; got none. Choose a CSV or NPZ file.")
    with _lock:
        if key in _tables:
            _tables.move_to_end(key)
            return _tables[key]
    name = key.partition("@")[0]
    raise ValueError(
        f"The data of a file must be in memory; got {name}, which was uploaded to another session, or so long ago that "
        "its memory went to others. Upload the file again."
    )


def key_of(value: Any) -> str:
    """Return `value` if it is a key that `hold` may have returned."""
    if not isinstance(value, str) or not _KEY.fullmatch(value):
        raise ValueError(f"file must be what lazyrich.data.hold returned; got {value!r}. Read a CSV or NPZ file first.")
    return value
