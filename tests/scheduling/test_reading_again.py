"""A reader that keeps what it knows says after any history what a new one would say of the world as it is."""

import copy
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cluster.kinds import JOBS
from cluster.labels import (
    GANG,
    JOBSET,
    JOBSET_REPLICATED_JOB,
    NODE_POOL,
    NODE_POOLS,
    PRIORITY_CLASS,
    QUEUE,
    TOPOLOGY,
    TOPOLOGY_REQUIRED,
)
from organization.models import NodePool
from scheduling.assumptions import Assumptions
from scheduling.memory import GangMemory
from scheduling.models import GangState
from scheduling.reader import ClusterReading, Reader
from scheduling.snapshots import CapturedCluster, to_json
from scheduling.world import World
from tests.conftest import Acme
from tests.scheduling.documents import Document, make_node, make_pod

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
LATER = datetime(2031, 1, 1, tzinfo=UTC)
"""After every stamp of the company."""
_edits = itertools.count()
NODES = ("n0", "n1", "n2")
NAMESPACES = ("runai-vision", "runai-speech", "elsewhere")
VARIANTS: tuple[dict[str, Any], ...] = (
    {"gpus": 1},
    {"gpus": 2, "owner": ("Job", "j0")},
    {"gpus": 1, "owner": ("Job", "j1"), "labels": {PRIORITY_CLASS: "build"}},
    {"gpus": 1, "owner": ("SparkApplication", "s")},
    {"gpus": 1, "owner": ("Job", "j0"), "annotations": {GANG: '{"name": "g", "minimum": 2}'}},
    {"gpus": 1, "annotations": {GANG: "no gang"}},
    {"gpus": "some"},
    {"scheduler": "default-scheduler", "cpu": "3"},
    {"gpus": 1, "labels": {QUEUE: "vision"}},
    {"gpus": 1, "labels": {NODE_POOL: "h100"}},
    {"gpus": 1, "labels": {NODE_POOL: "nowhere"}},
    {"gpus": 1, "annotations": {NODE_POOLS: "a100, default"}},
    {"gpus": 1, "annotations": {TOPOLOGY: "t", TOPOLOGY_REQUIRED: "rack"}},
    {"gpus": 1, "labels": {JOBSET: "set", JOBSET_REPLICATED_JOB: "driver"}},
    {"gpus": 1, "owner": ("Job", "j0"), "labels": {JOBSET: "set", JOBSET_REPLICATED_JOB: "workers"}},
)


class History:
    """A world that changes by small steps; `number` chooses what a step is done to. Documents are replaced, never changed."""

    def __init__(self, memory: GangMemory, acme: Acme) -> None:
        self.memory, self.acme = memory, acme
        self.assumptions = Assumptions()
        self.kept: dict[str, dict[str, Document]] = {kind: {} for kind in World.__dataclass_fields__}
        self._versions = itertools.count(100)
        for name in NODES:
            self._keep("nodes", make_node(name))
        for name in NAMESPACES:
            self._keep("namespaces", {"metadata": {"name": name}})

    def world(self) -> World:
        return World(**{kind: list(some.values()) for kind, some in self.kept.items()})

    def _keep(self, kind: str, document: Document) -> None:
        document["metadata"]["resourceVersion"] = str(next(self._versions))
        self.kept[kind][document["metadata"].get("uid", document["metadata"]["name"])] = document

    def _change(self, kind: str, number: int, act: Callable[[Document], object]) -> None:
        some = self.kept[kind]
        if some:
            document = copy.deepcopy(list(some.values())[number % len(some)])
            act(document)
            self._keep(kind, document)

    def _remove(self, kind: str, number: int) -> None:
        if self.kept[kind]:
            self.kept[kind].pop(list(self.kept[kind])[number % len(self.kept[kind])])

    def _one(self, number: int) -> str:
        return list(self.kept["pods"])[number % len(self.kept["pods"])] if self.kept["pods"] else "nobody"

    # --- steps ----------------------------------------------------------------------------------------------------

    def add_pod(self, number: int) -> None:
        variant = VARIANTS[number % len(VARIANTS)]
        pod = make_pod(f"p{next(self._versions)}", namespace=NAMESPACES[number % 3], **variant)
        if number % 5 == 0:
            pod["spec"]["volumes"] = [{"persistentVolumeClaim": {"claimName": f"c{number % 2}"}}]
        if number % 4 == 0:
            term = {
                "topologyKey": "host",
                "labelSelector": {},
                "namespaceSelector": {"matchLabels": {QUEUE: "vision"}},
            }
            rule = {"requiredDuringSchedulingIgnoredDuringExecution": [term]}
            pod["spec"]["affinity"] = {"podAntiAffinity": rule}
        if number % 7 == 0:
            pod["spec"]["containers"][0]["ports"] = [{"hostPort": 8000 + number % 2}]
        self._keep("pods", pod)

    def place(self, number: int) -> None:
        self._change("pods", number, lambda pod: pod["spec"].update(nodeName=NODES[number % 3]))

    def set_phase(self, number: int) -> None:
        phase = ("Running", "Succeeded", "Failed", "Pending")[number % 4]
        self._change("pods", number, lambda pod: pod["status"].update(phase=phase))

    def mark_deleted(self, number: int) -> None:
        stamp = "2030-01-01T13:00:00Z"
        self._change("pods", number, lambda pod: pod["metadata"].update(deletionTimestamp=stamp))

    def relabel(self, number: int) -> None:
        self._change("pods", number, lambda pod: pod["metadata"].update(labels={QUEUE: "speech"}))

    def change_owner(self, number: int) -> None:
        owner = {"apiVersion": "batch/v1", "kind": "Job", "name": f"j{number % 4}", "controller": True}
        owners = [owner | {"uid": f"Job-j{number % 4}"}] if number % 4 else []
        self._change("pods", number, lambda pod: pod["metadata"].update(ownerReferences=owners))

    def remove_pod(self, number: int) -> None:
        self._remove("pods", number)

    def list_anew(self, number: int) -> None:
        self.kept["pods"] = copy.deepcopy(dict(reversed(self.kept["pods"].items())))

    def change_node(self, number: int) -> None:
        name, pool = f"n{number % 4}", ("", "h100", "a100")[number % 3]
        self._keep("nodes", make_node(name, pool=pool, cordoned=number % 2 == 0))

    def remove_node(self, number: int) -> None:
        self._remove("nodes", number)

    def change_job(self, number: int) -> None:
        labels = {PRIORITY_CLASS: "inference"} if number % 2 else {}
        name = f"j{number % 3 % 2}"
        self._keep("jobs", {"metadata": {"name": name, "uid": f"{JOBS.kind}-{name}", "labels": labels}})

    def change_job_set(self, number: int) -> None:
        jobs: list[Document] = [{"name": "driver"}, {"name": "workers", "replicas": 1 + number % 3}]
        labels = {PRIORITY_CLASS: "build"} if number % 5 == 0 else {}
        place = {
            "name": "set",
            "namespace": NAMESPACES[number % 3],
            "uid": f"set-{number % 3}",
            "labels": labels,
        }
        spec = {
            "replicatedJobs": jobs,
            "startupPolicy": {"startupPolicyOrder": "InOrder" if number % 2 else ""},
        }
        kind = {"apiVersion": "jobset.x-k8s.io/v1alpha2", "kind": "JobSet"}
        self._keep("group_owners", {**kind, "metadata": place, "spec": spec, "status": {"number": number}})

    def remove_job_set(self, number: int) -> None:
        self._remove("group_owners", number)

    def remove_job(self, number: int) -> None:
        self._remove("jobs", number)

    def label_namespace(self, number: int) -> None:
        labels = {QUEUE: "vision"} if number % 2 else {}
        self._keep("namespaces", {"metadata": {"name": "elsewhere", "labels": labels}})

    def change_claim(self, number: int) -> None:
        spec = {"accessModes": ["ReadWriteOncePod"]} | ({"volumeName": "v"} if number % 2 else {})
        place = {"name": f"c{number % 3 % 2}", "namespace": NAMESPACES[number % 2]}
        self._keep("claims", {"metadata": {**place, "uid": "/".join(place.values())}, "spec": spec})

    def change_volume(self, number: int) -> None:
        self.kept["volumes"] = {"v": {"metadata": {"name": "v"}, "spec": {}}} if number % 2 else {}

    def change_topology(self, number: int) -> None:
        levels = {"levels": [{"nodeLabel": "rack"}]}
        self.kept["topologies"] = {"t": {"metadata": {"name": "t"}, "spec": levels}} if number % 2 else {}

    def change_budget(self, number: int) -> None:
        budget = {
            "metadata": {"name": "b", "namespace": NAMESPACES[0]},
            "spec": {"selector": {}},
            "status": {"disruptionsAllowed": number % 2},
        }
        self.kept["budgets"] = {"b": budget} if number % 3 else {}

    def bind(self, number: int) -> None:
        self.assumptions.promised(self._one(number), NODES[number % 3])

    def fail(self, number: int) -> None:
        self.assumptions.failed(self._one(number))
        self.assumptions.let_go([self._one(number)])

    def evict(self, number: int) -> None:
        self.assumptions.evicted(self._one(number))

    def remember(self, number: int) -> None:
        keys = sorted(self.memory._states)
        if not keys:
            return
        key = keys[number % len(keys)]
        match number % 5:
            case 0:
                self.memory.offer(key, "a100")
            case 1:
                self.memory.started(key, NOW)
            case 2:
                self.memory.bind_failed(key, NOW, 1.0)
            case 3:
                self.memory.note_whole(key, {"": 1} if number % 2 else {})
            case _:
                self.memory.stale({key}, "default", NOW)

    def read_memory_anew(self, number: int) -> None:
        """As after another process had the lease, which knew what was saved."""
        if number % 2:
            self.memory.save()
        self.memory.load()

    def change_pool(self, number: int) -> None:
        pool = NodePool.objects.get(cluster=self.acme.cluster, name="h100")
        pool.label_value = ("h100", "nothing")[number % 2]
        pool.updated_at = LATER + timedelta(seconds=next(_edits))
        pool.save()

    def change_project(self, number: int) -> None:
        self.acme.vision.default_node_pools = (["h100", "default"], ["default"])[number % 2]
        self.acme.vision.updated_at = LATER + timedelta(seconds=next(_edits))
        self.acme.vision.save()


STEPS = sorted(name for name in vars(History) if name not in ("world",) and not name.startswith("_"))


def said(reading: ClusterReading) -> dict[str, Any]:
    """Everything a cycle works on, whatever the order in which it was found."""
    return {
        "refused": reading.refused,
        "troubles": sorted(reading.troubles),
        "present": reading.present,
        "pools": {
            pool.pool.name: {
                "snapshot": to_json(CapturedCluster.of(pool.snapshot, _config(), 0.0)),
                "sums": pool.snapshot.queue_sums,
                "indexes": (pool.snapshot.task_gang, pool.snapshot.task_shape, pool.snapshot.task_node),
                "shapes": pool.snapshot.shapes,
                "total": pool.snapshot.total,
                "free": [(one.idle_gpus, one.idle_cpu, one.idle_pods) for one in pool.snapshot.occupancy],
                "groups": pool.groups,
                "pods": pool.pods,
                "waiting": sorted(gang.uid for gang in pool.waiting),
                "below": sorted(gang.uid for gang in pool.below_minimum),
                "protected": pool.protected,
            }
            for pool in reading.pools
        },
    }


def _config() -> Any:
    from scheduling.engine import SchedulerConfig

    return SchedulerConfig()


@pytest.mark.django_db
@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 400)), min_size=1, max_size=6),
        min_size=1,
        max_size=12,
    )
)
def test_what_is_kept_says_what_a_new_look_would_say(acme: Acme, looks: list[list[tuple[str, int]]]) -> None:
    GangState.objects.all().delete()  # of the example before
    memory = GangMemory(acme.cluster)
    history = History(memory, acme)
    history.change_pool(0)
    history.change_project(0)
    for number in range(8):
        history.add_pod(number)
    keeps = Reader(acme.cluster)
    for steps in looks:
        for name, number in steps:
            getattr(history, name)(number)
        world = history.world()
        kept = keeps.read(world, memory=memory, assumptions=history.assumptions)
        anew = Reader(acme.cluster).read(world, memory=memory, assumptions=history.assumptions)
        assert said(kept) == said(anew)
        for entry in kept.renewed:
            if entry.gang is not None:
                memory.meet(entry.group.membership, entry.pool, NOW)
        memory.part_with(kept.present, {"default", "h100", "a100"}, NOW)


@pytest.mark.django_db
def test_what_has_not_changed_is_the_same_object_again(acme: Acme) -> None:
    memory, reader = GangMemory(acme.cluster), Reader(acme.cluster)
    history = History(memory, acme)
    for _ in range(5):
        history.add_pod(1)

    def look() -> ClusterReading:
        return reader.read(history.world(), memory=memory, assumptions=history.assumptions)

    first = look()
    history.set_phase(4)
    second = look()

    assert len(second.renewed) == 1
    changed = second.renewed[0].uid
    before, after = first.pools[0].groups, second.pools[0].groups
    assert all(after[uid] is before[uid] for uid in before if uid != changed)


@pytest.mark.django_db
def test_a_look_that_breaks_off_loses_no_change(acme: Acme, monkeypatch: pytest.MonkeyPatch) -> None:
    memory, reader = GangMemory(acme.cluster), Reader(acme.cluster)
    history = History(memory, acme)
    history.add_pod(1)
    reader.read(history.world(), memory=memory, assumptions=history.assumptions)
    history.add_pod(1)
    with monkeypatch.context() as patched:
        patched.setattr("scheduling.reader.read_budgets", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            reader.read(history.world(), memory=memory, assumptions=history.assumptions)

    again = reader.read(history.world(), memory=memory, assumptions=history.assumptions)

    anew = Reader(acme.cluster).read(history.world(), memory=memory, assumptions=history.assumptions)
    assert said(again) == said(anew)
    assert len(again.present) == 2


@pytest.mark.django_db
def test_a_memory_that_is_read_anew_is_followed(acme: Acme) -> None:
    memory, reader = GangMemory(acme.cluster), Reader(acme.cluster)
    history = History(memory, acme)
    pod = make_pod("p", namespace="runai-vision", gpus=1, annotations={NODE_POOLS: "a100, default"})
    history._keep("pods", pod)

    def pools_with_a_gang() -> list[str]:
        found = reader.read(history.world(), memory=memory, assumptions=history.assumptions)
        for entry in found.renewed:
            memory.meet(entry.group.membership, entry.pool, NOW)
        return [pool.pool.name for pool in found.pools if pool.waiting]

    assert pools_with_a_gang() == ["a100"]
    memory.offer(next(iter(memory._states)), "default")
    assert pools_with_a_gang() == ["default"]
    memory.load()  # another process had the lease, and knows nothing of it
    assert pools_with_a_gang() == ["a100"]
