"""Rules of the house that a machine can check: where things may stand and how they are named."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APPS = ("access", "organization", "workloads", "scheduling", "monitoring")


def imports_of(file: Path) -> Iterator[str]:
    """The top packages a file imports, those for type checkers alone left out."""
    tree = ast.parse(file.read_text())
    for_types = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for child in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.split(".")[0]


def test_the_engine_imports_the_standard_library_numpy_and_itself():
    allowed = set(sys.stdlib_module_names) | {"numpy", "scheduling"}
    strangers = {
        (str(file.relative_to(ROOT)), name)
        for file in (ROOT / "scheduling" / "engine").rglob("*.py")
        for name in imports_of(file)
        if name not in allowed
    }
    assert not strangers


def test_the_engine_reads_no_clock_and_no_environment():
    forbidden = re.compile(
        r"\b(time\.time|time\.monotonic|datetime\.now|datetime\.utcnow|os\.environ|random\.)"
    )
    offenders = {
        str(file.relative_to(ROOT))
        for file in (ROOT / "scheduling" / "engine").rglob("*.py")
        if forbidden.search(file.read_text())
    }
    assert not offenders


@pytest.mark.parametrize("app", APPS)
def test_migrations_are_named(app: str):
    numbered = [path.stem for path in (ROOT / app / "migrations").glob("[0-9]*.py")]
    assert not [name for name in numbered if "_auto_" in name or re.fullmatch(r"\d+_initial", name)]


def test_no_bins():
    """Names that say nothing about what is inside."""
    bins = {"utils", "helpers", "common", "core", "base", "manager", "misc"}
    allowed = {ROOT / "runai_portal" / "settings" / "base.py"}
    found = [
        str(file.relative_to(ROOT))
        for package in (*APPS, "runai_portal", "ui", "cluster")
        for file in (ROOT / package).rglob("*.py")
        if file.stem in bins and file not in allowed
    ]
    assert not found


def test_every_module_opens_with_its_place():
    silent = [
        str(file.relative_to(ROOT))
        for package in (*APPS, "runai_portal", "ui", "cluster")
        for file in (ROOT / package).rglob("*.py")
        if "migrations" not in file.parts
        and file.read_text().strip()
        and ast.get_docstring(ast.parse(file.read_text())) is None
    ]
    assert not silent


def test_opt_outs_name_their_rule_and_reason():
    """`# type: ignore[rule]` and `# noqa: RULE` are allowed when they say why."""
    bare = re.compile(r"#\s*(type:\s*ignore(?!\[)|noqa(?!:\s*[A-Z]))")
    found = [
        f"{file.relative_to(ROOT)}:{number}"
        for package in (*APPS, "runai_portal", "ui", "cluster")
        for file in (ROOT / package).rglob("*.py")
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if bare.search(line)
    ]
    assert not found


def test_the_web_process_does_not_import_the_kubernetes_library():
    """It costs a second and much memory; only workers talk to clusters."""
    import subprocess

    program = (
        "import os, sys; os.environ['DJANGO_SETTINGS_MODULE'] = 'runai_portal.settings.test'; import django; django.setup(); "
        "import runai_portal.urls; sys.exit('kubernetes' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr or "runai_portal.urls imports kubernetes"
