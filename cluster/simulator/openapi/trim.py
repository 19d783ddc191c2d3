"""Makes `data/` from a Kubernetes source tree: `python -m cluster.simulator.openapi.trim MODULE_CACHE`.

Only what the simulator serves is kept: the types of the listed groups with the first sentence of each description,
the discovery entries, and the field numbers of the protobuf messages. The data is Kubernetes' own (Apache-2.0); its licence is copied.
"""

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

KUBERNETES = "1.36.3"
DATA = Path(__file__).parent / "data"
SERVED = {
    "": ["v1"],
    "admissionregistration.k8s.io": ["v1"],
    "apiextensions.k8s.io": ["v1"],
    "apiregistration.k8s.io": ["v1"],
    "apps": ["v1"],
    "authentication.k8s.io": ["v1"],
    "authorization.k8s.io": ["v1"],
    "autoscaling": ["v2"],
    "batch": ["v1"],
    "certificates.k8s.io": ["v1"],
    "coordination.k8s.io": ["v1"],
    "discovery.k8s.io": ["v1"],
    "events.k8s.io": ["v1"],
    "networking.k8s.io": ["v1"],
    "node.k8s.io": ["v1"],
    "policy": ["v1"],
    "rbac.authorization.k8s.io": ["v1"],
    "resource.k8s.io": ["v1"],
    "scheduling.k8s.io": ["v1"],
    "storage.k8s.io": ["v1"],
}
EXTRA_SOURCES = ["apis__autoscaling__v1_openapi.json"]
"""Documents whose types are used by a served subresource (`Scale`) though the version itself is not served."""

PROTO_MODULES = [
    "k8s.io/api@v0.{minor}",
    "k8s.io/apimachinery@v0.{minor}",
    "k8s.io/apiextensions-apiserver@v0.{minor}",
]
FIELD = re.compile(
    r"^\s*(optional|repeated|required)?\s*(map<[^>]+>|[\w.]+)\s+(\w+)\s*=\s*(\d+)\s*(?:\[.*\])?;"
)


def main(module_cache: Path) -> None:
    """Rewrite every file of `data/` from `module_cache` (the folder that `go env GOMODCACHE` prints)."""
    source = module_cache / f"k8s.io/kubernetes@v{KUBERNETES}"
    shutil.copyfile(source / "LICENSE", DATA / "LICENSE")
    groups = discovery(source / "api" / "discovery")
    write("discovery", groups)
    types = referenced(all_types(source / "api" / "openapi-spec" / "v3"))
    by_package: dict[str, dict[str, Any]] = {}
    for name, schema in sorted(types.items()):
        by_package.setdefault(name.rpartition(".")[0], {})[name] = trimmed(schema)
    for old in (DATA / "schemas").glob("*.json"):
        old.unlink()
    for package, schemas in by_package.items():
        write(f"schemas/{package}", schemas)
    write("protobuf", messages(module_cache))


def write(name: str, document: dict[str, Any]) -> None:
    """One entry per line, so that a new Kubernetes version shows as a readable difference."""
    path = DATA / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(
        f"{json.dumps(key)}: {json.dumps(value, sort_keys=True)}" for key, value in document.items()
    )
    path.write_text("{\n" + lines + "\n}\n")


def discovery(folder: Path) -> dict[str, Any]:
    """`group/version` -> the entries of its resource list, in the order in which the server names groups."""
    order = [
        (group["name"], [v["version"] for v in group["versions"]])
        for group in read(folder / "apis.json")["groups"]
    ]
    result = {"v1": read(folder / "api__v1.json")["resources"]}
    for group, versions in order:
        for version in versions:
            if version in SERVED.get(group, []):
                result[f"{group}/{version}"] = read(folder / f"apis__{group}__{version}.json")["resources"]
    return result


def all_types(folder: Path) -> dict[str, Any]:
    """Every component schema of the served documents by name."""
    files = [
        f"api__{version}_openapi.json" if not group else f"apis__{group}__{version}_openapi.json"
        for group, versions in SERVED.items()
        for version in versions
    ]
    types: dict[str, Any] = {}
    for file in [*files, *EXTRA_SOURCES]:
        types.update(read(folder / file)["components"]["schemas"])
    return types


def referenced(types: dict[str, Any]) -> dict[str, Any]:
    """The types of the served groups and everything they refer to; lists are made by the server itself."""
    keep: dict[str, Any] = {}
    wanted = [
        name
        for name in types
        if not name.endswith("List") and not name.startswith("io.k8s.api.autoscaling.v1.Horiz")
    ]
    while wanted:
        name = wanted.pop()
        if name not in keep:
            keep[name] = types[name]
            wanted += re.findall(r"#/components/schemas/([\w.-]+)", json.dumps(types[name]))
    return keep


def trimmed(schema: Any) -> Any:
    """The same schema with descriptions cut to their first sentence."""
    if isinstance(schema, list):
        return [trimmed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: trimmed(value) for key, value in schema.items()}
    text = schema.get("description")
    if isinstance(text, str):
        result["description"] = re.split(r"(?<=[a-z)])\.\s|\n", text, maxsplit=1)[0].rstrip(".") + "."
    return result


def messages(module_cache: Path) -> dict[str, Any]:
    """Message name -> {field number: [name, type, is repeated, is a pointer]} of the served groups' generated.proto files."""
    result: dict[str, Any] = {}
    minor = KUBERNETES.partition(".")[2]
    for module in PROTO_MODULES:
        for file in sorted((module_cache / module.format(minor=minor)).rglob("generated.proto")):
            if re.search(r"(alpha|beta)", file.parent.name) or "testapigroup" in file.parts:
                continue
            pointers = pointers_of(
                "".join(path.read_text() for path in sorted(file.parent.glob("*types*.go")))
            )
            result.update(messages_of(file.read_text(), pointers))
    return result


def pointers_of(text: str) -> set[tuple[str, str]]:
    """(type, JSON name) of the scalar fields that are pointers in Go, so that zero and absent differ."""
    found: set[tuple[str, str]] = set()
    current = ""
    for line in text.splitlines():
        if match := re.match(r"type (\w+) struct", line):
            current = match.group(1)
        elif match := re.match(r'\s+\w+\s+\*[\w.]+\s+`json:"(\w+)', line):
            found.add((current, match.group(1)))
    return found


def messages_of(text: str, pointers: set[tuple[str, str]]) -> dict[str, Any]:
    """The messages of one proto file; types without a dot are given the file's package."""
    package = re.search(r"^package ([\w.]+);", text, re.MULTILINE)
    prefix = package.group(1) if package else ""
    result: dict[str, Any] = {}
    fields: dict[str, Any] = {}
    message = ""
    for line in text.splitlines():
        if line.startswith("message "):
            message = line.split()[1]
            fields = result.setdefault(f"{prefix}.{message}", {})
        elif match := FIELD.match(line):
            label, kind, name, number = match.groups()
            fields[number] = [name, qualified(kind, prefix), label == "repeated", (message, name) in pointers]
    return result


def qualified(kind: str, prefix: str) -> str:
    """A type's full name; scalars and maps of scalars stay as they are."""
    if kind.startswith("map<"):
        key, _, value = kind[4:-1].partition(",")
        return f"map<{key.strip()},{qualified(value.strip(), prefix)}>"
    if "." in kind:
        return kind.lstrip(".")
    return kind if kind[0].islower() else f"{prefix}.{kind}"


def read(path: Path) -> Any:
    return json.loads(path.read_text())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
