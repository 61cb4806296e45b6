"""Numbers in sentences: as people write them."""

import pytest

from lazyrich_dashboard import widgets
from lazyrich_dashboard.numerals import numeral, plus_minus
from lazyrich_dashboard.state import State

WRITTEN = {
    0.0: "0", 1.0: "1", 0.0065199: "0.00652", 1e-4: "0.0001", 999.6: "1000", 1284.0: "1280", -0.5: "-0.5",
    162_345.0: "1.62·10⁵", 99_960.0: "10⁵", 9.995e-5: "0.0001", 8.65e-5: "8.65·10⁻⁵", -3e-12: "-3·10⁻¹²",
    2e22: "2·10²²", float("inf"): "inf", float("nan"): "nan",
}  # fmt: skip


@pytest.mark.parametrize("value", WRITTEN)
def test_numbers_are_written_in_full_or_with_a_power_of_ten(value):
    assert numeral(value) == WRITTEN[value]


def test_digits_can_be_chosen():
    assert numeral(98.7, 1) == "100"
    assert numeral(1.7321, 2) == "1.7"


def test_an_error_has_one_digit():
    assert plus_minus(0.12345, 0.0267) == "0.123 ± 0.03"


def test_sliders_write_their_values_in_full():
    shown = widgets.steps(State().param.time, [1.0, 1000.0, 1e6]).get_root().data.options
    assert shown == ["1", "100", "1000", "1000000"]  # 100 is the value
