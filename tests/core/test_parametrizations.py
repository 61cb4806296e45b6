"""The abc classification against the named rows and its symmetry."""

import math

import pytest

import lazyrich as lr
from lazyrich.parametrizations import width_exponents


@pytest.mark.parametrize("depth", [1, 2, 5])
@pytest.mark.parametrize(
    ("name", "r", "regime"),
    [("ntk", 0.5, "kernel"), ("mup", 0.0, "feature learning"), ("mean_field", 0.0, "feature learning")],
)
def test_a_named_parametrization_has_its_regime(name, r, regime, depth):
    verdict = lr.classify(lr.abc(name, depth))
    assert verdict == lr.Verdict(r, stable=True, nontrivial=True, regime=regime)


def test_the_standard_one_is_unstable_until_its_learning_rate_falls_with_width():
    standard = lr.abc("standard", 3)
    assert lr.classify(standard).regime == "unstable"
    assert lr.classify(standard).r == -1.0
    slower = lr.classify(lr.ABC(standard.a, standard.b, c=1.0))
    assert slower == lr.Verdict(0.5, stable=True, nontrivial=True, regime="kernel")


def test_a_still_smaller_learning_rate_is_trivial():
    standard = lr.abc("standard", 3)
    assert lr.classify(lr.ABC(standard.a, standard.b, c=2.0)).regime == "trivial"


@pytest.mark.parametrize("shift", [-1.0, 0.25, 0.5])
@pytest.mark.parametrize("name", ["standard", "ntk", "mup", "mean_field"])
def test_shifting_weights_into_the_learning_rate_changes_nothing(name, shift):
    exponents = lr.abc(name, 3)
    shifted = lr.ABC(
        tuple(a + shift for a in exponents.a), tuple(b - shift for b in exponents.b), exponents.c - 2 * shift
    )
    assert lr.classify(shifted) == lr.classify(exponents)


def test_mean_field_is_mup_shifted():
    mup, mean_field = lr.abc("mup", 4), lr.abc("mean_field", 4)
    assert tuple(a + 0.5 for a in mup.a) == mean_field.a
    assert tuple(b - 0.5 for b in mup.b) == mean_field.b
    assert mup.c - 1 == mean_field.c


def test_the_output_scale_grows_with_width_in_mup_alone():
    for name, gamma in (("ntk", 0.3), ("standard", 0.3), ("mup", 0.3 * math.sqrt(400)), ("mean_field", 0.3 * 20)):
        assert lr.Network(width=400, parametrization=name, richness=0.3).gamma == pytest.approx(gamma)


@pytest.mark.parametrize("depth", [1, 2, 5])
@pytest.mark.parametrize("name", ["ntk", "mup", "mean_field"])
def test_a_named_parametrization_written_as_exponents_is_itself(name, depth):
    got, want = width_exponents(lr.abc(name, depth)), width_exponents(name)
    assert vars(got) == pytest.approx(vars(want))
    assert got.keeps_activations and got.keeps_rates


@pytest.mark.parametrize("shift", [-1.0, 0.25, 0.5])
@pytest.mark.parametrize("name", ["standard", "ntk", "mup", "mean_field"])
def test_shifted_exponents_make_the_same_network(name, shift):
    exponents = lr.abc(name, 3)
    shifted = lr.ABC(
        tuple(a + shift for a in exponents.a), tuple(b - shift for b in exponents.b), exponents.c - 2 * shift
    )
    assert vars(width_exponents(shifted)) == pytest.approx(vars(width_exponents(exponents)))


def test_bad_exponents_get_a_sentence():
    with pytest.raises(ValueError, match="one entry a layer"):
        lr.classify(lr.ABC((0.0,), (0.0,), 0.0))
    with pytest.raises(ValueError, match="c must be a finite number"):
        lr.classify(lr.ABC((0.0, 0.5), (0.0, 0.0), math.nan))
    with pytest.raises(ValueError, match="parametrization must be one of"):
        lr.abc("xavier", 2)
    with pytest.raises(ValueError, match="depth must be a whole number"):
        lr.abc("mup", 0)
