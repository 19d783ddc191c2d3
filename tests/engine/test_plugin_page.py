"""The plugin of docs/writing-a-plugin.md is a real one and does what the page says, and the page knows every hook."""

import re
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from scheduling.engine import SchedulerConfig, catalog, run_cycle
from scheduling.engine.config import DEFAULT_PLUGINS
from scheduling.engine.plugin import Plugin
from tests.engine.world import NOON, read_scenario, schedule

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "writing-a-plugin.md").read_text()
CODE = dedent(re.findall(r"( *)```python\n(.*?)```", PAGE, re.DOTALL)[0][1])
GANG = """
    node a: 1 gpu
    queue vision: quota 1
    pending elastic in vision: 2 x 1 gpu, min 1
"""


def first_of_the_gang(plugins: tuple[str, ...]) -> str:
    """The pod that starts where there is room for one of two, of which the second has the higher priority."""
    said = read_scenario(GANG)
    said.gangs[0].tasks[1].priority = 5
    (bind,) = run_cycle(said.snapshot(), SchedulerConfig(plugins=plugins), NOON).binds
    return bind.task


def test_the_example_is_the_file_it_names() -> None:
    (named,) = re.findall(r"the shortest real one, `(plugins/\w+\.py)`", PAGE)

    assert (PROJECT / "scheduling" / "engine" / named).read_text().strip() == CODE.strip()


def test_the_example_does_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Written anew from the page and listed in the catalog, as the recipe goes."""
    written: dict[str, Any] = {"__name__": "written_from_the_page"}
    exec(compile(CODE, "docs/writing-a-plugin.md", "exec"), written)
    without = tuple(name for name in DEFAULT_PLUGINS if name != "gang")
    monkeypatch.setitem(catalog.PLUGINS, "from_the_page", written["GangOrder"])

    assert first_of_the_gang(without) == "elastic-0"
    assert first_of_the_gang((*without, "from_the_page")) == "elastic-1"


def test_the_page_names_every_hook() -> None:
    hooks = {name for name, value in vars(Plugin).items() if callable(value) and not name.startswith("_")}

    assert {name for name in hooks if f"`{name}`" not in PAGE} == set()


def test_an_unknown_plugin_or_option_is_refused() -> None:
    with pytest.raises(KeyError, match="prioritty"):
        schedule(GANG, plugins=("prioritty",))
    with pytest.raises(TypeError, match="patience"):
        schedule(GANG, options={"priority": {"patience": 1}})
