"""A plan's effects on the cluster: evictions first, then bindings, then the reasons of those who wait.

Every effect names the pod by uid and may be tried again; none happens once the lease is no longer surely ours.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import structlog

from cluster.client import ClusterClient
from cluster.documents import format_micro_time, uid_of
from cluster.errors import ClusterError, ClusterUnavailable, Conflict, NotFound
from cluster.kinds import PERSISTENT_VOLUME_CLAIMS, PODS
from cluster.pods import bind_pod, binding_request, evict_pod, explain_waiting, node_of
from cluster.volley import Shot
from scheduling.announcing import Announcer, News
from scheduling.assumptions import Assumptions
from scheduling.batches import Batch, Effect, LeaseLost, Outcomes
from scheduling.pod_facts import PodFacts
from scheduling.volumes import SELECTED_NODE

BOUND_AT_ONCE = 32
"""Bindings under way in the volley: with more than this many before it an API server gets no faster."""
BINDERS = 12
"""Threads that bind what the volley could not: new volumes, second tries, everything behind a proxy."""
OTHERS = 4
"""Threads that evict and explain, so that neither waits for a long plan's bindings."""
CREATED = 201
"""What an API server answers to a binding; whatever else comes, from a page of something in between to 409, is looked into."""
VOLUME_SECONDS = 8.0
"""Real time a binding waits for a new volume; the place stays held meanwhile."""
VOLUME_LOOK_SECONDS = 0.5
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Binding:
    """One pod and the node it gets; `why` is a sentence for its people, where there is something to say."""

    pod: PodFacts
    node: str
    why: str = ""


@dataclass(frozen=True)
class Removal:
    """One pod that gives its place back, and what is written on it besides the time."""

    pod: PodFacts
    note: dict[str, Any]
    message: str


@dataclass(frozen=True)
class Explanation:
    """What a waiting pod is told; `refusal` goes into its annotation."""

    pod: PodFacts
    code: str
    message: str
    refusal: dict[str, Any]


class Executor:
    """One per cluster; its threads keep the client's connections warm."""

    def __init__(
        self,
        client: ClusterClient,
        assumptions: Assumptions,
        announcer: Announcer,
        *,
        heartbeat: Callable[[], None] = lambda: None,
    ) -> None:
        """`heartbeat` is called in the caller's thread while effects go on, so that a long batch does not outlive its lease."""
        self._client = client
        self._assumptions = assumptions
        self._announcer = announcer
        self._heartbeat = heartbeat
        self._volley = client.volley(BOUND_AT_ONCE)
        self._binders = ThreadPoolExecutor(BINDERS, thread_name_prefix="bind")
        self._others = ThreadPoolExecutor(OTHERS, thread_name_prefix="evict-and-explain")

    def close(self) -> None:
        """What has not begun is not begun any more."""
        if self._volley is not None:
            self._volley.close()
        self._binders.shutdown(wait=True, cancel_futures=True)
        self._others.shutdown(wait=True, cancel_futures=True)

    def evict(self, removals: Sequence[Removal], *, leading: Callable[[], bool], now: datetime) -> Outcomes:
        """All of them; they have ended on return."""
        return self._all([(one.pod.uid, partial(self._evict, one, now)) for one in removals], leading)

    def bind(self, bindings: Sequence[Binding], *, leading: Callable[[], bool], now: datetime) -> Batch:
        """Begins in other threads. Each pod's place is held from now on; who asks for the outcome of a failure calls `let_go`."""
        for one in bindings:
            self._assumptions.promised(one.pod.uid, one.node)
        return self._batch(self._begin_binding(bindings, leading, now))

    def let_go(self, outcomes: Outcomes) -> None:
        """Places that were held for bindings which did not happen are free again."""
        self._assumptions.let_go([*outcomes.skipped, *outcomes.failed])

    def explain(
        self, explanations: Sequence[Explanation], *, leading: Callable[[], bool], now: datetime
    ) -> Outcomes:
        return self._all([(one.pod.uid, partial(self._explain, one, now)) for one in explanations], leading)

    def _batch(self, effects: Iterable[Effect]) -> Batch:
        return Batch(effects, heartbeat=self._heartbeat, during=self._announcer.after_effects())

    def _all(
        self, effects: Sequence[tuple[str, Callable[[], None]]], leading: Callable[[], bool]
    ) -> Outcomes:
        if not effects:
            return Outcomes()  # and the events that wait are not woken up for nothing
        batch = self._batch((uid, self._others.submit(_attempt, act, leading)) for uid, act in effects)
        batch.wait()
        return batch.outcomes

    # --- bindings: most by the volley, the rest in threads --------------------------------------------------------

    def _begin_binding(
        self, bindings: Sequence[Binding], leading: Callable[[], bool], now: datetime
    ) -> Iterator[Effect]:
        quick = []
        for one in bindings:
            if self._volley is None or one.pod.claims_to_place:
                act = partial(self._bind, one, now)
                yield one.pod.uid, self._binders.submit(_attempt, act, leading)
            else:
                future: Future[None] = Future()
                begin = partial(self._begin_shot, one, leading, future)
                quick.append(Shot(begin, partial(self._end_shot, one, now, future)))
                yield one.pod.uid, future
        if self._volley is not None:
            self._volley.submit(quick)

    def _begin_shot(
        self, binding: Binding, leading: Callable[[], bool], future: "Future[None]"
    ) -> bytes | None:
        if not future.set_running_or_notify_cancel():
            return None
        if not leading():
            future.set_exception(LeaseLost())
            return None
        self._assumptions.bound(binding.pod.uid, binding.node)  # before the call: its answer may be lost
        return binding_request(self._client, binding.pod.document, binding.node)

    def _end_shot(self, binding: Binding, now: datetime, future: "Future[None]", status: int | None) -> None:
        if status == CREATED:
            self._tell_bound(binding, now)
            future.set_result(None)
            return
        try:
            self._binders.submit(self._bind_after_all, binding, now, future)
        except RuntimeError:  # we are being stopped
            future.set_exception(LeaseLost())

    def _bind_after_all(self, binding: Binding, now: datetime, future: "Future[None]") -> None:
        """What the volley's one try did not do, with all that belongs to it: the sentence of a refusal, the retry policy, the doubt."""
        try:
            self._bind(binding, now)
        except BaseException as error:  # noqa: BLE001 (whoever waits for the future is told)
            future.set_exception(error)
        else:
            future.set_result(None)

    # --- one effect, in a thread ----------------------------------------------------------------------------------

    def _evict(self, removal: Removal, now: datetime) -> None:
        pod = removal.pod
        try:
            evict_pod(self._client, pod.document, {"at": format_micro_time(now), **removal.note})
        except (NotFound, Conflict):  # gone already, or a namesake by now: the place is free either way
            log.info("a pod to take back was gone", pod=f"{pod.namespace}/{pod.name}")
        self._assumptions.evicted(pod.uid)
        self._announcer.tell(News(pod, "Evicted", removal.message, "Evicting", now))

    def _bind(self, binding: Binding, now: datetime) -> None:
        pod = binding.pod
        self._assumptions.bound(pod.uid, binding.node)  # before the call: its answer may be lost on the way
        try:
            self._place_volumes(binding)
            bind_pod(self._client, pod.document, binding.node)
        except ClusterError as error:
            there = self._is_there(binding)
            if there is None:  # the place stays held: the pod may sit on it
                raise
            if not there:
                self._assumptions.failed(pod.uid)
                raise
            log.info("a binding had worked already", pod=f"{pod.namespace}/{pod.name}", error=error.message)
        self._tell_bound(binding, now)

    def _tell_bound(self, binding: Binding, now: datetime) -> None:
        pod = binding.pod
        note = f"Successfully assigned {pod.namespace}/{pod.name} to {binding.node}"
        note = f"{note}. {binding.why}" if binding.why else note
        self._announcer.tell(News(pod, "Scheduled", note, "Binding", now))

    def _place_volumes(self, binding: Binding) -> None:
        """Have the pod's new volumes made where it goes; ClusterUnavailable while they are not: the gang tries again later."""
        for namespace, name in binding.pod.claims_to_place:
            note = {"metadata": {"annotations": {SELECTED_NODE: binding.node}}}
            claim = self._client.merge_patch(PERSISTENT_VOLUME_CLAIMS, name, note, namespace=namespace)
            give_up_at = time.monotonic() + VOLUME_SECONDS
            while not claim["spec"].get("volumeName"):
                if time.monotonic() >= give_up_at:
                    raise ClusterUnavailable(
                        f"The volume of its claim {name} is being made on {binding.node}; it was not there after {VOLUME_SECONDS:.0f} s.",
                        reason="VolumeNotBound",
                    )
                time.sleep(VOLUME_LOOK_SECONDS)
                claim = self._client.get(PERSISTENT_VOLUME_CLAIMS, name, namespace)

    def _is_there(self, binding: Binding) -> bool | None:
        """Whether the very pod is on that node by now, whoever put it there; None when the cluster does not say."""
        try:
            current = self._client.get(PODS, binding.pod.name, binding.pod.namespace)
        except NotFound:
            return False
        except ClusterError:
            return None
        return uid_of(current) == binding.pod.uid and node_of(current) == binding.node

    def _explain(self, explanation: Explanation, now: datetime) -> None:
        pod = explanation.pod
        try:
            changed = explain_waiting(
                self._client,
                pod.document,
                reason=explanation.code,
                message=explanation.message,
                refusal=explanation.refusal,
                now=now,
            )
        except (NotFound, Conflict):  # nobody waits any more
            return
        if changed is not None:
            self._announcer.tell(
                News(pod, "FailedScheduling", explanation.message, "Scheduling", now, kind="Warning")
            )


def _attempt(act: Callable[[], None], leading: Callable[[], bool]) -> None:
    """Nothing is begun once the lease is no longer surely ours."""
    if not leading():
        raise LeaseLost
    act()
