"""The colours can be read, in both themes, and told apart by colour-blind eyes."""

import itertools
import re
from pathlib import Path

import pytest

from tests.ui.colours import SIGHTS, contrast, difference, lab

TOKENS = (Path(__file__).resolve().parents[2] / "static" / "css" / "tokens.css").read_text()
PAIR = re.compile(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);")
THEMES = {
    "light": {name: light for name, light, _ in PAIR.findall(TOKENS)},
    "dark": {name: dark for name, _, dark in PAIR.findall(TOKENS)},
}
FAMILIES = ("run", "busy", "wait", "bad", "evict", "off")
GROUNDS = ("canvas", "surface", "sunken", "hover", "selected", "raised")


def readable_pairs() -> list[tuple[str, str, float]]:
    """(what, on what, least contrast): 4.5 for text, 3 for marks and the borders of controls."""
    pairs = [(text, ground, 4.5) for text in ("ink", "ink-2", "ink-3") for ground in GROUNDS]
    for family in FAMILIES:
        pairs += [
            (f"{family}-ink", ground, 4.5)
            for ground in ("surface", "canvas", "hover", "sunken", f"{family}-soft")
        ]
        pairs.append((f"{family}-fill", "surface", 3))
    pairs += [("accent", ground, 4.5) for ground in ("surface", "canvas", "selected", "hover", "accent-soft")]
    pairs += [
        ("ink-inverse", "primary", 4.5),
        ("ink-inverse", "bad-ink", 4.5),
        ("line-control", "surface", 3),
    ]
    pairs += [(f"cat-{i}", "surface", 4.5) for i in (1, 2, 3, 4, 5, 6, "other")]
    pairs += [(f"u{i}-ink", f"u{i}", 4.5) for i in range(5)]
    return [
        *pairs,
        ("chart-alloc", "surface", 4.5),
        ("chart-util", "surface", 3),
        ("chart-axis", "surface", 4.5),
    ]


@pytest.mark.parametrize("theme", THEMES)
def test_text_and_marks_have_enough_contrast(theme: str):
    colours = THEMES[theme]
    assert len(readable_pairs()) > 75
    faint = [
        (what, ground, round(contrast(colours[what], colours[ground]), 2))
        for what, ground, least in readable_pairs()
        if contrast(colours[what], colours[ground]) < least
    ]
    assert not faint


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("sight", SIGHTS)
def test_colour_blind_eyes_tell_the_data_colours_apart(theme: str, sight: str):
    colours = THEMES[theme]

    def apart(one: str, other: str) -> float:
        return difference(lab(colours[one], SIGHTS[sight]), lab(colours[other], SIGHTS[sight]))

    categories = [f"cat-{i}" for i in range(1, 7)]
    ramp = [f"u{i}" for i in range(5)]
    assert min(apart(a, b) for a, b in itertools.combinations(categories, 2)) >= 8
    assert apart("chart-alloc", "chart-util") >= 18
    assert min(apart(a, b) for a, b in itertools.pairwise(ramp)) >= 8


def test_the_difference_formula_gives_the_published_figures():
    """Three pairs of Sharma, Wu, Dalal (2005), table 1."""
    assert difference((50, 2.6772, -79.7751), (50, 0, -82.7485)) == pytest.approx(2.0425, abs=1e-4)
    assert difference((50, 2.5, 0), (73, 25, -18)) == pytest.approx(27.1492, abs=1e-4)
    assert difference((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514)) == pytest.approx(
        0.9082, abs=1e-4
    )


def test_every_token_has_both_themes():
    literal = re.sub(r"light-dark\([^;]*\)", "", re.sub(r"/\*.*?\*/", "", TOKENS, flags=re.S))
    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b", literal)
