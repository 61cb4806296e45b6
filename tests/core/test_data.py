"""Data sets: what is drawn, and that a seed draws it again."""

from types import SimpleNamespace
from urllib.error import URLError

import numpy as np
import pytest
from sklearn.datasets import load_digits

import lazyrich as lr
from lazyrich.data import FETCHED, MAKERS, NAMES, OPTIONS, largest_sizes, openml, plane_grid
from tests.tolerances import assert_allclose

every_maker = pytest.mark.parametrize("name", sorted(MAKERS))
ARRAYS = ("x_train", "y_train", "x_test", "y_test")


@every_maker
def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(name):
    one, same, other = (lr.load_data(name, n_train=20, n_test=10, noise=0.1, seed=seed) for seed in (3, 3, 4))
    assert all((getattr(one, array) == getattr(same, array)).all() for array in ARRAYS)
    for array in ("x_train", "y_train", "x_test"):
        assert (getattr(one, array) != getattr(other, array)).any()


@every_maker
def test_no_test_point_is_a_training_point(name):
    data = lr.load_data(name, n_train=100, n_test=100)
    points = np.concatenate([data.x_train, data.x_test])
    assert len(np.unique(points, axis=0)) == 200
    assert data.x_train.shape == (100, data.in_dim) and data.y_test.shape == (100, data.out_dim)


@every_maker
def test_noise_is_a_variance_and_touches_the_training_targets_alone(name):
    clean, noisy = (lr.load_data(name, n_train=800, n_test=20, noise=noise) for noise in (0.0, 0.25))
    for array in ("x_train", "x_test", "y_test"):
        assert (getattr(clean, array) == getattr(noisy, array)).all()
    added = noisy.y_train - clean.y_train
    # Five standard errors of a mean and of a variance of Gaussian numbers.
    assert abs(added.mean()) < 5 * 0.5 / np.sqrt(added.size)
    assert abs(added.var() - 0.25) < 5 * 0.25 * np.sqrt(2 / added.size)


@pytest.mark.parametrize("name", sorted(set(MAKERS) - {"regression", "spirals"}))
def test_inputs_have_norm_root_dimension(name):
    x = lr.load_data(name, n_train=30, n_test=5).x_train
    assert_allclose((x**2).sum(axis=1), np.full(30, float(x.shape[1])))


def test_digits_are_the_real_images_with_their_labels():
    data = lr.load_data("digits", n_train=1000, n_test=797)
    images, labels = load_digits(return_X_y=True)
    centred = images - images.mean(axis=0)
    want = 8 * centred / np.linalg.norm(centred, axis=1, keepdims=True)
    x, y = (np.concatenate([getattr(data, f"{v}_{s}") for s in ("train", "test")]) for v in "xy")
    # All images are there, in another order: match each to its own by its inner products.
    order = (want @ x.T).argmax(axis=0)
    assert sorted(order) == list(range(1797))
    assert_allclose(x, want[order])
    assert_allclose(y, (labels[order][:, None] == np.arange(10)) - 0.1)


def test_the_circle_and_the_line_carry_their_waves():
    data = lr.load_data("circle", n_train=50, n_test=5)
    a = np.arctan2(*data.x_train.T[::-1])
    assert_allclose(data.y_train[:, 0], np.cos(a) + np.sin(3 * a) / 2 + np.cos(7 * a) / 4)
    data = lr.load_data("regression", n_train=50, n_test=5)
    x = data.x_train[:, 0]
    assert_allclose(data.y_train[:, 0], np.sin(2 * x) + np.sin(9 * x) / 4)
    assert -2 <= x.min() < -1.5 and 1.5 < x.max() <= 2


def test_the_spheres_teacher_is_centred_with_unit_variance():
    y = lr.load_data("sphere", n_train=5000, n_test=5).y_train
    # Sampling errors of 5,000 points and of the teacher's own 10,000.
    error = np.sqrt(1 / 5000 + 1 / 10_000)
    assert abs(y.mean()) < 5 * error and abs(y.var() - 1) < 5 * np.sqrt(3) * error


def test_the_target_function_does_not_depend_on_the_size_of_the_sample():
    small, large = (lr.load_data("sphere", n_train=n, n_test=10, seed=1) for n in (20, 40))
    for one, other in ((small.x_train, large.x_train), (small.y_train, large.y_train)):
        assert_allclose(one, other[:20])


def test_a_vector_of_targets_is_one_output_and_arrays_are_read_only_copies(rng, production):
    x, y = rng.normal(size=(5, 2)), rng.normal(size=5)
    data = lr.Dataset(x_train=x, y_train=y, x_test=x.tolist(), y_test=y > 0, name="mine")
    assert data.y_train.shape == (5, 1) and data.x_test.dtype == data.y_test.dtype == np.float64
    kept = x.copy()
    x[0] = 100.0
    assert (data.x_train == kept).all()
    with pytest.raises(ValueError, match="read-only"):
        data.x_train[0] = 0.0


def test_asking_for_more_images_than_there_are_is_refused():
    with pytest.raises(ValueError, match=r"digits has 1797 images.*got 1798\. Ask for fewer"):
        lr.load_data("digits", n_train=1797, n_test=1)


@pytest.mark.parametrize("classes", [(3, 8), (8, 3.0, 3)], ids=["as_they_are", "in_another_order"])
def test_two_classes_are_one_output_of_minus_and_plus_one(classes, production):
    data = lr.load_data("digits", n_train=200, n_test=157, classes=classes)
    _, labels = load_digits(return_X_y=True)
    y = np.concatenate([data.y_train, data.y_test])
    assert y.shape == (357, 1)
    assert ((y == -1).sum(), (y == 1).sum()) == ((labels == 3).sum(), (labels == 8).sum())
    assert_allclose((data.x_train**2).sum(axis=1), np.full(200, 64.0))
    with pytest.raises(ValueError, match=r"357 images of the classes 3, 8.*got 358\. Ask for fewer"):
        lr.load_data("digits", n_train=200, n_test=158, classes=classes)


def test_three_classes_are_one_hot_outputs_less_a_third():
    y = lr.load_data("digits", n_train=300, n_test=1, classes=(0, 1, 7)).y_train
    assert y.shape == (300, 3)
    assert_allclose(np.sort(y, axis=1), np.tile([-1 / 3, -1 / 3, 2 / 3], (300, 1)))


def test_all_ten_classes_are_the_same_spec_as_no_choice(production):
    assert lr.DataSpec(classes=range(10)) == lr.DataSpec()


def test_parity_is_the_product_of_the_first_coordinates_of_different_corners():
    data = lr.load_data("parity", n_train=40, n_test=24, in_dim=6, degree=4)
    x, y = np.concatenate([data.x_train, data.x_test]), np.concatenate([data.y_train, data.y_test])
    assert len(np.unique(x, axis=0)) == 64 and set(np.unique(x)) == {-1.0, 1.0}
    for corner, target in zip(x, y[:, 0], strict=True):
        assert target == corner[0] * corner[1] * corner[2] * corner[3]
    assert y.sum() == 0  # all corners are there
    with pytest.raises(ValueError, match=r"parity has 64 points, so n_train \+ n_test must not exceed that; got 65"):
        lr.load_data("parity", n_train=40, n_test=25, in_dim=6)
    with pytest.raises(ValueError, match=r"degree <= in_dim must hold; got degree 7, in_dim 6\. Raise"):
        lr.load_data("parity", n_train=4, n_test=2, in_dim=6, degree=7)


def test_parity_in_sixty_dimensions_is_drawn_without_listing_its_corners():
    x = lr.load_data("parity", n_train=500, n_test=1, in_dim=60).x_train
    # Five standard errors of the mean of random signs.
    assert np.abs(x.mean(axis=0)).max() < 5 / np.sqrt(500)


@pytest.mark.parametrize(
    ("degree", "leap", "monomials"),
    [(3, 1, ((0,), (0, 1), (0, 1, 2))), (3, 3, ((0, 1, 2),)), (5, 2, ((0, 1), (0, 1, 2, 3), (0, 1, 2, 3, 4)))],
)
def test_the_staircase_adds_as_many_coordinates_at_a_time_as_its_leap(degree, leap, monomials):
    data = lr.load_data("staircase", n_train=100, n_test=28, in_dim=7, degree=degree, leap=leap)
    x, y = np.concatenate([data.x_train, data.x_test]), np.concatenate([data.y_train, data.y_test])
    expected = sum(x[:, list(monomial)].prod(axis=1) for monomial in monomials) / np.sqrt(len(monomials))
    assert_allclose(y[:, 0], expected)
    assert abs(y.mean()) < 1e-12 and abs(y.var() - 1) < 1e-12  # over all 128 corners


def test_the_spirals_are_balanced_arms_of_which_one_is_the_other_turned_around():
    data = lr.load_data("spirals", n_train=1000, n_test=1001, turns=2.0)
    assert data.y_train.sum() == 0 and abs(data.y_test.sum()) == 1
    radius = np.linalg.norm(data.x_train, axis=1) / 2
    along = data.y_train * data.x_train  # all on the one arm
    assert_allclose(np.cos(4 * np.pi * radius) * 2 * radius, along[:, 0])
    assert_allclose(np.sin(4 * np.pi * radius) * 2 * radius, along[:, 1])
    # r^2 is uniform: five standard errors of its mean.
    assert abs((radius**2).mean() - 0.5) < 5 * np.sqrt(1 / 12 / 1000)


def test_a_grid_over_the_plane_covers_all_points_row_by_row():
    data = lr.load_data("spirals", n_train=30, n_test=20)
    grid, inputs = plane_grid(data, side=7), np.concatenate([data.x_train, data.x_test])
    assert grid.points.shape == (49, 2)
    assert (grid.points.min(axis=0) < inputs.min(axis=0)).all() and (grid.points.max(axis=0) > inputs.max(axis=0)).all()
    np.testing.assert_array_equal(grid.points[8:10], [[grid.x[1], grid.y[1]], [grid.x[2], grid.y[1]]])
    one = lr.Dataset(
        x_train=np.ones((1, 2)), y_train=np.ones((1, 1)), x_test=np.ones((1, 2)), y_test=np.ones((1, 1)), name="one"
    )
    assert np.ptp(plane_grid(one).x) > 0


def test_own_points_are_the_training_set_and_the_test_set_is_that_of_regression():
    data = lr.load_data("points", n_train=99, n_test=7, points=((0.5, -1.0), (-1.234, 0.126)), seed=2)
    assert data.x_train.tolist() == [[-1.23], [0.5]] and data.y_train.tolist() == [[0.13], [-1.0]]
    x = data.x_test[:, 0]
    assert_allclose(data.y_test[:, 0], np.sin(2 * x) + np.sin(9 * x) / 4)


@pytest.mark.parametrize("text", ["-1.23, 0.13; 0.5 -1", "0.5_-1~-1.23_0.13", "-1.23, 0.13\n\n0.5,-1\n"])
def test_own_points_can_be_written_as_text(text, production):
    assert lr.DataSpec("points", points=text).points == ((-1.23, 0.13), (0.5, -1.0))


def test_every_data_set_has_its_options_and_no_others():
    assert {name for name in NAMES if "classes" in OPTIONS[name]} == {"digits", *FETCHED}
    assert list(OPTIONS["staircase"]) == ["in_dim", "degree", "leap"]
    assert lr.DataSpec("staircase").options == {"in_dim": 10, "degree": 3, "leap": 1}
    assert set(OPTIONS) == set(NAMES)


@pytest.mark.filterwarnings("ignore:A network error occurred:UserWarning")  # scikit-learn's, before it tries again
def test_images_from_openml_need_a_network_and_say_so(monkeypatch, tmp_path):
    calls, seen = [], []

    def cut_off(*_, **__):
        calls.append(1)
        raise URLError("no route to host")

    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path))
    monkeypatch.setattr("sklearn.datasets._openml.urlopen", cut_off)
    for _ in range(2):  # a download that failed is tried again
        with pytest.raises(
            ValueError, match=r"mnist must be fetched .* needs a network; got URLError.*no route.*\. Try"
        ):
            lr.load_data("mnist", n_train=3, n_test=2)
        seen.append(len(calls))
    assert seen[1] == 2 * seen[0] > 0


def test_a_download_that_does_not_come_is_waited_for_but_not_for_ever(monkeypatch):
    monkeypatch.setattr(openml, "_downloads", {"fashion": openml.Future()})
    with pytest.raises(ValueError, match=r"fashion must be fetched from OpenML first; got nothing yet\. The"):
        openml.fetched("fashion", 0.01)


def test_images_from_openml_are_grey_centred_and_drawn_by_the_seed(monkeypatch, rng):
    pixels, labels = rng.integers(0, 256, (400, 3 * 16)), rng.integers(0, 10, 400).astype(str)
    got = SimpleNamespace(data=pixels.astype(object), target=labels.astype(object))
    asked = []
    monkeypatch.setattr(openml, "fetch_openml", lambda **arguments: asked.append(arguments) or got)
    monkeypatch.setattr(openml, "_downloads", {})
    openml._prepared.cache_clear()
    one, same = (lr.load_data("cifar10", n_train=9, n_test=4, classes=(1, 2), seed=5) for _ in range(2))
    lr.load_data("cifar10", n_train=300, n_test=100)
    openml._prepared.cache_clear()
    assert len(asked) == 1 and asked[0]["read_csv_kwargs"]["nrows"] == 10_000
    assert (one.x_train == same.x_train).all()
    grey = pixels.reshape(400, 3, 16).mean(axis=1).round()[np.isin(labels, ["1", "2"])]
    grey -= grey.mean(axis=0)
    cosines = grey @ one.x_train.T / np.linalg.norm(grey, axis=1)[:, None] / 4
    assert_allclose(cosines.max(axis=0), np.ones(9))
    assert (
        labels[np.isin(labels, ["1", "2"])][cosines.argmax(axis=0)] == np.where(one.y_train[:, 0] > 0, "2", "1")
    ).all()
    assert largest_sizes(lr.DataSpec("cifar10")).both == 10_000
    monkeypatch.setattr(openml, "_downloads", {"cifar10": openml.download("cifar10")})
    with pytest.raises(ValueError, match=r"cifar10 has 400 images .*got 401\. Ask"):
        lr.load_data("cifar10", n_train=300, n_test=101)
    openml._prepared.cache_clear()


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"classes": (3,)}, r"classes must be at least two different ones; got \[3\]. Choose"),
        ({"classes": "3,8"}, "classes must be a tuple of whole numbers; got '3,8'. Write"),
        ({"classes": (3, 12)}, "an entry of classes must be a whole number from 0 to 9; got 12"),
        ({"name": "circle", "classes": (3, 8)}, "classes must be left out but for digits, .*; got it for circle"),
        ({"name": "parity", "in_dim": 61}, "in_dim must be a whole number from 1 to 60; got 61"),
        ({"name": "parity", "degree": 0}, "degree must be a whole number from 1 to 60; got 0"),
        ({"name": "staircase", "leap": 1.5}, "leap must be a whole number from 1 to 60; got 1.5"),
        ({"name": "spirals", "turns": float("nan")}, "turns must be a finite number of at least 0; got nan"),
        ({"name": "points", "points": ()}, "points must be 1 to 24 pairs; got 0. Add"),
        ({"name": "points", "points": ((0, 0),) * 25}, "points must be 1 to 24 pairs; got 25. Add"),
        ({"name": "points", "points": ((0, 1, 2),)}, r"points must be pairs of numbers; got \(\(0, 1, 2\),\). Write"),
        ({"name": "points", "points": 5}, "points must be pairs of numbers; got 5. Write"),
        ({"name": "points", "points": "0 1 2"}, "points must be pairs of numbers; got '0 1 2'. Write"),
        ({"name": "points", "points": "a b"}, "points must be pairs of numbers; got 'a b'. Write"),
        ({"name": "points", "points": ((5, 0),)}, "x of a point must be a number from -2 to 2; got 5. Move"),
        ({"name": "points", "points": "nan 0"}, "x of a point must be a finite number; got nan"),
        ({"name": "points", "noise": 0.5}, "noise must be 0 for own points; got 0.5. Move"),
        ({"name": "file", "file": "../etc/passwd"}, "file must be what lazyrich.data.hold returned; got '../etc"),
    ],
)  # fmt: skip
def test_an_option_that_makes_no_sense_is_refused_in_words(fields, text, production):
    with pytest.raises(ValueError, match=text):
        lr.DataSpec(**fields)


def test_an_unknown_option_is_refused_in_words():
    with pytest.raises(ValueError, match=r"The options of data must be among classes, .*; got 'klasses'. Remove"):
        lr.load_data("digits", klasses=(3, 8))
