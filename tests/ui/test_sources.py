"""What may stand in templates, style sheets and scripts, and what may not."""

import base64
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.template.loader import get_template

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SHEETS = sorted((ROOT / "static" / "css").rglob("*.css"))
SCRIPTS = sorted((ROOT / "static" / "js").glob("*.js"))
SPRITE = (ROOT / "static" / "vendor" / "tabler-icons-3.51.0" / "sprite.svg").read_text()
SYMBOLS = set(re.findall(r'<symbol id="([\w-]+)"', SPRITE))
HEX = re.compile(r"(?<![&\w])#(?:[0-9a-fA-F]{6}|[0-9a-fA-F]{8}|[0-9a-fA-F]{3})\b(?!-)")
# Words of ui.md §14 that tell a person nothing, and what Bootstrap and Tabler would bring along.
FORBIDDEN = re.compile(
    r"insufficient resources|are you sure|bin-?pack|allocatable|lorem ipsum|>\s*OK\s*<|oops|\bclick here\b|class=\"[^\"]*\b(?:card-body|col-md|btn-primary)\b",
    re.IGNORECASE,
)


def within(pattern: str | re.Pattern[str], files: list[Path], *, ignore: str = "") -> list[str]:
    """'file:line: text' for each match."""
    wanted = re.compile(pattern)
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in files
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if wanted.search(re.sub(ignore, "", line) if ignore else line)
    ]


def test_there_is_something_to_check():
    assert len(TEMPLATES) > 60
    assert len(SHEETS) > 10
    assert len(SCRIPTS) > 9


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_every_template_compiles(path: Path):
    get_template(str(path.relative_to(ROOT / "templates")))


def test_templates_hold_no_style_no_script_no_handler_and_no_colour():
    assert not within(r"\sstyle\s*=", TEMPLATES)
    assert not within(r"<style\b", TEMPLATES)
    assert not within(r"<script(?![^>]*\bsrc=)", TEMPLATES)
    assert not within(r"\son[a-z]+\s*=\s*[\"']", TEMPLATES)
    assert not within(r"hx-on|javascript:|\bhx-vals=[\"']js:", TEMPLATES)
    assert not within(HEX, TEMPLATES, ignore=r"href=\"#[^\"]*\"|#\{\{|url\(\S+?\)")


def test_templates_load_nothing_from_elsewhere():
    assert not within(r"(?:src|href)=[\"'](?:https?:)?//", TEMPLATES)
    assert not within(r"url\([\"']?(?:https?:)?//", SHEETS)


def test_templates_say_nothing_forbidden():
    assert not within(FORBIDDEN, TEMPLATES)


def test_every_icon_is_in_the_sprite():
    named = re.compile(r"{%\s*icon\s+\"([\w-]+)\"|\bicon=\"([\w-]+)\"")
    missing = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in TEMPLATES
        for pair in named.findall(path.read_text())
        for name in pair
        if name and name not in SYMBOLS
    ]
    assert not missing


def test_colours_stand_in_the_tokens_alone():
    assert not within(HEX, [path for path in SHEETS if path.name != "tokens.css"])
    assert not within(r"\brgba?\(|\bhsla?\(", SHEETS)


def test_every_variable_is_a_token_or_set_where_it_is_used():
    text = "\n".join(path.read_text() for path in SHEETS)
    known = set(re.findall(r"--([\w-]+)\s*:", text))
    assert not set(re.findall(r"var\(--([\w-]+)", text)) - known


def test_rules_stand_in_layers():
    """A rule outside every layer beats them all, the responsive ones too."""
    for path in SHEETS:
        text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
        depth = 0
        for line in text.splitlines():
            if depth == 0 and line.strip() and not line.startswith("}"):
                assert line.startswith(("@layer", "@font-face")), f"{path.name}: {line}"
            depth += line.count("{") - line.count("}")
        assert depth == 0, path.name


def test_files_stay_short():
    long = [f"{p.name}: {n}" for p in SHEETS if (n := len(p.read_text().splitlines())) > 300]
    long += [f"{p.name}: {n}" for p in SCRIPTS if (n := len(p.read_text().splitlines())) > 150]
    assert not long


def test_scripts_evaluate_no_text():
    assert not within(r"\beval\(|new Function|\.innerHTML\s*=\s*[`\"']|document\.write", SCRIPTS)


def test_vendored_files_are_those_of_the_lock():
    vendor = ROOT / "static" / "vendor"
    locked = {entry["folder"] for entry in json.loads((vendor / "vendor.lock").read_text())}
    assert locked == {path.name for path in vendor.iterdir() if path.is_dir()}
    for entry in json.loads((vendor / "vendor.lock").read_text()):
        assert (vendor / entry["folder"] / "LICENSE").exists()
        assert entry["licence"] in {"MIT", "OFL-1.1"}
        assert (
            len(base64.b64decode(entry["integrity"].removeprefix("sha512-"))) == hashlib.sha512().digest_size
        )


def test_djlint_finds_nothing():
    done = subprocess.run(
        [sys.executable, "-m", "djlint", "--lint", "--quiet", "templates"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
