"""What the drawings say about their numbers."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ui import bullet, cells, heat, sparkline

amounts = st.floats(0, 64, allow_nan=False).map(lambda x: round(x * 8) / 8)


@example(held=23.5, idle=0, wanted=0, free=0)
@given(held=amounts, idle=amounts, wanted=amounts, free=amounts)
def test_the_squares_add_up_to_the_gpus(held: float, idle: float, wanted: float, free: float):
    drawn = cells.draw(held=held, idle=idle, wanted=wanted, free=free)
    shown = (sum(cell.fraction for cell in drawn.cells) + drawn.rest) * drawn.times
    assert shown == pytest.approx(held + idle + wanted + free, abs=0.01)
    assert len(drawn.cells) <= 2 * cells.MOST


def test_three_pods_of_eight_are_eight_squares_three_times():
    drawn = cells.draw(held=24, pods=3)
    assert (len(drawn.cells), drawn.times) == (8, 3)


def test_a_quarter_is_a_quarter_of_a_square_from_its_foot():
    (cell,) = cells.draw(held=0.25).cells
    assert (cell.fill_height, cell.fill_top) == (3, 9)


def test_cells_say_in_words_what_they_show():
    assert cells.draw(held=4, wanted=4).label == "GPUs: 4 held, 4 asked for"


@given(held=amounts, quota=st.none() | amounts, waiting=amounts, share=st.none() | amounts)
def test_a_bullet_is_as_long_as_what_it_shows(
    held: float, quota: float | None, waiting: float, share: float | None
):
    scale = 256
    drawn = bullet.draw(held=held, quota=quota, scale=scale, waiting=waiting, fair_share=share)
    length = sum(bar.width for bar in (drawn.held, drawn.over, drawn.waiting) if bar)
    assert length == pytest.approx(100 * (held + waiting) / scale, abs=0.01)
    assert drawn.is_over == (quota is not None and held > quota)
    if drawn.over and drawn.held:
        assert drawn.over.left == pytest.approx(drawn.held.width, abs=0.01)


def test_a_bullet_longer_than_its_scale_is_an_error_not_a_shorter_bar():
    with pytest.raises(ValueError, match="scale 24 is shorter than 29"):
        bullet.draw(held=29, quota=8, scale=24)


@pytest.mark.parametrize(
    ("held", "quota", "words"), [(29, 24, "+5 over"), (12, 16, "4 unused"), (4, 4, "full"), (4, None, "")]
)
def test_a_bullet_says_how_far_it_is_from_the_quota(held: float, quota: float | None, words: str):
    assert bullet.draw(held=held, quota=quota, scale=64).beside == words


def test_a_common_scale_holds_the_largest():
    assert bullet.scale_for([29, 24, 16.5]) == 32
    assert bullet.scale_for([]) == 8


@given(st.lists(st.none() | st.floats(0, 1000, allow_nan=False), max_size=40))
def test_a_sparkline_stays_inside_its_frame_and_shows_gaps(values: list[float | None]):
    drawn = sparkline.draw(values)
    numbers = [
        float(n) for line in drawn.lines for pair in line.removeprefix("M").split("L") for n in pair.split()
    ]
    assert all(0 <= x <= sparkline.WIDTH for x in numbers[::2])
    assert all(0 <= y <= sparkline.HEIGHT for y in numbers[1::2])
    runs = sum(1 for i, v in enumerate(values) if v is not None and (i == 0 or values[i - 1] is None))
    assert len(drawn.lines) == runs


def share(workload: str, use: float | None = 50, fraction: float = 1.0, **facts: bool) -> heat.Share:
    return heat.Share(fraction, use, workload, **facts)


def node(*gpus: tuple[heat.Share, ...]) -> heat.Node:
    return heat.Node("n1", tuple(heat.Gpu(i, shares) for i, shares in enumerate(gpus)))


def test_neighbouring_gpus_of_one_workload_join():
    drawn = heat.draw_node(node((share("a"),), (share("a"),), (share("b"),), ()))
    styles = [cell.style for cell in drawn.cells]
    assert "joins-right" in styles[0]
    assert "joins-left" in styles[1]
    assert "joins" not in styles[2]
    assert styles[3] == "free"
    assert drawn.free == 1


@pytest.mark.parametrize(
    ("use", "step"), [(0, "u0"), (4.9, "u0"), (5, "u1"), (24, "u1"), (50, "u3"), (80, "u4"), (100, "u4")]
)
def test_utilisation_has_five_steps(use: float, step: str):
    assert heat.ground(share("a", use)) == step


def test_no_data_is_unknown_and_never_zero():
    (cell,) = heat.draw_node(node((share("a", None),))).cells
    assert cell.style == "unknown"
    assert cell.text == "?"


def test_another_projects_workload_has_no_name():
    (cell,) = heat.draw_node(node((share(""),))).cells
    assert "another project's workload" in cell.title


def test_a_shared_gpu_shows_its_parts_in_proportion():
    (cell,) = heat.draw_node(node((share("a", 60, 0.25), share("b", 10, 0.5)))).cells
    assert [(s.left, s.width, s.style) for s in cell.slices] == [(0, 25, "u3"), (25, 50, "u1")]
    assert cell.text == ""


def test_a_node_that_is_down_counts_neither_as_ready_nor_as_allocated():
    pool = heat.Pool("h100", (node((share("a"),), ()), heat.Node("n2", problem="Not ready for 22 min")))
    drawn = heat.draw_pool(pool)
    assert (drawn.allocated, drawn.total) == (1, 2)
