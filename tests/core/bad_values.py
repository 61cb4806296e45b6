"""Bad values of each kind of argument, and what the refusal says of each."""

import numpy as np

import lazyrich as lr

HUGE = 10**400  # beyond float64
NAN, INF = np.nan, np.inf
RAGGED = [[1.0, 2.0], [3.0]]

_NO_ARRAY = {
    "text": ("steep", "must be an array of numbers; got str"),
    "none": (None, "must be an array of numbers; got NoneType"),
    "flag": (True, "must be an array of numbers; got bool"),
    "ragged": (RAGGED, "must be an array of numbers; got list"),
    "texts": ([["1.5", "2"]], "must be an array of numbers; got list"),
    "complex": (np.ones((3, 2)) * 1j, "must be an array of numbers; got ndarray of complex128"),
    "huge": ([[HUGE, 1]], "must be an array of numbers; got list"),
}
_NOT_FINITE = {
    "nan": ([[NAN, 1.0]], "must be finite; got 1 NaN or infinite of 2 numbers"),
    "infinite": ([[1.0, -INF]], "must be finite; got 1 NaN or infinite of 2 numbers"),
}
_SHAPE_OF_POINTS = {
    "vector": ([1.0, 2.0], r"shape \(points, dimensions\).*got \(2,\)"),
    "cube": (np.ones((2, 2, 2)), r"shape \(points, dimensions\).*got \(2, 2, 2\)"),
    "empty": (np.ones((0, 2)), r"shape \(points, dimensions\).*got \(0, 2\)"),
    "no_dimension": (np.ones((3, 0)), r"shape \(points, dimensions\).*got \(3, 0\)"),
}
_SHAPE_OF_TARGETS = {
    "too_many": (np.ones(4), "one row for each of the 3 points; got 4"),
    "empty": (np.ones((0, 1)), "one row for each of the 3 points; got 0"),
    "cube": (np.ones((3, 1, 1)), r"shape \(points, outputs\).*got \(3, 1, 1\)"),
    "no_output": (np.ones((3, 0)), r"shape \(points, outputs\).*got \(3, 0\)"),
    "one_number": (1.0, r"shape \(points, outputs\).*got \(\)"),
}
_SHAPE_OF_MATRIX = {
    "vector": (np.ones(3), "must have shape"),
    "empty": (np.ones((0, 0)), "no side empty"),
    "cube": (np.ones((3, 3, 3)), "must have shape"),
}
_SHAPE_OF_VECTOR = {
    "cube": (np.ones((2, 2, 2)), "must "),
    "empty": ([], "must |ranks over a factor of at least 8; got 1 to 0 of 0"),
}
NO_NUMBER = {
    "text": ("3", "got '3'"),
    "none": (None, "got None"),
    "flag": (True, "got True"),
    "list": ([1, 2], r"got \[1, 2\]"),
    "nan": (NAN, "got nan"),
    "infinite": (INF, "got inf"),
    "huge": (HUGE, "got 1000"),
    "complex": (1j, "got 1j"),
}
_WHOLE = {"fraction": (1.5, "a whole number from .* got 1.5"), "negative": (-1, "got -1")}
_NUMBER = {"negative": (-0.5, "finite number .*; got -0.5")}
NAME = {
    "unknown": ("swish9000", "must be one of .*; got 'swish9000'"),
    "none": (None, "must be one of .*; got None"),
    "number": (5, "must be one of .*; got 5"),
    "list": (["relu"], r"must be one of .*; got \['relu'\]"),
}
FLAG = {"text": ("no", "True or False; got 'no'"), "number": (1, "True or False; got 1")}
_TIMES = {
    "negative": (-1.0, "at least 0.*got -1"),
    "nan": ([1.0, NAN], "at least 0"),
    "matrix": ([[1.0], [2.0]], r"got \[\[1"),
}
_FINITE_TIMES = {"infinite": (INF, "finite times of at least 0; got inf")} | _TIMES


def not_a(kind):
    """What is no value of the class of lazyrich called `kind`."""
    return {
        "none": (None, f"must be of type {kind}; got NoneType"),
        "text": ("relu", f"must be of type {kind}; got str"),
        "class": (getattr(lr, kind), f"must be of type {kind}; got "),
    }


def without(bad, *names):
    """`bad` less the cases of these names."""
    return {name: case for name, case in bad.items() if name not in names}


COUNT = _WHOLE | {"zero": (0, "a whole number from 1 to 1,000,000; got 0")} | NO_NUMBER
SEED = _WHOLE | {"too_large": (2**32, "from 0 to 4,294,967,295; got 4294967296")} | NO_NUMBER
POSITIVE = _NUMBER | {"zero": (0, "finite number above 0; got 0")} | NO_NUMBER
NOT_NEGATIVE = _NUMBER | NO_NUMBER
# A number or an array of numbers.
_SOME = {"empty": ([], "at least one entry; got"), "ragged": (RAGGED, "must be an array of numbers; got list")}
SOME_POSITIVE = without(POSITIVE, "list") | _SOME | {
    "one_zero": ([1.0, 0.0], "Each entry of .* above 0; got .*0.0"),
    "one_nan": ([1.0, NAN], "Each entry of .* above 0; got .*nan"),
}  # fmt: skip
SOME_NOT_NEGATIVE = without(NOT_NEGATIVE, "list") | _SOME | {"one_below": ([1.0, -1.0], "of at least 0; got .*-1")}
SEVERAL_COUNTS = without(COUNT, "list", "zero") | {
    "none_given": ([], r"whole number from 1 .*got \[\]"), "one_zero": ([1, 0], "from 1 to .*; got .*0"),
}  # fmt: skip
# None stands for a default here.
RATE, OPTIONAL_COUNT = without(POSITIVE, "none"), without(COUNT, "none")
POINTS, TARGETS = _SHAPE_OF_POINTS | _NOT_FINITE | _NO_ARRAY, _SHAPE_OF_TARGETS | _NOT_FINITE | _NO_ARRAY
MATRIX, VECTOR = _SHAPE_OF_MATRIX | _NOT_FINITE | _NO_ARRAY, _SHAPE_OF_VECTOR | _NOT_FINITE | _NO_ARRAY
TIMES = _TIMES | {name: (value, "t must be an array") for name, (value, _) in _NO_ARRAY.items()}
END_TIME = {name: (value, "time must be an array") for name, (value, _) in _NO_ARRAY.items()}
END_TIME |= _FINITE_TIMES | {"zero": (0.0, "an end time above 0"), "none_given": ([], r"got \[\]")}
END_TIME |= {"endless": (1e12, "time must be at most 2,147,483,647 steps")}
