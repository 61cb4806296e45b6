"""The rich limit of one hidden layer, against particles marched by hand and against the lazy limit."""

import numpy as np
import pytest

import lazyrich as lr


@pytest.fixture(scope="module")
def data():
    return lr.load_data("sphere", n_train=4, n_test=3, seed=1)


def marched(data, richness, steps, learning_rate, particles, rng):
    """f on training and test points after each step: preactivations on all points, drawn from their Gaussian."""
    x = np.concatenate([data.x_train, data.x_test])
    n, kernel = len(data.x_train), x @ x.T / x.shape[1]
    values, vectors = np.linalg.eigh(kernel)
    h = (rng.standard_normal((particles, len(x))) * np.sqrt(np.maximum(values, 0))) @ vectors.T
    z = rng.standard_normal(particles)
    start = z @ np.tanh(h) / (richness * particles)
    result = []
    for _ in range(steps + 1):
        f = z @ np.tanh(h) / (richness * particles) - start
        result.append(f)
        delta = data.y_train[:, 0] - f[:n]
        signal = z[:, None] * (1 - np.tanh(h[:, :n]) ** 2)
        z = z + learning_rate * richness / n * np.tanh(h[:, :n]) @ delta
        h = h + learning_rate * richness / n * (signal * delta) @ kernel[:n]
    return np.array(result)


@pytest.mark.parametrize("richness", [0.3, 2.0])
def test_it_follows_particles_drawn_from_the_gaussian_process(data, richness, rng):
    net = lr.Network(depth=1, activation="tanh", weight_var=1.0)
    times = 0.3 * np.arange(31)
    run = lr.mean_field(net, data, time=times, learning_rate=0.3, richness=richness, particles=20_000)
    by_hand = [marched(data, richness, 30, 0.3, 20_000, rng) for _ in range(2)]
    got = np.concatenate([run.f_train.values, run.f_test.values], axis=1)[..., 0]
    # Both are samples of 20,000 particles: the two made by hand say how far such samples are apart.
    spread = np.abs(by_hand[0] - by_hand[1]).max()
    assert np.abs(got - by_hand[0]).max() < 4 * spread + 1e-3
    assert np.abs(got[-1]).max() > 0.1  # it has moved far beyond that


def test_the_lazy_limit_is_linear_dynamics(data):
    net = lr.Network(depth=1, activation="tanh", weight_var=1.0)
    run = lr.mean_field(net, data, time=[5.0, 20.0], learning_rate=0.25, richness=0.01)
    flow = lr.LinearDynamics(
        lr.ntk(net, data.x_train),
        data.y_train,
        cross_ntk=lr.ntk(net, data.x_test, data.x_train),
        learning_rate=0.25,
    )
    # The kernel of 20,000 particles is off by a few 1/sqrt(20,000) = 0.7 %.
    np.testing.assert_allclose(run.f_train.values, flow.train(run.time.values), atol=0.03)
    np.testing.assert_allclose(run.f_test.values, flow.test(run.time.values), atol=0.03)


def test_the_kernel_moves_more_the_richer(data):
    net = lr.Network(depth=1, activation="tanh", weight_var=1.0)
    moved = []
    for richness in (0.05, 1.0, 3.0):
        run = lr.mean_field(net, data, time=20.0, richness=richness, particles=4000, record=("ntk",))
        moved.append(lr.kernel_distance(run.ntk[-1], run.ntk[0]))
    assert moved[0] < 0.01 < 0.1 < moved[1] < moved[2]


def test_deeper_networks_are_refused(data):
    with pytest.raises(ValueError, match="The mean-field limit is for one hidden layer; got depth 2"):
        lr.mean_field(lr.Network(depth=2), data, time=1.0)
