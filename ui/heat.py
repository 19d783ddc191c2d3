"""Pure: the heat grid. A row is a node, a cell is a GPU; neighbouring GPUs of one workload join into one block."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ui.wording import number, percent

DENSE_FROM_NODES = 64
STEPS = (5, 25, 50, 80)


@dataclass(frozen=True)
class Share:
    """A part of a GPU in use. `utilisation` in percent, None = no data; `workload` "" = someone else's, unnamed."""

    fraction: float
    utilisation: float | None
    workload: str
    url: str = ""
    project: str = ""
    is_yours: bool = False
    is_idle: bool = False
    memory: str = ""
    since: str = ""


@dataclass(frozen=True)
class Gpu:
    index: int
    shares: tuple[Share, ...] = ()


@dataclass(frozen=True)
class Node:
    """`problem` replaces the cells by a bar: "Not ready for 22 min"; `family` is the bar's state family."""

    name: str
    gpus: tuple[Gpu, ...] = ()
    url: str = ""
    problem: str = ""
    family: str = "bad"


@dataclass(frozen=True)
class Pool:
    name: str
    nodes: tuple[Node, ...]
    model: str = ""
    url: str = ""


@dataclass(frozen=True)
class Slice:
    left: float
    width: float
    style: str


@dataclass(frozen=True)
class DrawnCell:
    style: str
    text: str
    title: str
    url: str
    slices: tuple[Slice, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class DrawnNode:
    node: Node
    cells: tuple[DrawnCell, ...]
    free: int


@dataclass(frozen=True)
class DrawnPool:
    pool: Pool
    columns: int
    nodes: tuple[DrawnNode, ...]
    allocated: float
    total: int
    headings: tuple[int, ...] = field(default=())


def draw(pools: Sequence[Pool]) -> list[DrawnPool]:
    return [draw_pool(pool) for pool in pools]


def is_dense(pools: Sequence[Pool]) -> bool:
    return sum(len(pool.nodes) for pool in pools) > DENSE_FROM_NODES


def draw_pool(pool: Pool) -> DrawnPool:
    columns = max([len(node.gpus) for node in pool.nodes] + [1])
    ready = [node for node in pool.nodes if not node.problem]
    held = sum(share.fraction for node in ready for gpu in node.gpus for share in gpu.shares)
    return DrawnPool(
        pool=pool,
        columns=columns,
        nodes=tuple(draw_node(node) for node in pool.nodes),
        allocated=round(held, 3),
        total=sum(len(node.gpus) for node in ready),
        headings=tuple(range(columns)),
    )


def draw_node(node: Node) -> DrawnNode:
    if node.problem:
        return DrawnNode(node, (), 0)
    cells = tuple(draw_gpu(node, place) for place in range(len(node.gpus)))
    return DrawnNode(node, cells, sum(not gpu.shares for gpu in node.gpus))


def draw_gpu(node: Node, place: int) -> DrawnCell:
    gpu = node.gpus[place]
    head = f"{node.name} GPU {gpu.index}"
    if not gpu.shares:
        return DrawnCell("free", "", f"{head}: free", node.url)
    yours = " yours" if any(share.is_yours for share in gpu.shares) else ""
    first = gpu.shares[0]
    if len(gpu.shares) > 1 or first.fraction < 1:
        title = f"{head}: " + "; ".join(sentence(share) for share in gpu.shares)
        return DrawnCell(f"shared{yours}", "", title, first.url or node.url, slices(gpu), facts(gpu))
    style = f"{ground(first)}{joins(node, place)}{yours}"
    text = "" if first.is_idle else "?" if first.utilisation is None else str(round(first.utilisation))
    return DrawnCell(style, text, f"{head}: {sentence(first)}", first.url or node.url, (), facts(gpu))


def ground(share: Share) -> str:
    if share.is_idle:
        return "idle"
    if share.utilisation is None:
        return "unknown"
    return f"u{sum(share.utilisation >= step for step in STEPS)}"


def joins(node: Node, place: int) -> str:
    """A whole GPU joins its neighbour when both belong to one workload."""
    left = place > 0 and same_workload(node.gpus[place - 1], node.gpus[place])
    right = place + 1 < len(node.gpus) and same_workload(node.gpus[place], node.gpus[place + 1])
    return (" joins-left" if left else "") + (" joins-right" if right else "")


def same_workload(one: Gpu, other: Gpu) -> bool:
    if len(one.shares) != 1 or len(other.shares) != 1:
        return False
    a, b = one.shares[0], other.shares[0]
    return a.fraction == b.fraction == 1 and (a.workload, a.project, a.url) == (b.workload, b.project, b.url)


def slices(gpu: Gpu) -> tuple[Slice, ...]:
    """Shares side by side, as wide as their fractions; the rest stays hollow."""
    drawn, left = [], 0.0
    for share in gpu.shares:
        drawn.append(Slice(round(100 * left, 2), round(100 * share.fraction, 2), ground(share)))
        left += share.fraction
    return tuple(drawn)


def sentence(share: Share) -> str:
    who = share.workload or "another project's workload"
    part = "" if share.fraction == 1 else f", {number(share.fraction)} of it"
    use = "idle" if share.is_idle else "no data" if share.utilisation is None else percent(share.utilisation)
    return f"{who}{part}, {use}"


def facts(gpu: Gpu) -> tuple[tuple[str, str], ...]:
    """The rows of the card that hovering or focusing shows."""
    rows: list[tuple[str, str]] = []
    for share in gpu.shares:
        rows.append(("Workload", share.workload or "another project's workload"))
        given = (
            ("Project", share.project),
            ("Share", "" if share.fraction == 1 else number(share.fraction)),
            ("Utilisation", "no data" if share.utilisation is None else percent(share.utilisation)),
            ("Memory", share.memory),
            ("Since", share.since),
        )
        rows.extend((name, text) for name, text in given if text)
    return tuple(rows)
