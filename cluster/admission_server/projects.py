"""Which project a namespace belongs to, from a watch; what the watch has not heard of yet is asked for."""

from cluster.admission.projects import Project, project_of
from cluster.client import ClusterClient
from cluster.kinds import NAMESPACES
from cluster.labels import PROJECT_ID
from cluster.watch import WatchCache


class Projects:
    """Thread-safe. Only namespaces with a project's label are kept, so a large cluster costs nothing."""

    def __init__(self, client: ClusterClient) -> None:
        self._client = client
        self._namespaces = WatchCache(client, NAMESPACES, label_selector=PROJECT_ID)

    def start(self) -> None:
        self._namespaces.start()

    def stop(self) -> None:
        self._namespaces.stop()

    @property
    def ready(self) -> bool:
        """Listed once: what was known then is still worth more than nothing when the API server is away."""
        return self._namespaces.synced()

    def known(self, namespace: str) -> Project | None:
        """Without asking anyone."""
        document = self._namespaces.get(None, namespace)
        return None if document is None else project_of(document)

    def ask(self, namespace: str) -> Project | None:
        """One request; raises ClusterError. The API server may call us for a namespace before our watch hears of it."""
        if not namespace:
            return None
        # a list, which the watch needs as well: one right less
        found = self._client.list(NAMESPACES, field_selector=f"metadata.name={namespace}").items
        return project_of(found[0]) if found else None
