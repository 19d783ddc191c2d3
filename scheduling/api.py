"""REST of the scheduler: its pools, cycles and decisions; the same queries as the page."""

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.rest import ANYTHING, LISTING, Field, Listing, iso, moment, person_of, uuid_value, whole
from scheduling import queries


def schedulers_of(rows: Sequence[Any]) -> list[dict[str, Any]]:
    return [
        {
            "clusterId": str(row.cluster_id),
            "nodePool": row.pool,
            "holder": row.holder,
            "leaseTransitions": row.lease_transitions,
            "lastCycleAt": iso(row.last_cycle_at),
            "lastDurationMs": row.last_duration_ms,
            "waitingGangs": row.waiting_gangs,
            "runningGangs": row.running_gangs,
            "error": row.error,
        }
        for row in rows
    ]


def cycles_of(rows: Sequence[Any]) -> list[dict[str, Any]]:
    return [
        {
            "id": str(row.pk),
            "clusterId": str(row.cluster_id),
            "nodePool": row.pool,
            "at": iso(row.at),
            "leaseTransitions": row.lease_transitions,
            "readMs": row.read_ms,
            "decideMs": row.decide_ms,
            "applyMs": row.apply_ms,
            "pods": row.pods,
            "nodes": row.nodes,
            "waitingGangs": row.waiting_gangs,
            "bound": row.bound,
            "evicted": row.evicted,
            "failed": row.failed,
        }
        for row in rows
    ]


def decisions_of(rows: Sequence[Any]) -> list[dict[str, Any]]:
    return [
        {
            "id": str(row.pk),
            "cycleId": str(row.cycle_id),
            "clusterId": str(row.cycle.cluster_id),
            "nodePool": row.cycle.pool,
            "at": iso(row.cycle.at),
            "verdict": row.verdict,
            "outcome": row.outcome,
            "gang": row.gang,
            "queue": row.queue,
            "pod": row.pod,
            "podUid": row.pod_uid,
            "node": row.node,
            "reason": row.reason,
            "message": row.message,
            "numbers": row.numbers,
            "error": row.error,
            "leaseTransitions": row.lease_transitions,
        }
        for row in rows
    ]


SCHEDULERS = Listing(
    "schedulers",
    {"clusterId": Field("cluster_id", uuid_value), "nodePool": Field("pool")},
    schedulers_of,
    order=("cluster__name", "pool"),
)
CYCLES = Listing(
    "cycles",
    {
        "clusterId": Field("cluster_id", uuid_value),
        "nodePool": Field("pool"),
        "at": moment("at"),
        "bound": whole("bound"),
        "evicted": whole("evicted"),
        "failed": whole("failed"),
    },
    cycles_of,
    order=("-at", "-pk"),
)
DECISIONS = Listing(
    "decisions",
    {
        "clusterId": Field("cycle__cluster_id", uuid_value),
        "nodePool": Field("cycle__pool"),
        "at": moment("cycle__at"),
        "verdict": Field("verdict"),
        "outcome": Field("outcome"),
        "gang": Field("gang"),
        "queue": Field("queue"),
        "pod": Field("pod"),
        "podUid": Field("pod_uid"),
        "node": Field("node"),
        "reason": Field("reason"),
    },
    decisions_of,
    searched=("gang", "pod", "message", "queue", "node"),
    order=("-pk",),
)


@extend_schema(parameters=LISTING, responses=ANYTHING, operation_id="list_schedulers", tags=["scheduling"])
@api_view(["GET"])
def scheduler_list(request: Request) -> Response:
    return SCHEDULERS.answer(request, queries.visible_schedulers(person_of(request)))


@extend_schema(parameters=LISTING, responses=ANYTHING, operation_id="list_cycles", tags=["scheduling"])
@api_view(["GET"])
def cycle_list(request: Request) -> Response:
    return CYCLES.answer(request, queries.visible_cycles(person_of(request)))


@extend_schema(parameters=LISTING, responses=ANYTHING, operation_id="list_decisions", tags=["scheduling"])
@api_view(["GET"])
def decision_list(request: Request) -> Response:
    return DECISIONS.answer(request, queries.visible_decisions(person_of(request)))
