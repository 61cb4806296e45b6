"""What a slider moves is a runtime value: after a warm-up nothing is compiled again."""

import dataclasses

import numpy as np
import pytest

import lazyrich as lr

MOVES = 50


def moves(depths):
    """Experiments with every continuous field, the depth and the seed in another place each."""
    rng = np.random.default_rng(0)
    for move in range(MOVES):
        weight_var, bias_var, richness, rate, noise = rng.uniform(0.1, 1.0, 5)
        yield lr.Experiment(
            data=lr.DataSpec("circle", n_train=7, n_test=3, noise=noise),
            network=lr.Network(
                depths[move % len(depths)],
                8,
                lr.activation("leaky_relu", slope=rng.uniform(0, 0.5)),
                weight_var,
                bias_var,
                ("ntk", "mup", "mean_field")[move % 3],
                richness,
            ),
            training=lr.TrainingSpec(
                time=rng.uniform(1, 2),
                learning_rate=rate / 10 if move % 2 else None,
                seeds=2,
                checkpoints=4,
                centred=bool(move % 2),
                ntk_points=6,
            ),
            seed=move,
        )


def theory(experiment):
    data, net = experiment.load_data(), experiment.network
    theta = lr.eigensystem(lr.ntk(net, data.x_train))
    cross = lr.ntk(net, data.x_test, data.x_train)
    return lr.LinearDynamics(theta, data.y_train, cross).test_loss([0.0, 1.0, np.inf], data.y_test)


def any_loss(experiment):
    data, net, richness = experiment.load_data(), experiment.network, experiment.network.richness
    theta, cross = lr.ntk(net, data.x_train), lr.ntk(net, data.x_test, data.x_train)
    # A problem that is not stiff and one that is, with another parameter of the loss, ridge and time each move.
    results = [
        lr.loss_dynamics(
            theta, data.y_train, [0.0, richness, end], loss="huber", cross_ntk=cross, y_test=data.y_test,
            ridge=richness / 9, huber_delta=richness, rtol=1e-5, atol=1e-5,
        )
        for end in (1 + richness, 1e4 * (1 + richness))
    ]  # fmt: skip
    assert [result.method for result in results] == ["Tsitouras", "Runge-Kutta-Chebyshev"]
    return [result.test_loss.values for result in results]


def learning_curves(experiment):
    spectrum, noise = np.arange(1, 31.0) ** -(1 + experiment.network.richness), experiment.data.noise
    n = np.linspace(1, 20 + 20 * noise, 5)
    ridge = lr.optimal_ridge(spectrum, spectrum, n=n, noise=noise, k=30 * experiment.network.depth)
    return [lr.random_feature_risk(spectrum, spectrum, n=n, k=7 * experiment.network.depth, ridge=ridge).test]


def finite_networks(experiment):
    return [part.train_loss.values for part in experiment.train_stream()]


@pytest.mark.parametrize(
    "run, depths",
    [
        (theory, range(1, 40)),
        (learning_curves, range(1, 40)),
        (any_loss, range(1, 5)),
        (finite_networks, (5, 6, 7, 8)),
    ],
    ids=["theory", "learning_curves", "any_loss", "training_5_to_8_layers"],
)
def test_nothing_is_compiled_again_over_fifty_moves(run, depths, compilations):
    first, *others = moves(depths)
    run(first)
    for change in ({"centred": True}, {"learning_rate": 0.1}):
        run(dataclasses.replace(first, training=dataclasses.replace(first.training, **change)))
    compilations.clear()
    results = [run(experiment) for experiment in others]
    assert compilations == []
    assert len({np.asarray(result[-1]).tobytes() for result in results}) == MOVES - 1


def test_momentum_step_seed_and_the_number_of_steps_of_any_training_compile_nothing_again(compilations):
    data = lr.load_data("circle", n_train=7, n_test=3)

    def run(seed, learning_rate, momentum, steps):
        lr.train(
            lr.Network(3, 16, "tanh"), data, time=[steps * learning_rate], learning_rate=learning_rate, seeds=2,
            seed=seed, momentum=momentum, batch_size=3, record=("loss", "movement"),
        )  # fmt: skip

    run(0, 0.1, 0.5, 3)
    compilations.clear()
    run(5, 0.03, 0.9, 17)
    assert compilations == []
