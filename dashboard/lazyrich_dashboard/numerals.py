"""Numerals: numbers as the sentences of the page write them."""

from typing import SupportsFloat

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def numeral(value: SupportsFloat, digits: int = 3) -> str:
    """Return a number to so many significant digits: 0.00652, 1280, or 1.6·10⁵ where many zeros would be counted.

    `timeLabel` in assets/timeline.js writes times as this does with three digits.
    """
    rounded = f"{float(value):.{digits - 1}e}"
    mantissa, _, power = rounded.partition("e")
    if not power or -4 <= int(power) < 5:  # infinity and what is no number have no power
        return f"{float(rounded):g}"
    ten = f"10{str(int(power)).translate(_RAISED)}"
    factor = f"{float(mantissa):g}"
    return ten if factor == "1" else f"{factor}·{ten}"


def plus_minus(mean: SupportsFloat, error: SupportsFloat) -> str:
    """Return a number with its standard error, which has one digit."""
    return f"{numeral(mean)} ± {numeral(error, 1)}"
