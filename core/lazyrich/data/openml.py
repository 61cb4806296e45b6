"""Images from OpenML (www.openml.org): MNIST, Fashion-MNIST and CIFAR-10, where there is a network.

scikit-learn fetches them and keeps them on disk (`sklearn.datasets.get_data_home`). A download runs on a thread of its
own, once for all who ask; who asks waits for it, but not for ever. The first 10,000 images are used; they hold about a
thousand of each class. Colours are averaged to grey.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, TimeoutError
from functools import cache, partial
from typing import Any

import numpy as np
from sklearn.datasets import fetch_openml

from .makers import Classes, Points, images_of, some

IMAGES = 10_000
_PATIENCE = 180.0  # seconds
# Name here: number on OpenML, channels, and where the set comes from.
_SETS = {
    "mnist": (554, 1),  # LeCun, Cortes & Burges 1998
    "fashion": (40996, 1),  # Xiao, Rasul & Vollgraf 2017
    "cifar10": (40927, 3),  # Krizhevsky 2009
}
_downloads: dict[str, "Future[tuple[np.ndarray, np.ndarray]]"] = {}
_lock = threading.Lock()


def download(name: str) -> "Future[tuple[np.ndarray, np.ndarray]]":
    """Return the download of a set, started if there is none, or if the last one failed.

    Its result is the images, (10,000, D) of type uint8, and their labels.
    """
    with _lock:
        before = _downloads.get(name)
        if before is not None and not (before.done() and before.exception()):
            return before
        future = _downloads[name] = Future()
        # A daemon, so that a download that hangs does not keep the process from ending.
        threading.Thread(target=_run, args=(future, name), name=f"download {name}", daemon=True).start()
        return future


def _run(future: "Future[tuple[np.ndarray, np.ndarray]]", name: str) -> None:
    try:
        future.set_result(_fetch(name))
    except Exception as error:
        future.set_exception(error)


def _fetch(name: str) -> tuple[np.ndarray, np.ndarray]:
    number, channels = _SETS[name]
    # All 60,000 of CIFAR-10 would take gigabytes while they are read. Labels are read as the numbers they are: as
    # categories, scikit-learn's default, they are numbers too for pandas 3.1, where scikit-learn 1.9.1 awaits texts.
    reading = {"nrows": IMAGES, "dtype": {}}
    got: Any = fetch_openml(
        data_id=number, as_frame=False, parser="pandas", n_retries=1, delay=0.2, read_csv_kwargs=reading
    )
    pixels = np.asarray(got.data, dtype=np.float32).reshape(len(got.data), channels, -1).mean(axis=1)
    return pixels.round().astype(np.uint8), np.asarray(got.target).astype(int)


def fetched(name: str, seconds: float = _PATIENCE) -> tuple[np.ndarray, np.ndarray]:
    """Return the images and labels of a set, waiting for its download.

    Raises:
        ValueError: it could not be fetched, or has not come within `seconds`.
    """
    return _result(name, download(name), seconds)


def check_is_here(name: str) -> None:
    """Say so, without waiting and without trying anew, where a set has not come, or could not be fetched."""
    _result(name, _downloads.get(name) or download(name), 0)


def _result(name: str, future: "Future[tuple[np.ndarray, np.ndarray]]", seconds: float) -> Any:
    try:
        error = future.exception(seconds)  # not raised here: it would keep the frames of all who ask
    except TimeoutError:
        raise ValueError(
            f"{name} must be fetched from OpenML first; got nothing yet. The download goes on; wait, or take others."
        ) from None
    if error is None:
        return future.result()
    raise ValueError(
        f"{name} must be fetched from OpenML, which needs a network; got {type(error).__name__}: {error}. "
        "Try again with a network, or take digits, which come with scikit-learn."
    )


@cache
def _prepared(name: str, classes: Classes) -> Points:
    return images_of(*fetched(name), classes)


def images(name: str, rng: np.random.Generator, count: int, classes: Classes = None) -> Points:
    """Return images less their mean, at norm sqrt(D), and the targets of their classes."""
    of = _prepared(name, classes)
    if count > len(of[0]):
        raise ValueError(
            f"{name} has {len(of[0])} images of these classes among the first {IMAGES:,}, so n_train + n_test must not "
            f"exceed that; got {count}. Ask for fewer."
        )
    return some(rng, count, of)


FETCHED: dict[str, Callable[..., Points]] = {name: partial(images, name) for name in _SETS}
