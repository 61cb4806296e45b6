"""How closely numbers must agree, by their precision; the one place that says so."""

import numpy as np

# A few thousand roundings, of random sign, through a few layers: well above what was seen and far
# below any error of a formula.
RELATIVE = {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 1e-5}


def assert_allclose(got, want, relative: float | None = None) -> None:
    """Assert that `got` is `want` to a tolerance relative to the largest entry of `want`.

    Arrays have the shape of one another, and NaN agrees with nothing. The tolerance is that of the
    coarser of the two precisions; where `relative` is given, its reason stands beside it.
    """
    got, want = np.asarray(got), np.asarray(want)
    if relative is None:
        relative = max(RELATIVE.get(array.dtype, 0.0) for array in (got, want))
    assert got.shape == want.shape, f"shapes {got.shape} and {want.shape}"
    largest = np.abs(want).max(initial=0.0)
    error = np.abs(got - want)
    worst = np.unravel_index(np.argmax(error), error.shape)
    assert (error <= relative * largest).all(), (
        f"{got[worst]} in place of {want[worst]} at {[int(i) for i in worst]}: "
        f"off by {error[worst]:.3g}, allowed {relative * largest:.3g}"
    )
