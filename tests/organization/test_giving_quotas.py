"""Who may give which quota, and which quotas are refused with which sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.errors import InvalidInput, NotAllowed
from access.models import AuditEvent
from organization import quotas
from organization.models import PoolResources
from organization.quotas import Quota
from organization.services.clusters import set_department_rule
from organization.services.quotas import quota_of, set_quota

pytestmark = pytest.mark.django_db


def pool(acme, name="h100"):
    return acme.cluster.node_pools.get(name=name)


def refused(errors, field):
    assert list(errors.value.errors) == [field]
    return errors.value.errors[field][0]


def test_a_quota_is_given_and_audited_with_before_and_after(acme, root):
    row = set_quota(actor=root, unit=acme.vision, pool=pool(acme), quota=Quota(gpu_deserved_milli=10_500))

    assert PoolResources.objects.get(pk=row.pk).gpu_deserved_milli == 10_500
    event = AuditEvent.objects.get(entity_type="project-quota")
    assert (event.before["gpu_deserved_milli"], event.after["gpu_deserved_milli"]) == (8000, 10_500)
    assert (event.actor, event.scope, event.entity_name) == (root, acme.vision.scope, "vision in h100")


def test_a_quota_that_stays_as_it_was_leaves_no_trace(acme, root):
    row = PoolResources.objects.get(project=acme.vision, pool=pool(acme))
    set_quota(actor=root, unit=acme.vision, pool=pool(acme), quota=quota_of(row))
    assert not AuditEvent.objects.filter(entity_type="project-quota").exists()


def test_a_projects_own_administrator_cannot_raise_its_quota(acme, ben):
    with pytest.raises(NotAllowed, match=r"System administrator .* on the department research"):
        set_quota(actor=ben, unit=acme.vision, pool=pool(acme), quota=Quota(gpu_deserved_milli=9000))


def test_projects_together_stay_within_their_department(acme, root):
    with pytest.raises(InvalidInput) as errors:
        set_quota(actor=root, unit=acme.vision, pool=pool(acme), quota=Quota(gpu_deserved_milli=12_001))
    assert refused(errors, "gpu.deserved") == (
        "At most 12 GPUs: the department research has 16 GPUs in h100, of which other projects have 4 GPUs."
    )
    set_quota(actor=root, unit=acme.vision, pool=pool(acme), quota=Quota(gpu_deserved_milli=12_000))


def test_an_administrator_may_let_projects_exceed_their_department(acme, root):
    set_department_rule(actor=root, tenant=acme.tenant, projects_within_department=False)
    acme.vision.refresh_from_db()
    set_quota(actor=root, unit=acme.vision, pool=pool(acme), quota=Quota(gpu_deserved_milli=40_000))


def test_giving_some_back_is_allowed_while_the_sum_is_still_too_large(acme, root):
    PoolResources.objects.filter(project=acme.vision).update(gpu_deserved_milli=30_000)
    set_quota(actor=root, unit=acme.vision, pool=pool(acme), quota=Quota(gpu_deserved_milli=20_000))
    with pytest.raises(InvalidInput):
        set_quota(actor=root, unit=acme.vision, pool=pool(acme), quota=Quota(gpu_deserved_milli=20_001))


def test_a_department_keeps_what_its_projects_have(acme, root):
    with pytest.raises(InvalidInput) as errors:
        set_quota(actor=root, unit=acme.research, pool=pool(acme), quota=Quota(gpu_deserved_milli=11_000))
    assert refused(errors, "gpu.deserved").startswith("At least 12 GPUs")


def test_a_quota_does_not_fall_below_work_that_may_not_be_interrupted(acme, root, held):
    held.hold(acme.vision.pk, "h100", gpus=7, uninterruptible=5)
    with pytest.raises(InvalidInput) as errors:
        set_quota(actor=root, unit=acme.vision, pool=pool(acme), quota=Quota(gpu_deserved_milli=4999))
    assert refused(errors, "gpu.deserved").startswith("At least 5 GPUs: so much is held by work")
    set_quota(actor=root, unit=acme.vision, pool=pool(acme), quota=Quota(gpu_deserved_milli=5000))
    set_quota(actor=root, unit=acme.vision, pool=pool(acme, "a100"), quota=Quota())


@pytest.mark.parametrize(
    ("quota", "field"),
    [
        (Quota(gpu_deserved_milli=-1), "gpu.deserved"),
        (Quota(gpu_deserved_milli=2000, gpu_limit_milli=1999), "gpu.limit"),
        (Quota(gpu_weight=21), "gpu.weight"),
        (Quota(rank=8), "rank"),
        (Quota(cpu_deserved_milli=2000, cpu_limit_milli=1000), "cpu.limit"),
        (Quota(memory_deserved_bytes=2, memory_limit_bytes=1), "memory.limit"),
    ],
)
def test_a_quota_that_contradicts_itself_is_refused_at_its_field(acme, root, quota, field):
    with pytest.raises(InvalidInput) as errors:
        set_quota(actor=root, unit=acme.vision, pool=pool(acme), quota=quota)
    refused(errors, field)


amounts = st.integers(0, 50_000)


@given(wanted=amounts, others=st.lists(amounts, max_size=4), most=amounts)
def test_what_the_department_check_lets_through_fits(wanted, others, most):
    problems = quotas.exceeding_department(
        Quota(gpu_deserved_milli=wanted),
        [Quota(gpu_deserved_milli=other) for other in others],
        Quota(gpu_deserved_milli=most),
        "research",
        "h100",
    )
    assert bool(problems) == (wanted + sum(others) > most)
