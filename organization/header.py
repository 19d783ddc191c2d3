"""What the frame of every page shows of the organisation: the cluster's state, and counts in the menu."""

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from organization import queries
from organization.models import Cluster
from organization.models import ClusterState as State
from ui.context import ClusterState


def cluster_state(request: HttpRequest) -> ClusterState | None:
    """The first cluster of the person that is away, else their first; None when they reach none. For UI_CLUSTER_STATE."""
    clusters = list(queries.visible_clusters(request.user).order_by("name"))
    if not clusters:
        return None
    shown = next((cluster for cluster in clusters if cluster.state != State.CONNECTED), clusters[0])
    return ClusterState(
        name=shown.name,
        state=State(shown.state).label,
        url=reverse("organization:clusters"),
        notice=notice_of(shown),
    )


def notice_of(cluster: Cluster) -> str:
    """The sentence under the head when the cluster is away."""
    if cluster.state == State.DISCONNECTED and cluster.last_seen_at:
        at = timezone.localtime(cluster.last_seen_at).strftime("%H:%M")
        return (
            f"{cluster.name} has not answered since {at}. "
            "Running work is not affected. Submissions are kept and sent later."
        )
    if cluster.state == State.WAITING:
        return f"{cluster.name} has not answered yet. Submissions are kept and sent later."
    return ""
