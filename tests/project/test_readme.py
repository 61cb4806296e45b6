"""What the README says works: its programs run, its commands and pictures exist."""

import re
from pathlib import Path

import numpy as np
import pytest

import lazyrich
from lazyrich_dashboard.__main__ import parser
from lazyrich_dashboard.link import decode

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=["numerics", "notebook", "kernels", "learning_curves"])
def test_a_program_in_the_readme_runs(block, capsys):
    namespace = {}
    exec(block, namespace)
    said = capsys.readouterr().out
    if "explorer" in namespace:
        namespace["explorer"].close()
    elif "shares" in namespace:
        assert namespace["shares"].shape == (5, 64, 64)
        assert said.startswith("[0.") and "64" in said
    elif "pool" in namespace:
        theory, measured = (np.array(line.strip("[]").split(), float) for line in said.splitlines())
        assert (np.abs(theory / measured - 1) < 0.2).all()
    else:
        exponent, condition = map(float, said.split("\n")[0].split())
        assert 0 < exponent < 3 and condition > 1


def test_its_make_targets_exist():
    targets = re.findall(r"^make (\S+)", README, flags=re.MULTILINE)
    makefile = (ROOT / "Makefile").read_text()
    assert targets and all(re.search(rf"^{target}:", makefile, flags=re.MULTILINE) for target in targets)


def test_its_commands_parse():
    commands = re.findall(r"(?:python -m lazyrich_dashboard|^lazyrich) ([^`#\n]+)", README, flags=re.MULTILINE)
    assert len(commands) >= 4
    for command in commands:
        parser().parse_args(command.split())


def test_its_links_to_files_lead_somewhere():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


def test_its_example_link_is_understood_in_full():
    query = re.search(r"`/lazyrich\?([^`]+)`", README)[1]
    experiment, notices = decode(query)
    assert notices == []
    assert (experiment.data.name, experiment.network.depth) == ("circle", 4)


def test_the_changelog_names_this_version():
    assert f"## {lazyrich.__version__} " in (ROOT / "CHANGELOG.md").read_text()
