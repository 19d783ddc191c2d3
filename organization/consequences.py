"""What saving a GPU quota would mean, from quotas, ready GPUs and what is held; the scheduler's own forecast is not here."""

from organization import quotas
from organization.models import Department, NodePool, PoolResources, Project
from organization.queries import ready_gpus
from organization.quota_cells import cells_of
from ui.wording import number

Effect = dict[str, str]
"""family and text, for {% effects %}."""


def of_quota(unit: Project | Department, pool: NodePool, deserved_milli: int) -> list[Effect]:
    """Sentences about a quota of so many thousandths of GPUs, instead of the present one."""
    rows = PoolResources.objects.filter(pool=pool)
    peers = (
        rows.filter(project__isnull=False)
        if isinstance(unit, Project)
        else rows.filter(department__isnull=False)
    )
    own = peers.filter(project=unit) if isinstance(unit, Project) else peers.filter(department=unit)
    others = quotas.total(peers.exclude(pk__in=own).values_list("gpu_deserved_milli", flat=True)) or 0
    ready = ready_gpus(pool)
    return [
        *_against_held(unit, pool, deserved_milli / 1000),
        _against_ready(pool, others + deserved_milli, ready),
    ]


def _against_held(unit: Project | Department, pool: NodePool, new: float) -> list[Effect]:
    held = next((cell.held for cell in cells_of(unit) if cell.pool.pk == pool.pk), None)
    if held is None:
        return [{"family": "off", "text": "What is held now is not known."}]
    if held > new:
        text = f"{unit.name} holds {number(held)}: {number(held - new)} would be over quota and may be taken back."
        return [{"family": "evict", "text": text}]
    if held == new:
        return [{"family": "run", "text": f"{unit.name} holds {number(held)}: exactly its quota."}]
    return [
        {
            "family": "run",
            "text": f"{unit.name} holds {number(held)}: {number(new - held)} would be free to claim.",
        }
    ]


def _against_ready(pool: NodePool, together_milli: int, ready: int) -> Effect:
    together = together_milli / 1000
    text = f"Quotas in {pool.name} add up to {number(together)} of {number(ready)} ready GPUs."
    if together > ready:
        return {"family": "wait", "text": f"{text} Not everyone can be sure of their full quota."}
    return {"family": "run", "text": text}
