"""Files of one's own: what they must be, and that what comes from anyone is refused in words."""

import io
import pickle
import struct
import zipfile

import numpy as np
import pytest

import lazyrich as lr
from lazyrich.data import files, held, hold
from lazyrich.data.files import MOST_BYTES, read_table
from tests.tolerances import assert_allclose


def npz(**arrays) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def archive(compression=zipfile.ZIP_DEFLATED, **members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as writer:
        for name, contents in members.items():
            writer.writestr(f"{name}.npy", contents)
    return stream.getvalue()


def header(shape: str, dtype: str = "<f8") -> bytes:
    words = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(words)) + words


def claiming(contents: bytes, size: int) -> bytes:
    """An archive of one member whose directory says that it unpacks to `size` bytes."""
    plain = archive(x=contents, y=contents)
    true = struct.pack("<I", len(contents))
    return plain.replace(true, struct.pack("<I", size))


X = np.array([[0.0, 5.0, 7.0], [2.0, 5.0, 1.0], [4.0, 5.0, 4.0], [6.0, 5.0, 0.0]])


def test_the_last_column_is_the_target_and_both_are_standardised():
    text = b"\xef\xbb\xbf\n0;5;7;10\r\n2;5;1;20\r\n4;5;4;30\r\n6;5;0;50\r\n\r\n"
    table = read_table("mine.CSV", text)
    varying = X[:, [0, 2]]
    assert_allclose(table.x[:, [0, 2]], (varying - varying.mean(axis=0)) / varying.std(axis=0))
    assert (table.x[:, 1] == 0).all()  # a constant column says nothing
    y = np.array([10.0, 20.0, 30.0, 50.0])
    assert_allclose(table.y[:, 0], (y - y.mean()) / y.std())


@pytest.mark.parametrize(
    ("names", "outputs"), [("y1,a,b,y2", 2), ("a,target,b,c", 1), ("a,b,c,d", 1), ('a,b,"c",Targets 3', 1)]
)
def test_columns_named_so_are_the_targets(names, outputs):
    table = read_table("a.csv", f"{names}\n1,2,3,5\n2,7,1,0\n3,3,8,1".encode())
    assert table.y.shape == (3, outputs) and table.x.shape == (3, 4 - outputs)
    first = {"y1,a,b,y2": [1, 2, 3], "a,target,b,c": [2, 7, 3]}.get(names, [5, 0, 1])
    order = np.argsort(first)
    assert (np.diff(table.y[order, 0]) > 0).all()


def test_a_column_of_labels_holds_classes():
    two = read_table("a.csv", b"x,label\n1,7\n2,3\n3,7\n")
    assert two.y.tolist() == [[1], [-1], [1]]
    three = read_table("a.npz", npz(x=X, y=np.array([4, 1, 9, 4])))
    assert_allclose(three.y, np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0]]) - 1 / 3)


def test_a_test_set_of_a_file_is_scaled_like_its_training_set_and_stays_one():
    key = hold("a.npz", npz(x_train=X, y_train=X[:, 0], x_test=X[:2] + 1.0, y_test=X[:2, 0]))
    data = lr.load_data("file", file=key, n_train=4, n_test=2)
    assert_allclose(np.sort(data.x_test[:, 0]), (np.array([1.0, 3.0]) - 3.0) / np.sqrt(5))
    assert_allclose(np.sort(data.y_test[:, 0]), (np.array([0.0, 2.0]) - 3.0) / np.sqrt(5))
    with pytest.raises(ValueError, match="file has 2 points, so n_test must not exceed that; got 3"):
        lr.load_data("file", file=key, n_train=4, n_test=3)


def test_the_rows_of_a_file_are_drawn_by_the_seed_and_none_is_both_trained_and_tested_on(rng):
    x = rng.normal(size=(30, 2))
    key = hold("a.npz", npz(x=x, y=x[:, 0]))
    one, same, other = (lr.load_data("file", file=key, n_train=20, n_test=10, seed=seed) for seed in (1, 1, 2))
    assert (one.x_train == same.x_train).all() and (one.x_train != other.x_train).any()
    assert len(np.unique(np.concatenate([one.x_train, one.x_test]), axis=0)) == 30
    with pytest.raises(ValueError, match=r"file has 30 points, so n_train \+ n_test must not exceed that; got 31"):
        lr.load_data("file", file=key, n_train=20, n_test=11)


HOSTILE = {
    "empty": ("a.csv", b"", "must have contents; got 'a.csv', which is empty"),
    "blank": ("a.csv", b"\n \n", "must have contents"),
    "nothing but a mark": ("a.csv", b"\xef\xbb\xbf", "two columns or more"),
    "another kind": ("a.exe", b"MZ", "must be a .csv or .npz; got 'a.exe'"),
    "too large": ("a.csv", b"1,2\n" * (MOST_BYTES // 4 + 1), "can be up to 10 MB; got a.csv of 10. Take"),
    "too many rows": ("a.csv", b"1,2\n" * 20_001, "20,000 rows and 4,096 columns; got 20,001 and 2"),
    "too many columns": ("a.csv", b",".join([b"1"] * 4097), "columns; got 1 and 4,097"),
    "no text": ("a.csv", b"\xff\xfe\x00,\x81", "must be text in UTF-8; got"),
    "words": ("a.csv", b"a,b\n1,2\nx,3\n", "must be numbers, equally many; got this: could not convert string 'x'"),
    "ragged": ("a.csv", b"a,b\n1,2\n3\n", "equally many; got this: .*number of columns changed from 2 to 1"),
    "a comment": ("a.csv", b"a,b\n1,2\n#,3\n", "must be numbers"),
    "nan": ("a.csv", b"a,b\n1,2\nnan,3\n", "The inputs must be finite; got 1 NaN or infinite of 2"),
    "infinite target": ("a.csv", b"a,b\n1,2\n3,inf\n", "targets must be finite; got 1 NaN or infinite of 2"),
    "enormous": ("a.csv", b"a,b\n1,2\n1e300,3\n", "below 1e.100; got 1e.300"),
    "one column": ("a.csv", b"a\n1\n2\n", "two columns or more, inputs and a target; got 1"),
    "names alone": ("a.csv", b"a,b\n", "below its 2 names; got 0 rows"),
    "targets alone": ("a.csv", b"y1,y2\n1,2\n3,4\n", "2 of them targets"),
    "fewer names": ("a.csv", b"a,b\n1,2,3\n3,4,5\n", "below its 2 names; got 2 rows of 3 numbers"),
    "constant inputs": ("a.csv", b"a,b\n1,2\n1,3\n", "inputs of a file must differ from point to point"),
    "constant targets": ("a.csv", b"a,b\n1,2\n2,2\n", "targets of a file must differ from point to point"),
    "labels that are none": ("a.csv", b"a,label\n1,0.5\n2,1\n", "Classes must be whole numbers"),
    "rubbish": ("a.npz", b"PK\x03\x04 rubbish", "must be what numpy.savez writes; got this"),
    "cut short": ("a.npz", npz(x=X, y=X)[:-40], "must be what numpy.savez writes; got this"),
    "other names": ("a.npz", npz(a=X, b=X), "arrays x and y, or .*; got none of these"),
    "no test targets": ("a.npz", npz(x_train=X, y_train=X, x_test=X), "got x_test, x_train, y_train"),
    "pickled": ("a.npz", npz(x=np.array([{}], dtype=object), y=X[:, 0]), "x must be an array of numbers; got object"),
    "a pickle": ("a.npz", archive(x=pickle.dumps(print), y=b""), "x must be an array in NumPy's format"),
    "text": ("a.npz", npz(x=np.array([["a"]] * 4), y=X[:, 0]), "x must be an array of numbers; got <U1"),
    "complex": ("a.npz", npz(x=X * 1j, y=X[:, 0]), "x must be an array of numbers; got complex128"),
    "other lengths": ("a.npz", npz(x=X, y=X[:3, 0]), "y must have one row for each of the 4 points; got 3"),
    "a cube": ("a.npz", npz(x=X[None], y=X[:, 0]), r"x must have shape \(points, dimensions\)"),
    "other columns": (
        "a.npz", npz(x_train=X, y_train=X, x_test=X[:, :2], y_test=X), "same number of columns; got 3 and 2",
    ),
    "other outputs": (
        "a.npz", npz(x_train=X, y_train=X, x_test=X, y_test=X[:, :2]), "same number of columns; got 3 and 2",
    ),
    "a header that lies": ("a.npz", archive(x=header("(10**9,)".replace("10**9", "1000000000")) + b"12345678", y=b""),
                           r"the size that its header says, \(1000000000,\); got 8 bytes"),
    "a header with a negative side": ("a.npz", archive(x=header("(-1, -1)") + b"12345678", y=b""), "got 8 bytes"),
    "a header that is code": ("a.npz", archive(x=header("(exit(),)"), y=b""), "in NumPy's format; got something else"),
    "a header of brackets": ("a.npz", archive(x=header("(" * 9000), y=b""), "in NumPy's format; got something else"),
    "a bomb": ("a.npz", archive(x=bytes(70_000_000), y=b""), "may unpack to 64 MB; got one that would take more"),
    "a bomb that lies": ("a.npz", claiming(bytes(65_000_000), 1000), "unpack to 64 MB|must be what numpy.savez writes"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "contents", "text"), HOSTILE.values(), ids=HOSTILE)
def test_a_file_that_makes_no_data_is_refused_in_words(name, contents, text):
    with pytest.raises(ValueError, match=text) as error:
        read_table(name, contents)
    assert str(error.value).endswith(".") and "got" in str(error.value)


def test_an_experiment_with_a_file_is_bound_to_its_bytes():
    one, same = (hold("my data.csv", b"1,2\n3,4\n5,7\n") for _ in range(2))
    other = hold("my data.csv", b"1,2\n3,4\n5,8\n")
    assert one == same != other
    assert one.startswith("my_data.csv@")
    assert lr.DataSpec("file", file=one).file == one


def test_where_a_file_is_not_in_memory_a_sentence_says_so():
    elsewhere = lr.DataSpec("file", n_train=2, n_test=1, file="mine.csv@0123456789abcdef")
    with pytest.raises(ValueError, match=r"got mine.csv, which was uploaded to another session, .*Upload .* again\."):
        lr.Experiment(data=elsewhere).load_data()
    with pytest.raises(ValueError, match=r"data of a file need one; got none\. Choose a CSV"):
        lr.load_data("file", n_train=2, n_test=1)


def test_memory_goes_to_the_files_used_last(monkeypatch):
    monkeypatch.setattr(held, "_tables", type(held._tables)())
    first, second = (hold("a.csv", f"1,2\n3,4\n5,{i}\n".encode()) for i in (7, 8))
    monkeypatch.setattr(held, "_MOST_BYTES", 2 * held.held(first).nbytes)
    third = hold("a.csv", b"1,2\n3,4\n5,9\n")
    held.held(third)
    held.held(first)  # was used after the second
    with pytest.raises(ValueError, match="Upload the file again"):
        held.held(second)


def test_the_python_code_of_an_uploaded_file_reads_it_where_it_lies(tmp_path, monkeypatch):
    contents = b"a,b,y\n" + b"".join(b"%d,%d,%d\n" % (i, i * i % 7, i % 3) for i in range(12))
    (tmp_path / "mine.csv").write_bytes(contents)
    data = lr.DataSpec("file", n_train=8, n_test=4, file=hold("mine.csv", contents))
    script = lr.Experiment(data=data, seed=3).to_python().split("theta =")[0]
    monkeypatch.setattr(held, "_tables", type(held._tables)())
    monkeypatch.chdir(tmp_path)
    scope = {}
    exec(script, scope)
    assert scope["data"].x_train.shape == (8, 2)


def test_the_limits_are_those_that_the_page_names():
    assert files.MOST_BYTES == MOST_BYTES == 10_000_000
