"""The kinds of workloads people submit: one file each, one line here."""

from workloads.kinds.kind import WorkloadKind
from workloads.kinds.training import TRAINING

KINDS: dict[str, WorkloadKind] = {kind.key: kind for kind in (TRAINING,)}
