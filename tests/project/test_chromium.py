"""The search for a Chromium, with stand-ins for the browser and for the installers."""

import os
import time
from pathlib import Path

import psutil
import pytest

from tests.browser import chromium


def executable(path: Path, script: str = "exit 0") -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture(autouse=True)
def bare_machine(tmp_path, monkeypatch):
    """A machine with an empty PATH, an empty store and no installer."""
    monkeypatch.delenv("CHROMIUM_PATH", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(chromium, "playwrights_chromium", lambda: str(tmp_path / "store" / "chrome"))
    monkeypatch.setattr(chromium, "_installers", dict)


def test_the_named_one_comes_first(tmp_path, monkeypatch):
    executable(tmp_path / "bin" / "chromium")
    named = executable(tmp_path / "elsewhere" / "my-chromium")
    monkeypatch.setenv("CHROMIUM_PATH", named)
    assert chromium.find_chromium() == named


@pytest.mark.parametrize("look", [chromium.find_chromium, chromium.install_chromium])
def test_a_named_one_that_is_missing_is_an_error_and_not_passed_over(tmp_path, monkeypatch, look):
    executable(tmp_path / "bin" / "chromium")
    monkeypatch.setenv("CHROMIUM_PATH", str(tmp_path / "missing"))
    with pytest.raises(chromium.NoChromiumError, match=r"\$CHROMIUM_PATH must name .*missing"):
        look()


def test_the_path_comes_before_playwrights_store(tmp_path):
    executable(tmp_path / "store" / "chrome")
    on_the_path = executable(tmp_path / "bin" / "google-chrome")
    assert chromium.find_chromium() == on_the_path


def test_playwrights_store_is_the_last_resort(tmp_path):
    in_the_store = executable(tmp_path / "store" / "chrome")
    assert chromium.find_chromium() == in_the_store


def test_one_that_does_not_run_is_passed_over(tmp_path):
    executable(tmp_path / "bin" / "chromium-browser", "exit 1")
    runs = executable(tmp_path / "bin" / "google-chrome")
    assert chromium.find_chromium() == runs


def test_none_at_all_is_an_error_that_says_what_was_tried_and_what_to_do(tmp_path):
    broken = executable(tmp_path / "bin" / "chromium", "exit 1")
    with pytest.raises(chromium.NoChromiumError) as caught:
        chromium.find_chromium()
    for words in (
        broken,
        str(tmp_path / "store" / "chrome"),
        "$CHROMIUM_PATH",
        "playwright install",
    ):
        assert words in str(caught.value)


def test_playwright_names_a_file_in_its_store(tmp_path, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    assert str(chromium.playwrights_chromium()).startswith(str(tmp_path))


def test_nothing_is_installed_where_one_is_found(tmp_path, monkeypatch):
    found = executable(tmp_path / "bin" / "chromium")
    install = executable(tmp_path / "installer", f"touch {tmp_path}/installed")
    monkeypatch.setattr(chromium, "_installers", lambda: {"an installer": [[install]]})
    assert chromium.install_chromium() == found
    assert not (tmp_path / "installed").exists()


def test_installers_are_tried_in_turn_until_one_works(tmp_path, monkeypatch):
    waiting = executable(tmp_path / "package" / "chromium")
    browser = tmp_path / "bin" / "chromium"
    browser.parent.mkdir()
    fails = executable(tmp_path / "fails", "exit 3")
    works = executable(tmp_path / "works", f"/bin/mv {waiting} {browser}")
    monkeypatch.setattr(chromium, "_installers", lambda: {"the first": [[fails]], "the second": [[works]]})
    assert chromium.install_chromium() == str(browser)


def test_an_installation_in_vain_says_how_each_attempt_ended(tmp_path, monkeypatch):
    fails = executable(tmp_path / "fails", "exit 3")
    idle = executable(tmp_path / "idle")
    monkeypatch.setattr(chromium, "_installers", lambda: {"the first": [[fails], [idle]], "the second": [[idle]]})
    with pytest.raises(
        chromium.NoChromiumError,
        match="the first ended with code 3; the second finished, but left no Chromium that runs",
    ):
        chromium.install_chromium()


def test_an_installer_that_hangs_is_ended_with_its_children(tmp_path):
    hangs = executable(tmp_path / "hangs", f"/bin/sleep 60 & echo $! > {tmp_path}/child; wait")
    assert "did not finish within 2 s" in chromium._run_all([[hangs]], limit=2.0)
    child = int((tmp_path / "child").read_text())
    deadline = time.monotonic() + 10.0
    while is_alive(child):
        assert time.monotonic() < deadline, "the installer's child outlived it"
        time.sleep(0.05)


def test_apt_get_is_only_for_root(tmp_path, monkeypatch):
    monkeypatch.undo()
    executable(tmp_path / "bin" / "apt-get")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    for user, expected in ((0, True), (1000, False)):
        monkeypatch.setattr(os, "geteuid", lambda user=user: user)
        assert ("apt-get" in chromium._installers()) is expected


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
