"""Makes meta/argument_specs.yml and the table in README.md of each role, from the schema and the roles' defaults.

`python ansible/schema/render.py` writes what is not current and names it; `--check` writes nothing and exits with 1.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ANSIBLE = Path(__file__).resolve().parents[1]
sys.path.append(str(ANSIBLE / "plugins" / "module_utils"))

from gramex_plan.schema import Rule, Schema, load
from gramex_plan.variables import rule_of

ROLES = {
    "gramex": "Runs apps as services, in releases that change without a lost request.",
    "nginx": "Serves the apps of gramex_apps with nginx, behind TLS.",
    "winservice": "Runs the apps of gramex_apps as Windows services.",
    "firewall": "Opens in the host's firewall what the apps of gramex_apps need, and nothing else.",
}
MADE = "made by ansible/schema/render.py"
BEGIN, END = f"<!-- begin: {MADE} -->", "<!-- end -->"
# Ansible's own types; what accepts more than one is raw, and the plan checks it.
KINDS = {"bool": "bool", "int": "int", "map": "dict", "list": "list", "seconds": "raw", "folder": "raw", "any": "raw"}


class Dumper(yaml.SafeDumper):
    """Puts lists one step deeper than their key, as yamllint wants them."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Never without an indent."""
        super().increase_indent(flow, False)


@dataclass(frozen=True)
class Variable:
    """A variable of a role: its rule, its default as Ansible reads it, and the comment above it."""

    name: str
    rule: Rule
    default: Any
    help: str


def variables(role: str, schema: Schema) -> Iterator[Variable]:
    """The variables that a role's defaults/main.yml declares, in its order."""
    file = ANSIBLE / "roles" / role / "defaults" / "main.yml"
    text = file.read_text(encoding="utf-8")
    values = yaml.safe_load(text) or {}
    comment: list[str] = []
    said = ""
    for line in text.splitlines():
        if line.startswith("#"):
            comment.append(line.removeprefix("#").strip())
        elif found := re.match(r"(\w+):", line):
            said = " ".join(comment) or said  # neighbours without a blank line between them share a comment
            comment = []
            yield Variable(found[1], rule_of(found[1], values[found[1]], schema), values[found[1]], said)
        elif not line.strip():
            comment, said = [], ""


def argument_specs(role: str, schema: Schema) -> str:
    """The text of a role's meta/argument_specs.yml."""
    options = {}
    for variable in variables(role, schema):
        spec: dict[str, Any] = {"description": variable.help, **option(variable.rule), "default": variable.default}
        if variable.name == "gramex_apps":
            spec["options"] = {name: app_option(rule) for name, rule in schema.apps.items()}
        options[variable.name] = spec
    main = {"short_description": ROLES[role], "options": options}
    text = yaml.dump({"argument_specs": {"main": main}}, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=110)
    return f"---\n# {MADE[0].upper()}{MADE[1:]}.\n{text}"


def option(rule: Rule) -> dict[str, Any]:
    """The fields of an argument specification that say what a value may be."""
    made: dict[str, Any] = {"type": KINDS.get(rule.type, "str")}
    if rule.type == "list":
        made["elements"] = KINDS.get(rule.items.type, "str") if rule.items else "raw"
    if rule.choices:
        made["choices"] = [choice for choice in rule.choices if choice not in rule.later]
    return made


def app_option(rule: Rule) -> dict[str, Any]:
    """The specification of one key of an app."""
    planned = "" if rule.built else " Planned, not built yet."
    made = {"description": f"{rule.help}{planned}", **option(rule)}
    if rule.required:
        made["required"] = True
    if rule.secret:
        made["no_log"] = True
    if rule.items and rule.items.keys:
        made["options"] = {name: app_option(each) for name, each in rule.items.keys.items()}
    return made


def table(role: str, schema: Schema) -> str:
    """The part of a role's README.md that is made here."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for variable in variables(role, schema):
        lines.append(f"| `{variable.name}` | {shown(variable.default)} | {cell(variable.help, variable.rule)} |")
    if role == "winservice":
        lines += ["", "Keys of an app that are refused for Windows hosts:", "", *refused_table(schema.apps)]
    if role == "gramex":
        lines += ["", "Keys of an app in `gramex_apps`:", "", *app_table(schema.apps)]
    return "\n".join(lines)


def app_table(rules: Mapping[str, Rule]) -> Iterator[str]:
    """The keys of an app, what is planned last."""
    yield "| key | default | meaning |"
    yield "|---|---|---|"
    for name, rule in sorted(rules.items(), key=lambda pair: not pair[1].built):
        default = "required" if rule.required else rule.default_is or shown(rule.default)
        planned = "" if rule.built else "*Planned.* "
        yield f"| `{name}` | {default} | {planned}{cell(rule.help, rule)} |"
        for inner, each in (rule.items.keys if rule.items and rule.built else {}).items():
            default = "required" if each.required else each.default_is or shown(each.default)
            yield f"| `{name}[].{inner}` | {default} | {cell(each.help, each)} |"
        for inner, each in (rule.keys if rule.built else {}).items():
            yield f"| `{name}.{inner}` | {shown(each.default)} | {cell(each.help, each)} |"


def refused_table(rules: Mapping[str, Rule]) -> Iterator[str]:
    """The keys that mean nothing on Windows, and why."""
    yield "| key | why |"
    yield "|---|---|"
    for name, rule in rules.items():
        if rule.windows:
            yield f"| `{name}` | {rule.windows} |"


def cell(text: str, rule: Rule) -> str:
    """A help text with the values that are allowed, fit for a cell."""
    allowed = [choice for choice in rule.choices if choice not in rule.later]
    choices = (
        " One of " + ", ".join(f"`{choice}`" for choice in allowed) + "."
        if not all(choice in text for choice in allowed)
        else ""
    )
    return (text + choices).replace("|", "\\|").replace("\n", " ")


def shown(value: Any) -> str:
    """A default in Markdown."""
    if value is None or value == "":
        return "none"
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=1000).removesuffix("...\n").strip()
    return f"`{text}`"


def readme(role: str, schema: Schema) -> str:
    """A role's README.md with its table brought up to date; what people wrote around it stays."""
    file = ANSIBLE / "roles" / role / "README.md"
    text = file.read_text(encoding="utf-8") if file.exists() else f"# {role}\n\n{ROLES[role]}\n\n{BEGIN}\n{END}\n"
    if BEGIN not in text:
        text += f"\n## Variables\n\n{BEGIN}\n{END}\n"
    before, rest = text.split(BEGIN, 1)
    return f"{before}{BEGIN}\n{table(role, schema)}\n{END}{rest.split(END, 1)[1]}"


def stale() -> Iterator[tuple[Path, str]]:
    """Each file that is not current, with what it should hold. Roles without defaults have nothing to describe."""
    schema = load()
    for role in ROLES:
        home = ANSIBLE / "roles" / role
        if (home / "defaults" / "main.yml").exists():
            made = {
                home / "meta" / "argument_specs.yml": argument_specs(role, schema),
                home / "README.md": readme(role, schema),
            }
            for file, text in made.items():
                if not file.exists() or file.read_text(encoding="utf-8") != text:
                    yield file, text


def main(arguments: list[str]) -> int:
    """Write what is not current, or with `--check` only name it. Returns the exit code."""
    found = list(stale())
    for file, text in found:
        print(file.relative_to(ANSIBLE.parent))
        if "--check" not in arguments:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    return 1 if found and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
