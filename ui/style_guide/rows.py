"""The style guide's list: a table of things in every state."""

from dataclasses import dataclass

from django.http import HttpRequest

from ui.list_pages import ListPage, View
from ui.tables import CellColumn, ListTable, NumberColumn, StatusColumn, TextColumn


@dataclass(frozen=True)
class Thing:
    id: str
    name: str
    below: str
    state: str
    since: str
    reason: str = ""
    reason_family: str = ""
    held: float = 0
    wanted: float = 0
    idle: float = 0
    pods: int = 1
    kind: str = ""
    pool: str = "h100"
    use: int | None = None
    owner: str = "Ben Aas"
    is_yours: bool = False

    @property
    def asked(self) -> float:
        return self.held + self.wanted + self.idle

    @property
    def history(self) -> list[float | None]:
        """Twelve samples that end at the present use."""
        if self.use is None:
            return []
        return [max(0, min(100, self.use + (7 * i * i + len(self.name)) % 11 - 5)) for i in range(12)]


THINGS = (
    Thing("1", "llm-finetune-13b", "nlp-research", "Pending", "18 min", "Needs 8 GPUs on one node, most free is 3", wanted=8, is_yours=True),
    Thing("2", "vision-pano-train", "vision", "Pending", "12 min", "Waiting for rlhf-sweep to stop, 22 s left", wanted=4),
    Thing("3", "asr-large-ft2", "speech", "Pending", "41 min", "Preempted by asr-tune, will resume", "evict", wanted=8, pool="a100", owner="Ida Moe"),
    Thing("4", "render-qa", "vision", "Initializing", "1 min", "Pulling image, 1 of 2 pods ready", held=2, kind="busy", pool="l40s"),
    Thing("5", "rlhf-sweep", "nlp-research", "Degraded", "2 min", "Giving back 4 GPUs to vision", held=4, use=70, is_yours=True),
    Thing("6", "llm-pretrain-7b", "nlp-research", "Running", "2 d 4 h", held=24, pods=3, use=91, is_yours=True),
    Thing("7", "jupyter-ada", "nlp-research", "Running", "5 h", "Idle for 47 min, stops in 13 min", idle=1, use=0, is_yours=True),
    Thing("8", "nb-kim", "speech", "Running", "34 min", held=0.25, use=35, owner="Kim Holt"),
    Thing("9", "nlp-eval-nightly", "nlp-research", "Completed", "08:12", "Ran 1 h 52 min", pool="a100"),
    Thing("10", "diff-ablate-04", "vision", "Failed", "11:40", "Out of GPU memory, exit code 1, 3 of 3 tries", pool="a100"),
    Thing("11", "search-embed", "search", "Suspending", "3 s", held=1, kind="off"),
    Thing("12", "prep-shards", "genomics", "Stopped", "6 h", "Stopped by Tor Eng"),
    Thing("13", "lost-node-job", "genomics", "Unknown", "4 min", "oslo-2 not reached since 14:28"),
)  # fmt: skip


class ThingTable(ListTable):
    name = CellColumn(
        "ui/style_guide/_name.html", minor=False, verbose_name="Workload · project", csv=lambda r: r.name
    )
    state = StatusColumn("ui/style_guide/_state.html", verbose_name="Status", csv=lambda r: r.state)
    held = CellColumn("ui/style_guide/_cells.html", verbose_name="GPUs held of asked", csv=lambda r: r.held)
    asked = NumberColumn(verbose_name="Asked", minor=False)
    pool = TextColumn(verbose_name="Pool")
    use = CellColumn("ui/style_guide/_use.html", css="n", verbose_name="GPU use, 1 h", csv=lambda r: r.use)
    owner = CellColumn("ui/style_guide/_owner.html", verbose_name="Created by", csv=lambda r: r.owner)
    below = TextColumn(verbose_name="Project")
    locked = ("name", "state")
    optional = ("below",)
    selectable = True
    live = "things"
    row_actions = "ui/style_guide/_actions.html"

    class Meta(ListTable.Meta):
        pass


def page(request: HttpRequest) -> ListPage:
    return ListPage(
        request,
        key="things",
        table=ThingTable,
        rows=list(THINGS),
        noun="workload",
        search=("name", "below"),
        views=[
            View("all", "All"),
            View("mine", "Mine", lambda rows: [r for r in rows if r.is_yours]),
            View("waiting", "Waiting", lambda rows: [r for r in rows if r.state == "Pending"]),
        ],
        placeholder="Search name, project",
    )
