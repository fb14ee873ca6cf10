"""Molecule ignores the root ansible.cfg: what it is told must be what operators get."""

import configparser
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
SCENARIOS = sorted(path.parent.name for path in ROOT.glob("molecule/*/molecule.yml"))


def _operator() -> dict[tuple[str, str], str]:
    """Section and key -> value as text; paths absolute."""
    config = configparser.ConfigParser(interpolation=None)
    config.read(ROOT / "ansible.cfg", encoding="utf-8")
    return {(section, key): _absolute(value) for section in config.sections() for key, value in config[section].items()}


def _molecule() -> dict[tuple[str, str], str]:
    text = (ROOT / ".config/molecule/config.yml").read_text(encoding="utf-8")
    config = yaml.safe_load(text.replace("${MOLECULE_PROJECT_DIRECTORY}", str(ROOT)))
    return {
        (section, key): str(value).lower() if isinstance(value, bool) else str(value)
        for section, keys in config["ansible"]["cfg"].items()
        for key, value in keys.items()
    }


def _absolute(value: str) -> str:
    return str(ROOT / value) if value.startswith("ansible/") else value


def test_molecule_runs_with_the_settings_of_the_root() -> None:
    operator = _operator()
    inventory = operator.pop(("defaults", "inventory"))
    assert inventory == str(ROOT / "ansible/inventories/local")  # a scenario has its own
    assert _molecule() == operator


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_scenario_is_complete(scenario: str) -> None:
    """What .config/molecule/config.yml takes for granted about each scenario."""
    for needed in ("converge.yml", "prepare.yml", "inventory/hosts.yml"):
        assert (ROOT / "molecule" / scenario / needed).is_file(), f"molecule/{scenario}/{needed} is missing"
    assert list((ROOT / "tests/system" / scenario).glob("test_*.py")), f"tests/system/{scenario} has no tests"


def test_the_scenarios_that_are_promised_are_there() -> None:
    assert {"default", "shared", "rollback", "faults", "sysvinit", "firewall", "schedule", "remove"} <= set(SCENARIOS)
