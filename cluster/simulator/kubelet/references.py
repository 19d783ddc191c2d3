"""Which ConfigMaps and Secrets a pod names, and what is wrong with its volumes when one is not there. Pure.

The sentences are the kubelet's: kubernetes/pkg/volume/{configmap,secret,projected} say them of a volume,
pkg/kubelet/util/manager of an object that is not there.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from cluster.documents import Document
from cluster.simulator.limits.pod_totals import containers_of

Sort = Literal["configmap", "secret"]
"""As the kubelet writes it in its sentences."""
Reference = tuple[Sort, str]
"""(sort, name): one object of the pod's namespace."""


@dataclass(frozen=True)
class Contents:
    """What an object holds. `texts` become variables; `keys`, which count binary ones too, become files."""

    texts: Mapping[str, str] = field(default_factory=dict, repr=False)  # never in a log: Secrets
    keys: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Unread:
    """The object could not be read. `absent`: it does not exist, which an optional reference forgives."""

    message: str
    absent: bool = False


Findings = Mapping[Reference, Contents | Unread]


class Lacking(Exception):
    """Something a pod needs is not there; the message is the kubelet's."""


def absent(reference: Reference) -> Unread:
    sort, name = reference
    return Unread(f'{sort} "{name}" not found', absent=True)


def contents_of(document: Document) -> Contents:
    """Of a ConfigMap or a Secret, whose values are base64 text."""
    data = document.get("data") or {}
    if document.get("kind") == "Secret":
        data = {key: _decoded(text) for key, text in data.items()}
    return Contents(data, frozenset(data) | frozenset(document.get("binaryData") or {}))


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text or "").decode("utf-8", "replace")
    except binascii.Error:
        return ""  # the API server takes none that cannot be decoded


def needed(findings: Findings, reference: Reference, *, optional: bool) -> Contents | None:
    """None for an optional one that does not exist; raises Lacking for any other that was not read."""
    found = findings.get(reference) or absent(reference)
    if isinstance(found, Contents):
        return found
    if optional and found.absent:
        return None
    raise Lacking(found.message)


def references_of(pod: Mapping[str, Any]) -> frozenset[Reference]:
    """All that its volumes and its containers' variables name, optional ones too."""
    found = {reference for _, source in _volumes(pod) for reference, _ in _projections(source)}
    for container in containers_of(pod["spec"]):
        found |= set(_named_by(container))
    return frozenset(found)


def _named_by(container: Mapping[str, Any]) -> Iterator[Reference]:
    for source in container.get("envFrom") or []:
        if named := reference_in(source, "configMapRef", "secretRef"):
            yield named
    for variable in container.get("env") or []:
        if named := reference_in(variable.get("valueFrom") or {}, "configMapKeyRef", "secretKeyRef"):
            yield named


def reference_in(holder: Mapping[str, Any], config_map: str, secret: str) -> Reference | None:
    """What one of the two fields of `holder` names."""
    if told := holder.get(config_map):
        return "configmap", str(told.get("name", ""))
    if told := holder.get(secret):
        return "secret", str(told.get("name", ""))
    return None


def unmounted(pod: Mapping[str, Any], findings: Findings) -> tuple[str, ...]:
    """What keeps a pod's volumes from being mounted, a sentence for each volume; empty when nothing does."""
    sentences = []
    for volume, source in _volumes(pod):
        wrong = _mount(source, findings)
        if wrong:
            text = wrong[0] if len(wrong) == 1 else f"[{', '.join(wrong)}]"
            sentences.append(f'MountVolume.SetUp failed for volume "{volume}" : {text}')
    return tuple(sentences)


def _volumes(pod: Mapping[str, Any]) -> Iterator[tuple[str, Document]]:
    for volume in pod["spec"].get("volumes") or []:
        yield str(volume.get("name", "")), volume


def _projections(volume: Document) -> Iterator[tuple[Reference, Document]]:
    """The objects a volume shows, each with what is said of it (`items`, `optional`)."""
    if told := volume.get("configMap"):
        yield ("configmap", str(told.get("name", ""))), told
    elif told := volume.get("secret"):
        yield ("secret", str(told.get("secretName", ""))), told
    for source in (volume.get("projected") or {}).get("sources") or []:
        if named := reference_in(source, "configMap", "secret"):
            yield named, source.get("configMap") or source["secret"]


def _mount(volume: Document, findings: Findings) -> list[str]:
    """What is wrong: of a projected volume all of it, as the kubelet does, each once."""
    wrong: dict[str, None] = {}
    for reference, told in _projections(volume):
        optional = bool(told.get("optional"))
        try:
            contents = needed(findings, reference, optional=optional) or Contents()
        except Lacking as lacking:
            wrong[str(lacking)] = None
            continue
        keys = (str(item.get("key", "")) for item in told.get("items") or [])
        missing = next((key for key in keys if key not in contents.keys), None)
        if missing is not None and not optional:
            wrong[_no_such_key(reference[0], missing)] = None
    return list(wrong)


def _no_such_key(sort: Sort, key: str) -> str:
    if sort == "configmap":
        return f"configmap references non-existent config key: {key}"
    return f"references non-existent secret key: {key}"
