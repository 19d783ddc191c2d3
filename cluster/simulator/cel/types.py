"""The types of an expression's variables, made of OpenAPI schemas.

The checker knows lists, maps and protobuf messages, so each object of a schema becomes a message of its own. A message's field cannot hold
lists of lists or maps of lists: what is inside those is checked only when it is evaluated (`dyn`).
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from google.protobuf import descriptor_pool, duration_pb2, struct_pb2, timestamp_pb2
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto

from cluster.simulator.cel.names import escaped
from cluster.simulator.cel.schemas import Document, values_of, with_object_fields

PACKAGE = "schema"
WELL_KNOWN = (struct_pb2, timestamp_pb2, duration_pb2)
OPAQUE = ("kubernetes.Quantity", "kubernetes.URL", "kubernetes.Semver", "net.IP", "net.CIDR")
"""Values that only functions make and read."""
OPAQUE_TEXT = "text__"
_ANY, _LIST, _MAP = "google.protobuf.Value", "google.protobuf.ListValue", "google.protobuf.Struct"
_SCALARS = {
    "int": FieldDescriptorProto.TYPE_INT64,
    "double": FieldDescriptorProto.TYPE_DOUBLE,
    "bool": FieldDescriptorProto.TYPE_BOOL,
    "string": FieldDescriptorProto.TYPE_STRING,
    "bytes": FieldDescriptorProto.TYPE_BYTES,
}
_OF_KIND = {"integer": "int", "number": "double", "boolean": "bool", "string": "string"}
_OF_FORMAT = {
    "byte": "bytes",
    "date": "google.protobuf.Timestamp",
    "date-time": "google.protobuf.Timestamp",
    "duration": "google.protobuf.Duration",
}


@dataclass(frozen=True)
class Type:
    """`list` and `map` have parameters; everything else is a name."""

    name: str
    parameters: tuple["Type", ...] = ()

    def as_json(self) -> Document:
        """As an environment's configuration names it."""
        made: Document = {"type_name": self.name}
        if len(self.name) == 1:
            made["is_type_param"] = True
        if self.parameters:
            made["params"] = [parameter.as_json() for parameter in self.parameters]
        return made


DYN = Type("dyn")
STRING = Type("string")


def list_of(item: Type) -> Type:
    return Type("list", (item,))


def map_of(value: Type) -> Type:
    return Type("map", (STRING, value))


def optional(kind: Type) -> Type:
    return Type("optional_type", (kind,))


@dataclass
class Types:
    """Collects the messages of one environment. `called` is how expressions call a property; None where they cannot."""

    called: Callable[[str], str | None] = escaped
    _messages: list[DescriptorProto] = field(default_factory=list)

    def of(self, schema: Document, *, root: bool = False) -> Type | None:
        """None for what expressions do not see."""
        if schema.get("x-kubernetes-int-or-string"):
            return DYN
        if root:
            schema = with_object_fields(schema)
        kind = schema.get("type", "")
        if kind == "array":
            item = self._of_part(schema.get("items"))
            return item and list_of(item)
        if kind == "object":
            values = values_of(schema)
            if values is None:
                return self._object(schema)
            value = self._of_part(values)
            return value and map_of(value)
        if kind == "string":
            return Type(_OF_FORMAT.get(schema.get("format", ""), "string"))
        return Type(_OF_KIND[kind]) if kind in _OF_KIND else None

    def _of_part(self, schema: Document | None) -> Type | None:
        if not isinstance(schema, dict):
            return None
        return self.of(schema, root=bool(schema.get("x-kubernetes-embedded-resource")))

    def _object(self, schema: Document) -> Type:
        message = DescriptorProto(name=f"Object{len(self._messages)}")
        self._messages.append(message)
        for name, part in (schema.get("properties") or {}).items():
            kind, called = self._of_part(part), self.called(name)
            if kind is not None and called is not None:
                _add_field(message, called, kind)
        return Type(f"{PACKAGE}.{message.name}")

    def pool(self) -> descriptor_pool.DescriptorPool:
        """All messages, and those of the functions' values."""
        pool = descriptor_pool.DescriptorPool()
        for module in WELL_KNOWN:
            pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
        for package in sorted({name.rpartition(".")[0] for name in OPAQUE}):
            pool.AddSerializedFile(_opaque_file(package).SerializeToString())
        if self._messages:
            pool.AddSerializedFile(_file(PACKAGE, self._messages).SerializeToString())
        return pool


def _file(package: str, messages: Iterable[DescriptorProto]) -> FileDescriptorProto:
    needed = [module.DESCRIPTOR.name for module in WELL_KNOWN]
    return FileDescriptorProto(
        name=f"{package}.proto", package=package, syntax="proto2", dependency=needed, message_type=messages
    )


def _opaque_file(package: str) -> FileDescriptorProto:
    messages = [
        DescriptorProto(name=name.rpartition(".")[2]) for name in OPAQUE if name.startswith(f"{package}.")
    ]
    for message in messages:
        _add_field(message, OPAQUE_TEXT, STRING)
    return _file(package, messages)


def _add_field(message: DescriptorProto, name: str, kind: Type) -> None:
    made = message.field.add(name=name, number=len(message.field) + 1, json_name=f"f{len(message.field)}")
    made.label = FieldDescriptorProto.LABEL_OPTIONAL
    if kind.name == "list":
        made.label = FieldDescriptorProto.LABEL_REPEATED
        _set_kind(made, kind.parameters[0])
    elif kind.name == "map":
        entry = message.nested_type.add(name=_entry_name(name))
        entry.options.map_entry = True
        _add_field(entry, "key", STRING)
        _add_field(entry, "value", _inside_field(kind.parameters[1]))
        if sum(other.name == entry.name for other in message.nested_type) > 1:
            del message.nested_type[-1]
            _set_kind(made, kind)
            return
        made.label = FieldDescriptorProto.LABEL_REPEATED
        made.type, made.type_name = FieldDescriptorProto.TYPE_MESSAGE, entry.name
    else:
        _set_kind(made, kind)


def _set_kind(made: FieldDescriptorProto, kind: Type) -> None:
    inside = _inside_field(kind)
    if inside.name in _SCALARS:
        made.type = _SCALARS[inside.name]
    else:
        made.type, made.type_name = FieldDescriptorProto.TYPE_MESSAGE, f".{inside.name}"


def _inside_field(kind: Type) -> Type:
    """What a field, or an item of a field, can be: lists and maps lose what they hold."""
    return Type({"dyn": _ANY, "list": _LIST, "map": _MAP}.get(kind.name, kind.name))


def _entry_name(name: str) -> str:
    """As protobuf wants a map's entries to be called."""
    return re.sub(r"(?:^|_+)([a-zA-Z0-9]?)", lambda found: found[1].upper(), name) + "Entry"
