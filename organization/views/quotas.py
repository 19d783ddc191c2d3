"""Editing one quota: the editor row inside the tables, its own page without script, and what saving would do."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from access.forms import accepted
from organization import consequences, queries, quota_cells
from organization.forms import QuotaForm
from organization.models import Department, NodePool, PoolResources, Project
from organization.services import quotas
from organization.views.requests import INVALID, back_to, person_of
from ui.wording import number

Unit = Department | Project
LARGEST_MILLI = 10**12
MORE = ("cpu_deserved", "cpu_limit", "memory_deserved", "memory_limit")


@dataclass(frozen=True)
class Editor:
    """One unit in one pool, opened for editing."""

    kind: str
    unit: Unit
    pool: NodePool
    row: PoolResources
    form: QuotaForm
    least_milli: int | None
    pools: tuple[dict[str, Any], ...]
    effects: list[consequences.Effect]
    save_label: str

    @property
    def gpu_span(self) -> int:
        """A refusal needs room for its sentence."""
        return 12 if self.form["gpu_deserved"].errors else 4

    @property
    def shows_more(self) -> bool:
        """CPU and memory are folded away unless something is wrong there."""
        return any(self.form[name].errors for name in MORE)

    @property
    def action(self) -> str:
        return reverse("organization:quota", args=(self.kind, self.unit.pk, self.pool.pk))

    @property
    def effect_url(self) -> str:
        return reverse("organization:quota_effect", args=(self.kind, self.unit.pk, self.pool.pk))


def editor_of(request: HttpRequest, person: Any) -> Editor | None:
    """The editor a table shows, from `?edit=project-17&pool=3`; None where nothing is edited. 404 for what may not be seen."""
    kind, _, key = request.GET.get("edit", "").partition("-")
    if not key.isdecimal() or kind not in ("project", "department"):
        return None
    unit = _unit(person, kind, int(key))
    pools = quota_cells.default_last(unit.cluster.node_pools.all())
    wanted = request.GET.get("pool", "")
    pool = next((one for one in pools if str(one.pk) == wanted), None)
    if pool is None:
        pool = pools[0]
    return open_editor(request, person, kind, unit, pool)


def open_editor(
    request: HttpRequest, person: Any, kind: str, unit: Unit, pool: NodePool, form: QuotaForm | None = None
) -> Editor:
    """Raises NotAllowed for who may not give this quota."""
    quotas.require_giver(person, unit)
    row = quotas.row_of(unit, pool)
    held = quotas.uninterruptible(unit, pool)
    wanted = row.gpu_deserved_milli
    if form is not None:
        typed = milli_of(str(form["gpu_deserved"].value() or ""))
        wanted = wanted if typed is None else typed
    return Editor(
        kind=kind,
        unit=unit,
        pool=pool,
        row=row,
        form=form or QuotaForm.of_row(row),
        least_milli=None if held is None else held.gpu_milli,
        pools=tuple(_pool_choices(request, unit, pool)),
        effects=consequences.of_quota(unit, pool, wanted),
        save_label=label_of(wanted),
    )


def _pool_choices(request: HttpRequest, unit: Unit, current: NodePool) -> list[dict[str, Any]]:
    query = request.GET.copy()
    choices = []
    for pool in quota_cells.default_last(unit.cluster.node_pools.all()):
        query["pool"] = str(pool.pk)
        choices.append(
            {"label": pool.name, "url": f"{request.path}?{query.urlencode()}", "current": pool == current}
        )
    return choices


def milli_of(text: str) -> int | None:
    """A typed number of GPUs in thousandths; None for what is no number or beyond all bounds."""
    try:
        wanted = int(Decimal(text.strip()) * 1000)
    except (InvalidOperation, ValueError, OverflowError):
        return None
    return wanted if 0 <= wanted <= LARGEST_MILLI else None


def label_of(deserved_milli: int) -> str:
    """The button names the result."""
    gpus = deserved_milli / 1000
    return f"Save {number(gpus)} {'GPU' if 0 < gpus <= 1 else 'GPUs'}"


def quota_rows(unit: Unit) -> list[quota_cells.Cell]:
    return quota_cells.cells_of(unit)


def _unit(person: Any, kind: str, key: int) -> Unit:
    if kind == "project":
        return get_object_or_404(queries.visible_projects(person), pk=key)
    if kind == "department":
        return get_object_or_404(queries.visible_departments(person), pk=key)
    raise Http404


def _pool(unit: Unit, pool_id: int) -> NodePool:
    return get_object_or_404(unit.cluster.node_pools, pk=pool_id)


@login_required
@require_http_methods(["GET", "POST"])
def quota(request: HttpRequest, kind: str, unit_id: int, pool_id: int) -> HttpResponse:
    """The editor alone on a page; a refused one comes back here with its inputs and the errors at their fields."""
    person = person_of(request)
    unit = _unit(person, kind, unit_id)
    pool = _pool(unit, pool_id)
    quotas.require_giver(person, unit)
    form = QuotaForm(request.POST) if request.method == "POST" else None
    if form is not None and accepted(
        form, lambda _: quotas.set_quota(actor=person, unit=unit, pool=pool, quota=form.to_quota())
    ):
        messages.success(request, f"The quota of {unit.name} in {pool.name} is saved.")
        return back_to(request, f"organization:{kind}s")
    editor = open_editor(request, person, kind, unit, pool, form)
    context = {"editor": editor, "here": request.POST.get("next", "") or reverse("organization:projects")}
    return render(
        request, "organization/quota.html", context, status=INVALID if form and form.errors else 200
    )


@login_required
@require_GET
def quota_effect(request: HttpRequest, kind: str, unit_id: int, pool_id: int) -> HttpResponse:
    """What saving would do, while the number is being typed; a number that cannot be read says so."""
    person = person_of(request)
    unit = _unit(person, kind, unit_id)
    pool = _pool(unit, pool_id)
    quotas.require_giver(person, unit)
    wanted = milli_of(request.GET.get("gpu_deserved", ""))
    if wanted is None:
        context: dict[str, Any] = {
            "effects": [{"family": "bad", "text": "Write the GPUs as a number, such as 2.5."}]
        }
    else:
        context = {"effects": consequences.of_quota(unit, pool, wanted), "save_label": label_of(wanted)}
    return render(request, "organization/_quota_effect.html", context)
