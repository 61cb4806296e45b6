"""The Dockerfile agrees with the checkout; building the image needs an engine, reading it none."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions as (word, rest), with continued lines joined."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines()]
    return [
        (word, rest.strip())
        for line in lines
        if line and not line.startswith("#")
        for word, _, rest in [line.partition(" ")]
    ]


def having(word: str) -> list[str]:
    return [rest for each, rest in instructions() if each == word]


COPIED = [source for rest in having("COPY") for source in rest.split()[:-1]]


@pytest.mark.parametrize("source", COPIED)
def test_what_it_copies_exists_and_is_let_through(source):
    assert (ROOT / source).exists()
    assert f"!{source}" in (ROOT / ".dockerignore").read_text().splitlines()


def test_it_copies_what_the_build_reads():
    packages = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    needed = {
        "pyproject.toml",
        PROJECT["readme"],
        *PROJECT["license-files"],
        *(package.split("/")[0] for package in packages),
    }
    assert needed <= set(COPIED)


def test_the_extras_it_names_exist():
    named = re.findall(r"EXTRAS=([\w,]+)", (ROOT / "Dockerfile").read_text())
    extras = {extra for group in named for extra in group.split(",")}
    assert extras <= set(PROJECT["optional-dependencies"])


def test_its_command_is_the_one_in_the_readme():
    [command] = [json.loads(rest) for rest in having("CMD")]
    assert command[:4] == ["python", "-m", "lazyrich_dashboard", "serve"]
    assert " ".join(command[:4]) in (ROOT / "README.md").read_text()


def test_its_command_has_the_options_it_uses():
    [command] = [json.loads(rest) for rest in having("CMD")]
    told = subprocess.run([sys.executable, *command[1:4], "--help"], capture_output=True, text=True, check=True)
    options = {word for word in command if word.startswith("--")}
    assert {option for option in options if option not in told.stdout} == set()


def test_one_port_is_served_opened_and_checked():
    [command] = [json.loads(rest) for rest in having("CMD")]
    [port] = having("EXPOSE")
    [check] = having("HEALTHCHECK")
    assert command[command.index("--port") + 1] == port
    assert f"http://localhost:{port}/" in check


def test_it_does_not_run_as_root():
    words = [word for word, _ in instructions()]
    assert having("USER")[-1] not in ("root", "0")
    assert words.index("USER") < words.index("CMD")
