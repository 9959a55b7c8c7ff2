"""The rules of the house that no single module can hold: who imports whom, what is called how, what is written down."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

BASE = Path(settings.BASE_DIR)
# Each may import itself and those to its right.
LADDER = ("crm", "contacts", "bounces")
# Where something from outside comes in. They call the domain; nothing in the domain calls them.
DOORS = {"views", "urls", "admin", "api", "jobs", "schedule", "management", "templatetags", "forms", "apps"}
# Judgements about values alone: no database, no settings, no clock.
PURE = ("bounces.values", "bounces.parsing", "bounces.classification")
FOREIGN = ("django", "psycopg", "redis", "rq", "structlog")
NAMELESS = {"utils", "helpers", "services", "managers", "common", "misc", "base"}
LONGEST = 450
MODULES = sorted(
    path
    for app in LADDER
    for path in (BASE / app).rglob("*.py")
    if "migrations" not in path.parts and "__pycache__" not in path.parts
)


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(BASE).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path) -> Iterator[str]:
    """Every module, and every name out of a module, that it imports, by full name."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = "." * node.level + (node.module or "")
            assert not node.level, f"{dotted(path)} imports relatively: {source}"
            yield from (f"{source}.{alias.name}" for alias in node.names)


def is_door(module: str) -> bool:
    return bool(DOORS & set(module.split(".")[1:]))


def offending(judge: Callable[[Path], object], paths: Iterable[Path] = MODULES) -> dict[str, object]:
    """What a rule finds wrong, by module."""
    found = {dotted(path): judge(path) for path in paths}
    return {module: wrong for module, wrong in found.items() if wrong}


def test_imports_run_one_way():
    def upward(path: Path) -> list[str]:
        above = LADDER[: LADDER.index(path.relative_to(BASE).parts[0])]
        return [name for name in imports(path) if name.split(".")[0] in above]

    assert offending(upward) == {}


def test_the_domain_imports_no_door():
    def doors(path: Path) -> list[str]:
        return [name for name in imports(path) if name.split(".")[0] in LADDER and is_door(name)]

    assert offending(doors, (path for path in MODULES if not is_door(dotted(path)))) == {}


def test_judgements_about_values_need_no_django():
    def foreign(path: Path) -> list[str]:
        return [name for name in imports(path) if name.split(".")[0] in FOREIGN or ".models" in name]

    assert offending(foreign, (path for path in MODULES if dotted(path).startswith(PURE))) == {}


def test_a_module_is_named_by_its_idea():
    assert offending(lambda path: path.stem in NAMELESS) == {}


def test_a_module_is_read_in_one_sitting():
    assert offending(lambda path: len(path.read_text().splitlines()) > LONGEST) == {}


def test_a_module_says_what_it_is():
    written = (path for path in MODULES if path.stat().st_size)
    assert offending(lambda path: not ast.get_docstring(ast.parse(path.read_text())), written) == {}


def test_every_environment_variable_is_read_in_one_place_and_documented():
    documented = (BASE / "docs" / "settings.md").read_text()
    read = re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', (BASE / "crm" / "settings.py").read_text())
    assert [name for name in dict.fromkeys(read) if f"`{name}`" not in documented] == []


def test_no_other_module_reads_the_environment():
    # gunicorn's own convention; where `up` and the command line stand before the settings.
    known = {"crm.settings", "crm.wsgi", "crm.gunicorn_conf", "crm.up.start", "crm.up.processes", "crm.up.remembered"}
    readers = {dotted(path) for path in MODULES if re.search(r"os\.environ|os\.getenv", path.read_text())}
    assert readers - known - {"crm.management.commands.up"} == set()


def test_one_place_alone_speaks_to_the_mail_server():
    """Whoever sends emails, by Django's send_mail, writes rows: a slow mail server delays no page and no bounce."""
    knocks = {"bounces.intake.knocking"}  # at the door that `intake smtp` opens: an admin's test of it
    speaking = ("smtplib", "aiosmtplib", "django.core.mail.backends", "django.core.mail.get_connection")

    def sends(path: Path) -> list[str]:
        return [name for name in imports(path) if name.startswith(speaking) and name != "smtplib.SMTPException"]

    found = offending(sends, (path for path in MODULES if not dotted(path).startswith("crm.mail.")))
    assert set(found) - knocks == set()


def test_every_command_is_documented():
    documented = (BASE / "docs" / "commands.md").read_text()
    commands = [path.stem for path in MODULES if path.parent.name == "commands" and path.stem != "__init__"]
    assert [name for name in commands if f"`manage.py {name}" not in documented] == []


def test_every_word_of_the_script_is_documented():
    documented = (BASE / "docs" / "commands.md").read_text()
    words = re.findall(r"^    ([a-z]+)\) ", (BASE / "rebound").read_text(), flags=re.MULTILINE)
    assert len(words) >= 6
    assert [word for word in words if f"`./rebound {word}" not in documented] == []


def test_the_lock_has_every_dependency_and_no_address():
    project = tomllib.loads((BASE / "pyproject.toml").read_text())
    wanted = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    lock = (BASE / "requirements.lock").read_text()
    locked = {line.split("==")[0].split("[")[0] for line in lock.splitlines() if re.match(r"[a-z0-9]", line)}
    assert {re.split(r"[\[<>=! ]", name)[0].lower() for name in wanted} - locked == set()
    assert "://" not in lock


@pytest.mark.django_db
def test_migrations_are_complete():
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


@pytest.mark.parametrize("app", ["bounces", "contacts"])
def test_every_address_has_a_name_of_its_own(app: str):
    names = Counter(re.findall(r'path\([^)]*name="(\w+)"', (BASE / app / "urls.py").read_text()))
    assert len(names) > 10
    assert [name for name, count in names.items() if count > 1] == []
