"""Mercer spectra on the circle and on spheres."""

import numpy as np
import pytest
from scipy.special import comb, gammaln, iv

import lazyrich as lr
from lazyrich.spectra.mercer import spectrum_of_curve
from tests.tolerances import assert_allclose


def relu_curve(angles):
    """The arc-cosine kernel of order 1 (Cho & Saul 2009), scaled to 1 at angle 0."""
    return (np.sin(angles) + (np.pi - angles) * np.cos(angles)) / np.pi


def circle(n):
    a = 2 * np.pi * np.arange(n) / n
    return np.sqrt(2) * np.stack([np.cos(a), np.sin(a)], axis=1)


@pytest.mark.parametrize("dim", [2, 3, 5, 20, 100])
def test_an_exponential_of_the_cosine_has_bessel_functions_for_eigenvalues(dim):
    got = spectrum_of_curve(lambda angles: np.exp(2 * np.cos(angles)), dim, 40)
    order = (dim - 2) / 2
    want = np.exp(gammaln(order + 1)) * iv(np.arange(40) + order, 2.0)
    # To the rounding of each degree, which is far below that of the first.
    assert (np.abs(got.eigenvalues - want) <= got.resolution).all()
    assert_allclose(got.eigenvalues, want)


@pytest.mark.parametrize("dim, power", [(2, 5), (3, 4), (7, 3)])
def test_a_power_of_the_cosine_has_its_degrees_and_lower_ones_of_its_parity_alone(dim, power):
    got = spectrum_of_curve(lambda angles: np.cos(angles) ** power, dim, 12)
    present = (np.arange(12) <= power) & (np.arange(12) % 2 == power % 2)
    assert ((got.eigenvalues > got.resolution) == present).all()
    assert_allclose((got.multiplicities * got.eigenvalues).sum(), 1.0)
    if dim == 2:  # cos^5 a = (10 cos a + 5 cos 3a + cos 5a) / 16
        assert_allclose(got.eigenvalues[[1, 3, 5]], np.array([10, 5, 1]) / 32)


def test_a_network_without_hidden_nonlinearity_has_one_degree():
    got = lr.mercer_spectrum(lr.Network(3, activation="identity"), 4, 6, "nngp")
    assert_allclose(got.eigenvalues, np.array([0, 0.25, 0, 0, 0, 0]) * got.trace)


def test_the_relu_kernel_has_its_fourier_coefficients_to_high_degrees():
    got = lr.mercer_spectrum(lr.Network(1, weight_var=2.0), 2, 1001, "nngp").eigenvalues / 2
    even = np.arange(0, 1001, 2)
    # By parts twice: (1/pi) int_0^pi relu_curve cos(m a) da = 4 / (pi (m^2 - 1))^2 for even m.
    want = 4 / (np.pi * (even**2 - 1.0)) ** 2
    assert_allclose(got[even], want)
    assert (np.abs(got[even] / want - 1) < 0.01)[:250].all()  # 1e-13 beside a trace of 1
    assert_allclose(got[1], 0.25)


@pytest.mark.parametrize("dim", [2, 3, 10])
def test_one_hidden_relu_layer_has_no_odd_degrees_above_one_without_bias(dim):
    # Basri et al. 2019, theorem 1 and section 4; Bietti & Mairal 2019, proposition 5.
    got = lr.mercer_spectrum(lr.Network(1), dim, 30)
    odd = np.arange(3, 30, 2)
    assert (np.abs(got.eigenvalues[odd]) <= got.resolution[odd]).all()
    assert (got.eigenvalues[np.r_[0, 1, 2:16:2]] > 100 * got.resolution[np.r_[0, 1, 2:16:2]]).all()
    biased = lr.mercer_spectrum(lr.Network(1, bias_var=0.1), dim, 16)
    assert (biased.eigenvalues > 100 * biased.resolution).all()


def test_gram_spectra_of_a_regular_polygon_are_aliased_fourier_coefficients():
    net, n, degrees = lr.Network(2, bias_var=0.1), 32, 2000
    got = lr.mercer_spectrum(net, 2, degrees)
    # cos(m a) on n points is cos((m mod n) a): each degree adds to the frequencies m and -m modulo n.
    want = np.zeros(n)
    np.add.at(want, np.arange(degrees) % n, got.eigenvalues)
    np.add.at(want, -np.arange(1, degrees) % n, got.eigenvalues[1:])
    gram = lr.eigensystem(lr.ntk(net, circle(n))).values / n
    # What lies above degree 2,000 is about the same for each frequency.
    assert np.abs(np.sort(want)[::-1] - gram).max() < 2 * got.remainder / n
    assert got.remainder < 1e-4 * got.trace


@pytest.mark.parametrize("kind", ["nngp", "ntk"])
@pytest.mark.parametrize("dim", [3, 5])
def test_the_gram_spectrum_of_a_sample_fluctuates_about_it(dim, kind, rng):
    net, n = lr.Network(2), 500
    x = rng.normal(size=(n, dim))
    x *= np.sqrt(dim) / np.linalg.norm(x, axis=1, keepdims=True)
    spectrum = lr.mercer_spectrum(net, dim, 40, kind)
    gram = lr.eigensystem(getattr(lr, kind)(net, x)).values / n
    ends = np.cumsum(spectrum.multiplicities).astype(int)[:3]
    for degree, (start, end) in enumerate(zip(np.r_[0, ends[:-1]], ends, strict=True)):
        # The mean of N_m eigenvalues: a relative fluctuation of sqrt(2/(n N_m)) and, of second order, N_m/n or less.
        allowed = 5 * np.sqrt(2 / (n * (end - start))) + 2 * ends[-1] / n
        assert abs(gram[start:end].mean() / spectrum.eigenvalues[degree] - 1) < allowed
    assert_allclose(spectrum.flat(int(ends[-1])), np.repeat(spectrum.eigenvalues[:3], np.diff(np.r_[0, ends])))


@pytest.mark.parametrize("activation", ["relu", "erf", "gelu", "tanh", "sign"])
def test_the_trace_is_the_diagonal_and_the_remainder_shrinks_to_nothing(activation):
    net = lr.Network(2, activation=activation)
    spectra = [lr.mercer_spectrum(net, 3, degrees, "nngp") for degrees in (10, 80, 640)]
    assert_allclose(spectra[0].trace, float(lr.nngp(net, np.sqrt(3) * np.eye(3)[:1])[0, 0]))
    shares = [spectrum.remainder / spectrum.trace for spectrum in spectra]
    assert 1 > shares[0] > 0 and shares[1] < max(shares[0], 1e-11) and shares[2] < max(shares[1], 1e-11)
    # sign: k(1) - k falls as a root of the angle; the others are smoother.
    assert shares[2] < (0.2 if activation == "sign" else 1e-5)
    assert_allclose(spectra[1].eigenvalues, spectra[2].eigenvalues[:80], relative=1e-9)  # of the numerical duals


def test_a_deep_network_varies_near_its_ends_and_is_still_resolved():
    shallow, deep = (lr.mercer_spectrum(lr.Network(200), 3, degrees) for degrees in (50, 400))
    assert_allclose(shallow.eigenvalues, deep.eigenvalues[:50])
    # In depth the kernel is 1/4 for every angle but 0 (theory of the infinite depth): one large eigenvalue.
    assert 0.2 < deep.eigenvalues[0] / deep.trace < 0.35


@pytest.mark.parametrize("dim", [2, 3, 4, 9])
def test_the_multiplicities_are_those_of_harmonic_polynomials(dim):
    # Homogeneous polynomials of degree m less those of degree m - 2, which are |x|^2 times one.
    m = np.arange(12)
    want = comb(m + dim - 1, dim - 1) - np.where(m >= 2, comb(m + dim - 3, dim - 1), 0)
    assert_allclose(lr.mercer_spectrum(lr.Network(1), dim, 12).multiplicities, want)
