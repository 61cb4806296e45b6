"""The runtime type checker of the tests: beartype, for which an int is a float, as PEP 484 says.

The import hook checks a function by way of empty ones of its name and signature, which it makes wherever the function
is defined: of one that stands within another, at every call of that. Beartype would take half a millisecond for each,
so what it has made of one serves all like it.
"""

import inspect
from collections.abc import Callable

from beartype import BeartypeConf, beartype

_check = beartype(conf=BeartypeConf(is_pep484_tower=True))
_checks: dict[tuple, Callable] = {}


def checked(empty: Callable) -> Callable:
    """Return the check of an empty function's arguments and of what it hands back."""
    like = empty.__module__, empty.__qualname__, inspect.signature(empty)
    try:
        return _checks.get(like) or _checks.setdefault(like, _check(empty))
    except TypeError:  # a default without a hash
        return _check(empty)
