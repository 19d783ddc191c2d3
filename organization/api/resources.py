"""Quotas in the API: resource entries to Quota and back; GPUs as numbers, CPU in millicores, memory in its units."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from access.errors import InvalidInput
from organization import usage
from organization.api.schema import MEMORY_UNITS, RANKS
from organization.models import Cluster, NodePool, PoolResources
from organization.quotas import Quota
from organization.services.quotas import Unit, quota_of, row_of
from organization.usage import Amounts, Usage

MIB = 2**20
ERROR_NAMES = {"weight": "overQuotaWeight"}
Given = tuple[NodePool, Quota]


def entry_of(row: PoolResources) -> dict[str, Any]:
    return {
        "nodePool": {"id": str(row.pool_id), "name": row.pool.name},
        "gpu": {
            "deserved": row.gpu_deserved_milli / 1000,
            "limit": _divided(row.gpu_limit_milli, 1000),
            "overQuotaWeight": row.gpu_weight,
        },
        "cpu": {"deserved": row.cpu_deserved_milli, "limit": row.cpu_limit_milli},
        "memory": {
            "deserved": _divided(row.memory_deserved_bytes, MIB),
            "limit": _divided(row.memory_limit_bytes, MIB),
            "units": "Mib",
        },
        "rank": RANKS[row.rank - 1],
        "overQuotaAllowed": row.over_quota_allowed,
    }


def _divided(value: int | None, by: int) -> float | None:
    return None if value is None else value / by


def totals_of(rows: Iterable[PoolResources]) -> dict[str, Any]:
    """Over all pools; None where one is unlimited."""
    found = list(rows)
    cpu = [row.cpu_deserved_milli for row in found]
    memory = [row.memory_deserved_bytes for row in found]
    return {
        "gpuQuota": sum(row.gpu_deserved_milli for row in found) / 1000,
        "cpuQuota": None if None in cpu else sum(value or 0 for value in cpu),
        "memoryQuota": None if None in memory else sum(value or 0 for value in memory) / MIB,
    }


def status_of(used: usage.PoolUsage | None, ids: Sequence[int], pools: Iterable[str]) -> dict[str, Any]:
    """quotaStatus over all pools and per pool; null everywhere where nobody knows what is held."""
    if used is None:
        return {"quotaStatus": None, "nodePoolQuotaStatuses": None}
    per_pool = {
        name: sum((used.get((one, name), usage.NOTHING) for one in ids), usage.NOTHING) for name in pools
    }
    return {
        "quotaStatus": _quota_status(sum(per_pool.values(), usage.NOTHING)),
        "nodePoolQuotaStatuses": [
            {"nodePoolName": name, **_quota_status(one)} for name, one in per_pool.items()
        ],
    }


def _quota_status(used: Usage) -> dict[str, Any]:
    return {
        "allocated": _amounts(used.held),
        "allocatedNonPreemptible": _amounts(used.uninterruptible),
        "requested": _amounts(used.held + used.waiting),
    }


def _amounts(amounts: Amounts) -> dict[str, float]:
    return {"gpu": amounts.gpu_milli / 1000, "cpu": amounts.cpu_milli, "memory": amounts.memory_bytes / MIB}


# --- reading -----------------------------------------------------------------------------------------------------------------------


def quotas_from(
    entries: Sequence[Mapping[str, Any]], cluster: Cluster, unit: Unit | None, *, whole: bool
) -> list[Given]:
    """Entries as quotas. `whole` (PUT, create): what an entry leaves out is the default, and pools left out get it too;
    else (PATCH) both stay as they are. Raises InvalidInput with fields `resources.<n>.…`."""
    pools = {pool.pk: pool for pool in cluster.node_pools.all()}
    by_name = {pool.name: pool for pool in pools.values()}
    found: dict[int, Given] = {}
    for index, entry in enumerate(entries):
        pool = _pool_of(entry["nodePool"], pools, by_name)
        if pool is None or pool.pk in found:
            sentence = (
                f"{cluster.name} has no such node pool."
                if pool is None
                else "This node pool stands there twice."
            )
            raise InvalidInput({f"resources.{index}.nodePool": [sentence]})
        before = Quota() if whole or unit is None else quota_of(row_of(unit, pool))
        found[pool.pk] = (pool, _quota_from(entry, before))
    if whole and unit is not None:
        return [*found.values(), *((pool, Quota()) for key, pool in pools.items() if key not in found)]
    return list(found.values())


def _pool_of(
    named: Mapping[str, str], pools: Mapping[int, NodePool], by_name: Mapping[str, NodePool]
) -> NodePool | None:
    if "id" in named:
        pool = pools.get(int(named["id"])) if named["id"].isdecimal() else None
        return pool if pool and named.get("name", pool.name) == pool.name else None
    return by_name.get(named.get("name", ""))


def _quota_from(entry: Mapping[str, Any], before: Quota) -> Quota:
    gpu, cpu, memory = entry.get("gpu", {}), entry.get("cpu", {}), entry.get("memory", {})
    unit = MEMORY_UNITS[memory.get("units", "Mib")]
    changes: dict[str, Any] = {
        **_scaled("gpu_deserved_milli", gpu, "deserved", 1000),
        **_scaled("gpu_limit_milli", gpu, "limit", 1000),
        **_scaled("cpu_deserved_milli", cpu, "deserved", 1),
        **_scaled("cpu_limit_milli", cpu, "limit", 1),
        **_scaled("memory_deserved_bytes", memory, "deserved", unit),
        **_scaled("memory_limit_bytes", memory, "limit", unit),
    }
    if gpu.get("overQuotaWeight") is not None:
        changes["gpu_weight"] = gpu["overQuotaWeight"]
    if "rank" in entry:
        changes["rank"] = RANKS.index(entry["rank"]) + 1
    if "overQuotaAllowed" in entry:
        changes["over_quota_allowed"] = entry["overQuotaAllowed"]
    return replace(before, **changes)


def _scaled(field: str, given: Mapping[str, Any], key: str, factor: int) -> dict[str, int | None]:
    if key not in given:
        return {}
    value = given[key]
    return {field: None if value is None else round(value * factor)}


def in_words_of_the_api(refusal: InvalidInput) -> InvalidInput:
    """`resources.0.gpu.weight` is `resources.0.gpu.overQuotaWeight` here, `department` is `parentId`."""
    renamed = {}
    for field, sentences in refusal.errors.items():
        *path, last = field.split(".")
        name = ERROR_NAMES.get(last, last) if path else {"department": "parentId"}.get(last, last)
        renamed[".".join([*path, name])] = sentences
    return type(refusal)(renamed)
