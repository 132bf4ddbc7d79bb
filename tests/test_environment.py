"""environment.yml holds the same requirements as pyproject.toml, by conda's names."""

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
CONDA_NAMES = {"ibis-framework": "ibis-duckdb", "duckdb": "python-duckdb"}


def required() -> dict[str, str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found = {}
    for text in project["dependencies"]:
        name, limits = re.fullmatch(r"([A-Za-z0-9-]+)(?:\[[^\]]*\])?(.*)", text).groups()
        found[CONDA_NAMES.get(name, name)] = limits
    found["python"] = project["requires-python"]
    return found


def test_conda_and_pip_users_get_the_same_requirements() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    listed = {}
    for item in environment["dependencies"]:
        for text in item["pip"] if isinstance(item, dict) else [item]:
            name, limits = re.fullmatch(r"([A-Za-z0-9-]+)(.*)", text).groups()
            listed[name] = limits
    expected = required()
    listed = {name: limits for name, limits in listed.items() if name in expected}
    assert listed == expected


def test_the_conda_environment_installs_this_kit_itself() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    pip = next(item["pip"] for item in environment["dependencies"] if isinstance(item, dict))
    assert "-e ." in pip or "--no-deps -e ." in pip
