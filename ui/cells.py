"""Pure: GPU cells as rectangles. One small square is one GPU: held, part-held, asked for, idle, free or down."""

from dataclasses import dataclass

WIDTH, HEIGHT, GAP = 8, 12, 2
MOST = 8
KINDS = ("held", "idle", "wanted", "free", "down")


@dataclass(frozen=True)
class Cell:
    """`fraction` of the square, from its foot, is filled (held and idle only)."""

    kind: str
    fraction: float = 1.0
    x: int = 0

    @property
    def left(self) -> float:
        return self.x + 0.5

    @property
    def fill_top(self) -> float:
        return round(HEIGHT * (1 - self.fraction), 2)

    @property
    def fill_height(self) -> float:
        return round(HEIGHT * self.fraction, 2)


@dataclass(frozen=True)
class Cells:
    """`rest` GPUs of each shape are written beside the squares, as there is no room to draw them."""

    cells: tuple[Cell, ...]
    times: int
    label: str
    rest: float = 0

    @property
    def width(self) -> int:
        return max(len(self.cells) * (WIDTH + GAP) - GAP, 0)


def draw(
    *, held: float = 0, idle: float = 0, wanted: float = 0, free: float = 0, down: float = 0, pods: int = 1
) -> Cells:
    """GPUs of each kind, in whole or part devices; at most sixteen squares.

    `pods` > 1 says that the counts are of `pods` equal shapes: one shape is drawn, and "× pods" beside it.
    More than eight equal squares become one row of eight and "× n" when they divide evenly; what has no room is "+ rest".
    """
    counts = {"held": held, "idle": idle, "wanted": wanted, "free": free, "down": down}
    shape = {kind: count / max(pods, 1) for kind, count in counts.items()}
    squares = [cell for kind in KINDS for cell in squares_of(kind, shape[kind])]
    times = max(pods, 1)
    if len(squares) > MOST and len(squares) % MOST == 0 and len(set(squares)) == 1:
        times *= len(squares) // MOST
        squares = squares[:MOST]
    shown, left_out = squares[: 2 * MOST], squares[2 * MOST :]
    placed = tuple(Cell(s.kind, s.fraction, index * (WIDTH + GAP)) for index, s in enumerate(shown))
    rest = round(sum(square.fraction for square in left_out), 3)
    return Cells(placed, times, label_of(counts), rest)


def squares_of(kind: str, count: float) -> list[Cell]:
    whole = int(count + 1e-9)
    rest = count - whole
    squares = [Cell(kind)] * whole
    return [*squares, Cell(kind, round(rest, 3))] if rest > 1e-6 else squares


def label_of(counts: dict[str, float]) -> str:
    words = {"held": "held", "idle": "held but idle", "wanted": "asked for", "free": "free", "down": "down"}
    said = [f"{count:g} {words[kind]}" for kind, count in counts.items() if count]
    return f"GPUs: {', '.join(said)}" if said else "no GPUs"
