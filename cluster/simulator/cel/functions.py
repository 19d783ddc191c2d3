"""The functions that expressions may call besides those of the language, with their types. Data."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

from cluster.simulator.cel.library import addresses, lists, quantities, urls, versions
from cluster.simulator.cel.types import DYN, STRING, Type, list_of, map_of

BOOL, INT, UINT, DOUBLE = Type("bool"), Type("int"), Type("uint"), Type("double")
BYTES = Type("bytes")
TIME, DURATION = Type("google.protobuf.Timestamp"), Type("google.protobuf.Duration")
QUANTITY, SEMVER = Type("kubernetes.Quantity"), Type("kubernetes.Semver")
URL, IP, CIDR = Type("kubernetes.URL"), Type("net.IP"), Type("net.CIDR")
ANYTHING = Type("T")
"""A parameter: the same type wherever it stands in one declaration."""


def by_the_library(*arguments: Any) -> Any:
    """Stands at functions that the library itself evaluates."""
    raise NotImplementedError


@dataclass(frozen=True)
class Function:
    name: str
    target: Type | None
    arguments: tuple[Type, ...]
    result: Type
    evaluate: Callable[..., Any] = by_the_library

    @property
    def parameters(self) -> tuple[Type, ...]:
        return self.arguments if self.target is None else (self.target, *self.arguments)


def _compared(kind: Type, compare: Callable[[str, str], int]) -> list[Function]:
    return [
        Function("isGreaterThan", kind, (kind,), BOOL, lambda one, other: compare(one, other) > 0),
        Function("isLessThan", kind, (kind,), BOOL, lambda one, other: compare(one, other) < 0),
        Function("compareTo", kind, (kind,), INT, compare),
    ]


_QUANTITIES = [
    Function("quantity", None, (STRING,), QUANTITY, quantities.quantity),
    Function("isQuantity", None, (STRING,), BOOL, quantities.is_quantity),
    *_compared(QUANTITY, quantities.compare),
    *(Function("add", QUANTITY, (kind,), QUANTITY, quantities.add) for kind in (QUANTITY, INT)),
    *(Function("sub", QUANTITY, (kind,), QUANTITY, quantities.subtract) for kind in (QUANTITY, INT)),
    Function("sign", QUANTITY, (), INT, quantities.sign),
    Function("isInteger", QUANTITY, (), BOOL, quantities.is_integer),
    Function("asInteger", QUANTITY, (), INT, quantities.as_integer),
    Function("asApproximateFloat", QUANTITY, (), DOUBLE, quantities.as_approximate_float),
]
_VERSIONS = [
    *(Function("semver", None, kinds, SEMVER, versions.semver) for kinds in ((STRING,), (STRING, BOOL))),
    *(Function("isSemver", None, kinds, BOOL, versions.is_semver) for kinds in ((STRING,), (STRING, BOOL))),
    *_compared(SEMVER, versions.compare),
    *(
        Function(name, SEMVER, (), INT, partial(versions.part, index=index))
        for index, name in enumerate(("major", "minor", "patch"))
    ),
]
_ADDRESSES = [
    Function("ip", None, (STRING,), IP, addresses.ip),
    Function("isIP", None, (STRING,), BOOL, addresses.is_ip),
    Function("ip.isCanonical", None, (STRING,), BOOL, addresses.is_canonical),
    Function("family", IP, (), INT, addresses.family),
    Function("isUnspecified", IP, (), BOOL, addresses.is_unspecified),
    Function("isLoopback", IP, (), BOOL, addresses.is_loopback),
    Function("isLinkLocalMulticast", IP, (), BOOL, addresses.is_link_local_multicast),
    Function("isLinkLocalUnicast", IP, (), BOOL, addresses.is_link_local_unicast),
    Function("isGlobalUnicast", IP, (), BOOL, addresses.is_global_unicast),
    Function("cidr", None, (STRING,), CIDR, addresses.cidr),
    Function("isCIDR", None, (STRING,), BOOL, addresses.is_cidr),
    *(Function("containsIP", CIDR, (kind,), BOOL, addresses.contains_ip) for kind in (STRING, IP)),
    *(Function("containsCIDR", CIDR, (kind,), BOOL, addresses.contains_cidr) for kind in (STRING, CIDR)),
    Function("ip", CIDR, (), IP, addresses.address_of),
    Function("prefixLength", CIDR, (), INT, addresses.prefix_length),
    Function("masked", CIDR, (), CIDR, addresses.masked),
    *(Function("string", None, (kind,), STRING, str) for kind in (IP, CIDR)),
]
_URLS = [
    Function("url", None, (STRING,), URL, urls.url),
    Function("isURL", None, (STRING,), BOOL, urls.is_url),
    Function("getScheme", URL, (), STRING, urls.scheme),
    Function("getHost", URL, (), STRING, urls.host),
    Function("getHostname", URL, (), STRING, urls.hostname),
    Function("getPort", URL, (), STRING, urls.port),
    Function("getEscapedPath", URL, (), STRING, urls.escaped_path),
    Function("getQuery", URL, (), map_of(list_of(STRING)), urls.query),
]
_COMPARABLE = (INT, UINT, DOUBLE, BOOL, DURATION, TIME, STRING, BYTES)
_SUMMABLE = (INT, UINT, DOUBLE, DURATION)
_LISTS = [
    *(Function("isSorted", list_of(kind), (), BOOL, lists.is_sorted) for kind in _COMPARABLE),
    *(Function("min", list_of(kind), (), kind, lists.smallest) for kind in _COMPARABLE),
    *(Function("max", list_of(kind), (), kind, lists.largest) for kind in _COMPARABLE),
    *(Function("sum", list_of(kind), (), kind, lists.total) for kind in _SUMMABLE),
    Function("indexOf", list_of(ANYTHING), (ANYTHING,), INT, lists.index_of),
    Function("lastIndexOf", list_of(ANYTHING), (ANYTHING,), INT, lists.last_index_of),
    Function("find", STRING, (STRING,), STRING, lists.find),
    *(
        Function("findAll", STRING, kinds, list_of(STRING), lists.find_all)
        for kinds in ((STRING,), (STRING, INT))
    ),
]
_TEXTS = [
    *(
        Function("string", None, (kind,), STRING)
        for kind in (STRING, BOOL, BYTES, INT, UINT, DOUBLE, TIME, DURATION)
    ),
    Function("charAt", STRING, (INT,), STRING),
    *(
        Function(name, STRING, kinds, INT)
        for name in ("indexOf", "lastIndexOf")
        for kinds in ((STRING,), (STRING, INT))
    ),
    *(Function("join", list_of(STRING), kinds, STRING) for kinds in ((), (STRING,))),
    *(Function(name, STRING, (), STRING) for name in ("lowerAscii", "upperAscii", "trim")),
    *(Function("replace", STRING, kinds, STRING) for kinds in ((STRING, STRING), (STRING, STRING, INT))),
    *(Function("split", STRING, kinds, list_of(STRING)) for kinds in ((STRING,), (STRING, INT))),
    *(Function("substring", STRING, kinds, STRING) for kinds in ((INT,), (INT, INT))),
    Function("format", STRING, (list_of(DYN),), STRING),
    Function("strings.quote", None, (STRING,), STRING),
]
"""The library has them, too; but a function is declared in one place, and Kubernetes adds to some of these."""
FUNCTIONS = (*_TEXTS, *_QUANTITIES, *_VERSIONS, *_ADDRESSES, *_URLS, *_LISTS)

_NUMBERS = (INT, UINT, DOUBLE)
ORDERED = [
    *((kind, kind) for kind in (BOOL, STRING, BYTES, TIME, DURATION)),
    *product(_NUMBERS, repeat=2),
]
"""What `<` and its relatives compare: Kubernetes also allows numbers of two kinds, which the library's own declarations do not."""
COMPARISONS = {"_<_": "less", "_<=_": "less_equals", "_>_": "greater", "_>=_": "greater_equals"}
