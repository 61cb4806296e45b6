"""What is promised about the installed packages."""

import subprocess
import sys
from importlib.metadata import version
from importlib.resources import files

import pytest

import lazyrich

TOUCH_THE_CORE = """
import sys
import lazyrich

for name in dir(lazyrich):
    getattr(lazyrich, name)
print(*sorted({"panel", "holoviews", "bokeh"} & set(sys.modules)))
"""


def test_the_installed_version_is_the_one_in_the_source():
    assert version("lazyrich") == lazyrich.__version__


@pytest.mark.parametrize("package", ["lazyrich", "lazyrich_dashboard"])
def test_type_checkers_are_told_that_the_package_is_typed(package):
    assert files(package).joinpath("py.typed").is_file()


def test_the_core_imports_without_a_warning_and_never_brings_the_dashboards_libraries(tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", TOUCH_THE_CORE],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
