"""Finds a Chromium for everything here that drives a real browser; installs one if told to.

It is looked for in this order: the file that $CHROMIUM_PATH names, the PATH, Playwright's own
store.  What is found must also run, since a distribution's `chromium-browser` may be a mere pointer
to a package that is not there.  `find_chromium` never installs anything.

    python tests/browser/chromium.py             print the path
    python tests/browser/chromium.py --install   the same, installing a Chromium where there is none
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys

NAMES_ON_THE_PATH = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
)

# Asked in a process of its own, because Playwright refuses to start twice in one.
ASK_PLAYWRIGHT = """
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    print(playwright.chromium.executable_path)
"""

# Playwright tries several addresses in turn.  A closed network should fail at the connection, in
# seconds; the longer limit is for a slow download.
CONNECTION_LIMIT = "10000"  # milliseconds
INSTALL_LIMIT = 600.0  # seconds

MEND = (
    "Install Chromium or Chrome so that it is on the PATH, or name its file in $CHROMIUM_PATH, "
    "or let Playwright install one: `.venv/bin/python -m playwright install --with-deps chromium`."
)


class NoChromiumError(RuntimeError):
    """No Chromium that runs; the message says where it was looked for and what to do."""


def find_chromium() -> str:
    """The path of a Chromium that runs, or a `NoChromiumError`."""
    if named := os.environ.get("CHROMIUM_PATH"):
        if not _runs(named):
            raise NoChromiumError(
                f"$CHROMIUM_PATH must name a Chromium that runs; got {named!r}. "
                "Correct it, or unset it to have one looked for."
            )
        return named

    candidates = [found for name in NAMES_ON_THE_PATH if (found := shutil.which(name))]
    for candidate in candidates:
        if _runs(candidate):
            return candidate

    # Playwright is asked only now, since its answer takes a second.
    if in_the_store := playwrights_chromium():
        if _runs(in_the_store):
            return in_the_store
        candidates.append(in_the_store)

    raise NoChromiumError(
        "Driving a real browser needs a Chromium that runs; got none on the PATH and none in "
        f"Playwright's store (tried {', '.join(candidates) or 'no file at all'}). {MEND}"
    )


def install_chromium() -> str:
    """The path of a Chromium, installed first where there is none.

    Playwright's installer comes first, since it needs no rights; then apt-get, for root.
    """
    try:
        return find_chromium()
    except NoChromiumError as error:
        if os.environ.get("CHROMIUM_PATH"):
            raise
        still_none = error

    outcomes = []
    for name, commands in _installers().items():
        outcomes.append(f"{name} {_run_all(commands)}")
        try:
            return find_chromium()
        except NoChromiumError as error:
            still_none = error
    raise NoChromiumError(f"Tried to install a Chromium: {'; '.join(outcomes)}. {still_none}")


def playwrights_chromium() -> str | None:
    """Where this version of Playwright keeps its Chromium, be it there or not.

    `None` where Playwright itself is not installed.
    """
    answer = subprocess.run([sys.executable, "-c", ASK_PLAYWRIGHT], capture_output=True, text=True)
    return answer.stdout.strip() or None


def _runs(path: str) -> bool:
    try:
        asked = subprocess.run([path, "--version"], capture_output=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0


def _installers() -> dict[str, list[list[str]]]:
    installers = {"Playwright's installer": [[sys.executable, "-m", "playwright", "install", "chromium"]]}
    if shutil.which("apt-get") and os.geteuid() == 0:
        apt = ["apt-get", "-o", "DPkg::Lock::Timeout=120"]
        installers["apt-get"] = [[*apt, "update"], [*apt, "install", "--yes", "chromium"]]
    return installers


def _run_all(commands: list[list[str]], limit: float = INSTALL_LIMIT) -> str:
    """Run the commands until one fails; how that ended, as the end of a sentence."""
    settings = {
        "PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT": CONNECTION_LIMIT,
        "DEBIAN_FRONTEND": "noninteractive",
    }
    for command in commands:
        # The path alone goes to standard output.  A session of its own lets the limit end the
        # installer's children too.
        process = subprocess.Popen(command, stdout=sys.stderr, env=os.environ | settings, start_new_session=True)
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return f"did not finish within {limit:g} s"
        if code != 0:
            return f"ended with code {code}"
    return "finished, but left no Chromium that runs"


def main() -> None:
    """Print the path of a Chromium, or say why there is none and exit with code 1."""
    parser = argparse.ArgumentParser(description="Print the path of a Chromium.")
    parser.add_argument("--install", action="store_true", help="install one where there is none")
    find = install_chromium if parser.parse_args().install else find_chromium
    try:
        print(find())
    except NoChromiumError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
