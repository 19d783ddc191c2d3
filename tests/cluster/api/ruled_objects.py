"""Conversations about objects whose definitions have CEL rules."""

from typing import Any

from tests.cluster.api.custom_resources import DEFINITIONS, GROUP
from tests.cluster.api.definition_rules import ruled
from tests.cluster.api.ruled_schemas import CERTIFICATE, GATEWAY, JOBSET, LOOSE, RAY, SERVER, THING, TIGHT
from tests.cluster.api.steps import APPLY, JSON_PATCH, Step, get, patch, post, put


def place(plural: str, name: str = "") -> str:
    return f"/apis/{GROUP}/v1/namespaces/{{ns}}/{plural}" + (f"/{name}" if name else "")


def served(plural: str, schema: dict[str, Any], **more: Any) -> list[Step]:
    """Make the definition, and wait for it."""
    return [post(DEFINITIONS, ruled(plural, schema, **more)), Step("WAIT", place(plural))]


class Kind:
    """Writes objects of one kind."""

    def __init__(self, plural: str) -> None:
        self.plural, self.kind = plural, plural.removesuffix("s").capitalize()

    def document(self, name: str = "a", **parts: Any) -> dict[str, Any]:
        return {"apiVersion": f"{GROUP}/v1", "kind": self.kind, "metadata": {"name": name}, **parts}

    def tried(self, **spec: Any) -> Step:
        """A creation that is not kept."""
        return post(place(self.plural) + "?dryRun=All", self.document(spec=spec))

    def made(self, **spec: Any) -> Step:
        return post(place(self.plural), self.document(spec=spec))

    def changed(self, **spec: Any) -> Step:
        return patch(place(self.plural, "a"), {"spec": spec})

    def replaced(self, **spec: Any) -> Step:
        return put(place(self.plural, "a"), self.document(spec=spec))


JOBSETS, SERVERS, CLUSTERS = Kind("jobsets"), Kind("servers"), Kind("rays")
GATEWAYS, CERTIFICATES, THINGS, PARTS = Kind("gateways"), Kind("certificates"), Kind("things"), Kind("parts")

LEADER = {"name": "leader", "replicas": 1}

RULED: dict[str, list[Step]] = {
    "rules as of sets of jobs": [
        *served("jobsets", JOBSET),
        JOBSETS.made(replicatedJobs=[LEADER], network={"subdomain": "a"}, managedBy="me"),
        JOBSETS.tried(),
        JOBSETS.tried(replicatedJobs=[]),
        JOBSETS.tried(replicatedJobs=[LEADER, {"name": "b", "replicas": -1}]),
        JOBSETS.tried(replicatedJobs=[{"name": name} for name in ("leader", "b", "c", "d")]),
        JOBSETS.tried(replicatedJobs=[LEADER], ttl=3),
        JOBSETS.tried(suspend=True),
        JOBSETS.tried(suspend=False),
        JOBSETS.tried(suspend="x", replicatedJobs=[LEADER, LEADER], ttl=3),
        JOBSETS.changed(network={"subdomain": "b"}),
        JOBSETS.changed(managedBy="you"),
        JOBSETS.changed(network=None),
        JOBSETS.changed(network={"subdomain": "b"}),
        JOBSETS.changed(ttl=3),
        patch(place("jobsets", "a"), [{"op": "add", "path": "/spec/ttl", "value": 1}], JSON_PATCH),
        patch(
            place("jobsets", "a") + "?fieldManager=m&force=true",
            JOBSETS.document(spec={"managedBy": "you"}),
            APPLY,
        ),
        patch(place("jobsets", "b") + "?fieldManager=m", JOBSETS.document("b", spec={"ttl": 1}), APPLY),
        patch(
            place("jobsets", "b") + "?fieldManager=m",
            JOBSETS.document("b", spec={"replicatedJobs": [LEADER]}),
            APPLY,
        ),
        get(place("jobsets")),
    ],
    "rules as of servers": [
        *served("servers", SERVER),
        SERVERS.made(
            replicas=3, limits={"cpu": "4"}, memory="1Gi", requested="512Mi", name="a-b", port="http", share=1
        ),
        SERVERS.changed(replicas=2),
        SERVERS.changed(replicas=4),
        SERVERS.tried(limits={"cpu": "9"}),
        SERVERS.tried(limits={"cpu": 9}),
        SERVERS.tried(limits={"cpu": "7999m"}),
        SERVERS.tried(limits={"cpu": "many"}),
        SERVERS.tried(memory="1Gi", requested="2Gi"),
        SERVERS.tried(memory="1Gi"),
        SERVERS.tried(name="A"),
        SERVERS.tried(name="x"),
        SERVERS.tried(port=80),
        SERVERS.tried(port=8080),
        SERVERS.tried(port="https"),
        SERVERS.tried(share=1.5),
        SERVERS.tried(share=2),
        SERVERS.tried(share=0),
        SERVERS.replaced(replicas=1, name="x"),
    ],
    "rules as of clusters": [
        *served("rays", RAY),
        CLUSTERS.made(
            workers=[{"minReplicas": 1, "maxReplicas": 2}], groups={"one": {"size": 3}}, order=[1, 2]
        ),
        CLUSTERS.tried(workers=[{"minReplicas": 1, "maxReplicas": 2}, {"minReplicas": 3, "maxReplicas": 2}]),
        CLUSTERS.tried(workers=[{"minReplicas": 1, "maxReplicas": 2, "replicas": 3}]),
        CLUSTERS.tried(workers=[{"minReplicas": 1}]),
        CLUSTERS.tried(groups={"one": {"size": 0}}),
        CLUSTERS.tried(groups={"one.two/three": {"size": 0}}),
        CLUSTERS.changed(groups={"one": {"size": 2}, "two": {"size": 1}}),
        CLUSTERS.changed(groups={"one": {"size": 4}, "two": {"size": 1}}),
        CLUSTERS.tried(order=[2, 1]),
        CLUSTERS.tried(order=[49, 49, 49]),
        CLUSTERS.tried(order=[1, 50]),
        CLUSTERS.tried(order=[7]),
        CLUSTERS.tried(order=[]),
        CLUSTERS.tried(**{"a-b": 0}),
        CLUSTERS.tried(**{"c.d": 0}),
        CLUSTERS.tried(**{"e/f": 0}),
        CLUSTERS.tried(namespace=0),
        CLUSTERS.tried(__g=0),
        CLUSTERS.tried(**{"a-b": 1, "c.d": 1, "e/f": 1, "namespace": 1, "__g": 1, "9x": 1}),
    ],
    "rules as of gateways, and of a status": [
        *served("gateways", GATEWAY),
        GATEWAYS.made(
            listeners=[{"name": "a", "port": 80, "protocol": "HTTP"}],
            address="10.0.0.1",
            link="https://example.com/x",
        ),
        post(place("gateways"), GATEWAYS.document("much-too-long")),
        post(place("gateways"), {**GATEWAYS.document(), "metadata": {"name": "a", "generateName": "h-"}}),
        GATEWAYS.tried(listeners=[{"name": "a", "port": 80, "protocol": "HTTP", "tls": {}}]),
        GATEWAYS.tried(listeners=[{"name": name, "port": 80, "protocol": "UDP"} for name in ("a", "b")]),
        GATEWAYS.tried(listeners=[{"name": "a", "port": 80}]),
        GATEWAYS.tried(listeners=[{"name": "a", "port": 80, "protocol": "UDP", "hostname": "x"}]),
        GATEWAYS.tried(address="11.0.0.1"),
        GATEWAYS.tried(address="::1"),
        GATEWAYS.tried(address="nowhere"),
        GATEWAYS.tried(link="http://example.com"),
        GATEWAYS.tried(link="example.com"),
        patch(place("gateways", "a/status"), {"status": {"phase": "Old"}}),
        patch(place("gateways", "a/status"), {"status": {"phase": "Ready", "count": 3}}),
        patch(place("gateways", "a/status"), {"status": {"count": 2}}),
        patch(place("gateways", "a/status"), {"status": {"count": 10}}),
        patch(
            place("gateways", "a/status"), {"status": {"conditions": [{"type": "A", "status": "Unknown"}]}}
        ),
        patch(
            place("gateways", "a/status") + "?fieldManager=s",
            {**GATEWAYS.document(), "status": {"conditions": [{"type": "A", "status": "Unknown"}]}},
            APPLY,
        ),
        patch(
            place("gateways", "a/status") + "?fieldManager=s",
            {**GATEWAYS.document(), "status": {"conditions": [{"type": "A", "status": "True"}]}},
            APPLY,
        ),
        patch(place("gateways", "a"), {"status": {"phase": "Old"}}),
        get(place("gateways", "a")),
    ],
    "rules as of certificates": [
        *served("certificates", CERTIFICATE),
        CERTIFICATES.made(
            duration="2h", renewBefore="1h", usages=["signing", "b"], issuer={"name": "x"}, version="9.9.9"
        ),
        CERTIFICATES.tried(version="9.9.8"),
        CERTIFICATES.tried(duration="1h", renewBefore="2 hours"),
        CERTIFICATES.tried(duration="3 hours", renewBefore="2h"),
        CERTIFICATES.tried(renewBefore="2h"),
        CERTIFICATES.tried(notBefore="2024-01-01T00:00:00Z"),
        CERTIFICATES.tried(notBefore="2026-01-01T00:00:00.5+01:00"),
        CERTIFICATES.tried(day="2024-02-02"),
        CERTIFICATES.tried(day="2025-02-02"),
        CERTIFICATES.tried(data="aGVsbG8="),
        CERTIFICATES.tried(data="aGVsbA=="),
        CERTIFICATES.tried(note="ab"),
        CERTIFICATES.tried(note=None),
        CERTIFICATES.tried(usages=["b"]),
        CERTIFICATES.tried(issuer={"kind": "Other"}),
        CERTIFICATES.changed(usages=["b", "signing"]),
        CERTIFICATES.changed(usages=["signing"]),
        CERTIFICATES.changed(version="1.0.0"),
        CERTIFICATES.changed(version=None),
        CERTIFICATES.changed(version="2.0.0-rc.1"),
        CERTIFICATES.changed(free={"a": 1}),
        CERTIFICATES.changed(version="10.0.0"),
    ],
    "rules that have no value": [
        *served("things", THING),
        THINGS.made(a=1),
        THINGS.tried(),
        THINGS.tried(a=1, b=0),
        THINGS.tried(a=1, b=20),
        THINGS.tried(a=1, list=[1]),
        THINGS.tried(a=1, map={}),
        THINGS.tried(a=1, any="x"),
        THINGS.tried(a=1, any=-1),
        THINGS.tried(a=1, sub={}),
        THINGS.tried(a=1, s="x"),
        THINGS.tried(a=1, s="1"),
        post(place("things"), {**THINGS.document("b"), "spec": None}),
        post(place("things"), THINGS.document("b")),
    ],
    "rules that come later": [
        *served("parts", LOOSE),
        PARTS.made(
            size=1, parts=[{"id": "a", "n": 1}, {"id": "b", "n": 20}], tags=["a", "bbbb"], sub={"x": 1}
        ),
        patch(f"{DEFINITIONS}/parts.{GROUP}", {"spec": ruled("parts", TIGHT)["spec"]}),
        Step("REFUSED", place("parts") + "?dryRun=All", PARTS.document("z", spec={"size": 1})),
        PARTS.changed(name="b"),
        PARTS.changed(size=2),
        PARTS.changed(parts=[{"id": "b", "n": 20}, {"id": "a", "n": 1}]),
        PARTS.changed(parts=[{"id": "b", "n": 2}, {"id": "a", "n": 1}]),
        PARTS.changed(parts=[{"id": "c", "n": 1}]),
        PARTS.changed(tags=["a", "bbbb", "cccc"]),
        PARTS.changed(tags=["aaaa"]),
        PARTS.changed(sub={"x": 2}),
        PARTS.replaced(size=1, sub={"x": 1}),
        PARTS.made(size=1),
    ],
}
