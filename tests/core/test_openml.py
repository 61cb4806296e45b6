"""Sets from OpenML, through scikit-learn's own code; the connection alone is the test's, and serves a small set."""

import hashlib
import io
import json
from email.message import Message

import numpy as np
import pytest
from sklearn.datasets import _openml as fetching

import lazyrich as lr
from lazyrich.data import openml

PIXELS, IMAGES = 16, 30


class Answer(io.BytesIO):
    """What a server sends."""

    def info(self) -> Message:
        return Message()


class Server:
    """Serves the description of one set, and the set as the ARFF file that OpenML has of it."""

    def __init__(self, number: int, channels: int):
        rng = np.random.default_rng(number)
        self.pixels = rng.integers(0, 256, (IMAGES, channels * PIXELS))
        self.labels = np.arange(IMAGES) % 10
        names = [f"pixel{i + 1}" for i in range(channels * PIXELS)]
        rows = [",".join(map(str, [*row, label])) for row, label in zip(self.pixels, self.labels, strict=True)]
        head = [*(f"@ATTRIBUTE {name} real" for name in names), "@ATTRIBUTE class {0,1,2,3,4,5,6,7,8,9}"]
        arff = "\n".join(["@RELATION small", *head, "@DATA", *rows, ""]).encode()
        common = {"is_ignore": "false", "is_row_identifier": "false", "number_of_missing_values": "0"}
        features = [{"name": name, "data_type": "numeric", "is_target": "false", **common} for name in names]
        features.append({"name": "class", "data_type": "nominal", "is_target": "true", **common})
        for index, feature in enumerate(features):
            feature["index"] = str(index)
        description = {
            "id": str(number), "name": "small", "version": "1", "status": "active", "format": "ARFF", "description": "",
            "url": f"https://www.openml.org/data/v1/download/{number}/small.arff", "file_id": str(number),
            "default_target_attribute": "class", "md5_checksum": hashlib.md5(arff).hexdigest(),
        }  # fmt: skip
        self.asked, self._answers = [], {
            f"/json/data/{number}": json.dumps({"data_set_description": description}).encode(),
            f"/json/data/features/{number}": json.dumps({"data_features": {"feature": features}}).encode(),
            f"/json/data/qualities/{number}": json.dumps({"data_qualities": {"quality": []}}).encode(),
            f"/download/{number}/small.arff": arff,
        }  # fmt: skip

    def __call__(self, request) -> Answer:
        self.asked.append(request.full_url)
        (content,) = [content for end, content in self._answers.items() if request.full_url.endswith(end)]
        return Answer(content)


@pytest.fixture
def served(monkeypatch, tmp_path):
    def serve(name: str) -> Server:
        number, channels = openml._SETS[name]
        server = Server(number, channels)
        monkeypatch.setattr(fetching, "urlopen", server)
        return server

    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path))
    monkeypatch.setattr(openml, "_downloads", {})
    openml._prepared.cache_clear()
    yield serve
    openml._prepared.cache_clear()


@pytest.mark.parametrize("name", ["mnist", "fashion", "cifar10"])
def test_a_set_is_fetched_and_its_colours_averaged(served, name):
    server = served(name)
    pixels, labels = openml.fetched(name)
    want = server.pixels.reshape(IMAGES, -1, PIXELS).mean(axis=1)
    assert pixels.dtype == np.uint8 and np.abs(pixels - want).max() <= 0.5
    np.testing.assert_array_equal(labels, server.labels)
    data = lr.load_data(name, n_train=12, n_test=8)
    assert (data.in_dim, data.out_dim, len(data.x_train), len(data.x_test)) == (PIXELS, 10, 12, 8)
    np.testing.assert_allclose(np.linalg.norm(data.x_train, axis=1), np.sqrt(PIXELS))
    assert len(server.asked) == 4  # once, whoever asks


def test_only_so_many_images_are_read(served, monkeypatch):
    served("mnist")
    monkeypatch.setattr(openml, "IMAGES", 7)
    assert len(openml.fetched("mnist")[0]) == 7


def test_a_set_that_was_fetched_before_needs_no_network(served, monkeypatch):
    server = served("mnist")
    openml.fetched("mnist")
    monkeypatch.setattr(openml, "_downloads", {})
    monkeypatch.setattr(fetching, "urlopen", None)  # it would be called
    np.testing.assert_array_equal(openml.fetched("mnist")[1], server.labels)


def test_a_file_that_has_been_changed_on_its_way_is_refused_in_a_sentence(served):
    server = served("mnist")
    (name,) = [end for end in server._answers if end.endswith("arff")]
    server._answers[name] = server._answers[name].replace(b"@RELATION small", b"@RELATION smell")
    again = pytest.warns(RuntimeWarning, match="Invalid cache, redownloading")
    with again, pytest.raises(ValueError, match=r"mnist must be fetched from OpenML.*md5.*Try again"):
        openml.fetched("mnist")
