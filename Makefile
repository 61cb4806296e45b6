# Everything that a person or the continuous integration runs here; plain `make` lists it.
# It needs Python 3.11 or newer, pip, git and GNU make, and sets up the rest in .venv.

PYTHONS := python3.13 python3.12 python3.11 python3
IS_USABLE := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))

# The first of those that passes; recursive, so that it is looked for only when needed.
PYTHON ?= $(firstword $(foreach python,$(PYTHONS),\
	$(shell $(python) -c '$(IS_USABLE)' >/dev/null 2>&1 && echo $(python))))

BIN := .venv/bin
WHAT_IS_INSTALLED := pyproject.toml core/lazyrich/_version.py

# Options for the command underneath, as in `make test ARGS="-k spectrum"`.
ARGS ?=

# Most tests wait for one core's compilations.  A file's tests share their fixtures, so stay together.
# pytest-xdist would take the files with the fewest tests last, among them the longest: tests/conftest.py has an order.
SIDE_BY_SIDE := --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

# A worker's own threads of OpenBLAS would spin while they wait for a core that another worker has.
test test-lowest: export OPENBLAS_NUM_THREADS := 1

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help serve test test-lowest lint bench screenshots clean

help:
	@echo "make serve        set up, then open the dashboard in the browser"
	@echo "make test         set up, then run every test, the real-browser ones included"
	@echo "make lint         check the format, the lint rules and the types"
	@echo "make test-lowest  run the core's tests on the lowest versions pyproject.toml allows"
	@echo "make bench        run the benchmarks; the first time it installs the peers in .venv-*"
	@echo "make screenshots  draw the pictures in assets/ anew"
	@echo "make clean        remove the environments and what the tools left behind"
	@echo
	@echo 'ARGS="..." hands options on:   make serve ARGS="--port 5007"   make test ARGS="-k spectrum"'
	@echo "PYTHON=... chooses the Python: make clean serve PYTHON=/opt/python3.12/bin/python3"

serve: .venv/dashboard.stamp
	$(BIN)/python -m lazyrich_dashboard serve --show $(ARGS)

test: .venv/dev.stamp
	$(BIN)/python tests/browser/chromium.py --install
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) $(ARGS)

lint: .venv/dev.stamp
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/pyright

test-lowest: .venv-lowest/core.stamp
	.venv-lowest/bin/python -m pytest tests/core $(SIDE_BY_SIDE) $(ARGS)

bench: .venv/dev.stamp
	$(BIN)/python -m benchmarks $(ARGS)

screenshots: .venv/dev.stamp
	$(BIN)/python -m tests.browser.screenshots $(ARGS)

clean:
	rm -rf .venv .venv-lowest .venv-peer .venv-pytorch dist .pytest_cache .ruff_cache
	find core dashboard tests benchmarks -name __pycache__ -prune -exec rm -rf {} +

# A stamp is written last, so that an installation cut short is done again by the next run.
# It is older than pyproject.toml when the dependencies may have changed, and older than the
# version file when the installed version has.

.venv/dashboard.stamp: $(WHAT_IS_INSTALLED) | .venv/made.stamp
	$(BIN)/python -m pip install --editable ".[dashboard]"
	@touch $@

.venv/dev.stamp: $(WHAT_IS_INSTALLED) | .venv/made.stamp
	$(BIN)/python -m pip install --editable ".[notebook,dev]"
	@touch .venv/dashboard.stamp $@

.venv-lowest/core.stamp: $(WHAT_IS_INSTALLED) | .venv-lowest/made.stamp
	.venv-lowest/bin/python -m pip install uv pytest pytest-timeout pytest-xdist beartype psutil
	.venv-lowest/bin/python -m uv pip install --python .venv-lowest/bin/python \
		--resolution lowest-direct --upgrade --editable .
	@touch $@

%/made.stamp:
	@'$(PYTHON)' -c '$(IS_USABLE)' 2>/dev/null || { \
		echo "lazyrich needs a Python of 3.11 or newer that can make virtual environments;" \
			"got $(or $(PYTHON),none of $(PYTHONS))." >&2; \
		echo "Install one (Debian, Ubuntu: apt-get install python3-venv)" \
			"or name it: make PYTHON=/path/to/python3" >&2; \
		exit 1; }
	'$(PYTHON)' -m venv --clear $*
	@touch $@
