"""`url('https://example.com/path')`. Pure."""

import re
from urllib.parse import SplitResult, parse_qs, quote, urlsplit

from cluster.simulator.cel.library.reading import can

_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f]|%(?![0-9a-fA-F]{2})")
_HOST = re.compile(r"(?:[^\s\[\]<>\":]*|\[[0-9a-fA-F:.%]+\])(?::\d*)?")
_PATH_SIGNS = "/:@!$&'()*+,;=-._~%[]"


def url(text: str) -> str:
    """The text, when it is absolute: with a scheme, or a path from the root. Raises ValueError."""
    if not text:
        raise ValueError(_wrong(text, "empty url"))
    if _FORBIDDEN.search(text):
        raise ValueError(_wrong(text, "invalid character in URL"))
    if not (text.startswith("/") or _SCHEME.match(text)):
        raise ValueError(_wrong(text, "invalid URI for request"))
    if not _HOST.fullmatch(_host(urlsplit(text))):
        raise ValueError(_wrong(text, "invalid character in host name"))
    return text


is_url = can(url)


def scheme(text: str) -> str:
    return urlsplit(text).scheme


def host(text: str) -> str:
    """With the port, without the user."""
    return _host(urlsplit(text))


def hostname(text: str) -> str:
    """An IPv6 address without its brackets."""
    found = _host(urlsplit(text))
    return found[1:].partition("]")[0] if found.startswith("[") else found.partition(":")[0]


def port(text: str) -> str:
    return _host(urlsplit(text)).rpartition("]")[2].partition(":")[2]


def escaped_path(text: str) -> str:
    return quote(urlsplit(text).path, safe=_PATH_SIGNS)


def query(text: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(text).query, keep_blank_values=True)


def _host(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]


def _wrong(text: str, why: str) -> str:
    return f'URL parse error during conversion from string: parse "{text}": {why}'
