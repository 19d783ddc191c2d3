"""Same input, same plan: in another process, with another hash seed; and the table of laws names tests that exist."""

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scheduling.engine import run_cycle
from tests.engine import laws
from tests.engine.laws.worlds import NOW, SIZES, random_world

PROJECT = Path(__file__).parents[3]
LISTED = re.findall(r"\| (test_\w+\.py)::(test_\w+) \|", laws.__doc__ or "")


def fingerprint(seeds: range) -> str:
    """Of the plans of some worlds, refusals and their order included."""
    digest = hashlib.sha256()
    for seed in seeds:
        world = random_world(seed, SIZES["small"])
        digest.update(repr(run_cycle(world.snapshot(), world.config, NOW)).encode())
    return digest.hexdigest()


def test_the_hash_seed_changes_nothing() -> None:
    command = "from tests.engine.laws.test_determinism import fingerprint; print(fingerprint(range(25)))"
    found = {
        subprocess.run(
            [sys.executable, "-c", command],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "77")
    }

    assert len(found) == 1


@pytest.mark.parametrize(("file", "name"), LISTED)
def test_every_law_of_the_table_has_its_test(file: str, name: str) -> None:
    text = (Path(__file__).parent / file).read_text()

    assert f"def {name}(" in text


def test_the_table_is_complete() -> None:
    written = {
        name
        for path in Path(__file__).parent.glob("test_*.py")
        if path.name != Path(__file__).name
        for name in re.findall(r"^def (test_\w+)\(", path.read_text(), re.MULTILINE)
    }

    assert written - {name for _, name in LISTED} == {
        "test_only_what_waits_is_placed_and_only_what_runs_is_evicted"
    }
