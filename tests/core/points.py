"""Points that kernels have to be right on."""


def special_points(rng):
    """Points in general position and a duplicate, a negative, a long, a short and a zero one."""
    x = rng.normal(size=(7, 3))
    x[2], x[3], x[4], x[5], x[6] = x[1], -x[1], 3 * x[1], x[0] / 10, 0.0
    return x
