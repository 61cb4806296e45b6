"""Data sets: what is drawn, and that a seed draws it again."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

import lazyrich as lr
from lazyrich.data import MAKERS
from tests.tolerances import assert_allclose

every_maker = pytest.mark.parametrize("name", sorted(MAKERS))
ARRAYS = ("x_train", "y_train", "x_test", "y_test")


@every_maker
def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(name):
    one, same, other = (lr.load_data(name, n_train=20, n_test=10, noise=0.1, seed=seed) for seed in (3, 3, 4))
    for array in ARRAYS:
        assert (getattr(one, array) == getattr(same, array)).all()
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


@pytest.mark.parametrize("name", sorted(set(MAKERS) - {"regression"}))
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
