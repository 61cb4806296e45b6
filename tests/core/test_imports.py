"""What importing and using lazyrich leaves as it was."""

import os
import subprocess
import sys

USE = """
import sys
import jax

jax.config.update("jax_enable_x64", {x64})
import lazyrich as lr

assert not jax._src.xla_bridge.backends_are_initialized(), "the import has picked a device"

for name in dir(lr):
    getattr(lr, name)
data = lr.load_data("circle", n_train=4, n_test=2)
lr.eigensystem(lr.ntk(lr.Network(), data.x_train))
assert jax.config.jax_enable_x64 is {x64}
assert jax.numpy.ones(1).dtype == {dtype!r}
print(sorted({{"panel", "holoviews", "bokeh", "lazyrich_dashboard"}} & set(sys.modules)))
"""


def run(code):
    """Standard output of `code` in a fresh interpreter, in which warnings are errors."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_core_picks_no_device_imports_no_dashboard_and_leaves_single_precision_alone():
    assert run(USE.format(x64=False, dtype="float32")) == "[]\n"


def test_double_precision_stays_on_where_the_user_put_it_on():
    assert run(USE.format(x64=True, dtype="float64")) == "[]\n"
