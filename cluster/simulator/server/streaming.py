"""Answers a watch request: what is, what happens, and now and then how far it has been seen."""

import asyncio
import random
from collections.abc import AsyncIterator

from cluster.simulator.problems import Problem, expired
from cluster.simulator.resources import Resource
from cluster.simulator.server.api import Api, body_of, outgoing
from cluster.simulator.server.messages import Request, Target
from cluster.simulator.server.negotiation import Form
from cluster.simulator.server.reading import bad_list_options, included, metadata_only, select, selection
from cluster.simulator.server.watching import BOOKMARK_SECONDS, Render, Watcher, bookmark, event_line
from cluster.simulator.store.objects import Stored, encode
from cluster.simulator.tables.printing import table_of

SHORTEST_SECONDS = 1800.0
"""Watches without a timeout end after a random time between this and its double, as in kube-apiserver."""


def open_watch(api: Api, request: Request, target: Target, form: Form) -> tuple[Watcher, list[bytes]]:
    """A registered watcher and the lines to send first. Raises 400 and 422 before anything is sent; 410 is told as an event."""
    resource = target.resource
    initial = _wants_initial_events(request)
    watcher = Watcher(
        resource.storage,
        target.namespace,
        selection(request, resource),
        _renderer(resource, form, included(request)),
        f"{resource.api_version} {form.shape} {included(request)}",
        name=target.name,
        render_first=_renderer(resource, form, included(request), columns=True)
        if form.shape == "Table"
        else None,
    )
    watcher.version = api.store.version
    version = request.query.get("resourceVersion", "")
    if version not in ("", "0") and not version.isdigit():
        detail = f'strconv.ParseUint: parsing "{version}": invalid syntax'
        raise Problem(500, "", f'resourceVersion: Invalid value: "{version}": {detail}')
    lines: list[bytes] = []
    if initial or (version in ("", "0") and "sendInitialEvents" not in request.query):
        found = select(api, request, target)
        lines = [watcher.line("ADDED", stored, {}) for stored in found if target.name in ("", stored.name)]
        if initial:
            lines.append(
                bookmark(
                    form.shape,
                    resource.api_version,
                    resource.kind,
                    api.store.version,
                    initial_events_end=True,
                )
            )
    elif version not in ("", "0"):
        try:
            changes = api.store.changes_since(resource.storage, int(version))
        except Problem as too_old:
            watcher.ended = True
            return watcher, [event_line("ERROR", encode(too_old.as_status()))]
        for change in changes:
            watcher.tell(change, {})
        lines, watcher.pending = watcher.pending, []
    api.hub.add(watcher)
    return watcher, lines


def _wants_initial_events(request: Request) -> bool:
    """`sendInitialEvents`, with the conditions the API sets. Raises 422."""
    if "sendInitialEvents" not in request.query:
        if request.query.get("resourceVersionMatch"):
            raise bad_list_options(
                "resourceVersionMatch",
                "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
            )
        return False
    if request.query.get("resourceVersionMatch") != "NotOlderThan":
        raise bad_list_options(
            "resourceVersionMatch", "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        )
    return request.flag("sendInitialEvents")


def _renderer(resource: Resource, form: Form, include: str, *, columns: bool = False) -> Render:
    """`columns`: what a table's columns are is said in the first event of a watch only."""
    if form.shape == "Table":

        def render(stored: Stored) -> bytes:
            table = table_of(resource, [outgoing(resource, stored.document)], stored.version, include)
            return encode(table if columns else {**table, "columnDefinitions": None})

        return render
    if form.shape == "PartialObjectMetadata":
        return lambda stored: encode(metadata_only(stored.document))
    return lambda stored: body_of(resource, stored)


async def watch_lines(
    api: Api, request: Request, target: Target, form: Form, watcher: Watcher, first: list[bytes]
) -> AsyncIterator[bytes]:
    """Chunks of lines until the watch's time is over or the client has fallen too far behind."""
    resource = target.resource
    loop = asyncio.get_running_loop()
    seconds = request.integer("timeoutSeconds") or SHORTEST_SECONDS * (1 + random.random())  # noqa: S311 spreads load
    deadline = loop.time() + seconds
    next_bookmark = loop.time() + BOOKMARK_SECONDS if request.flag("allowWatchBookmarks") else deadline
    try:
        if first:
            yield b"".join(first)
        while loop.time() < deadline and not (watcher.too_slow or watcher.ended):
            if not watcher.pending:
                await _sleep(watcher, min(deadline, next_bookmark) - loop.time())
            watcher.awake.clear()
            if watcher.pending:
                lines, watcher.pending = watcher.pending, []
                yield b"".join(lines)
            elif loop.time() >= next_bookmark and loop.time() < deadline:
                next_bookmark = loop.time() + BOOKMARK_SECONDS
                seen = max(watcher.version, _seen(api))
                yield bookmark(form.shape, resource.api_version, resource.kind, seen)
        if watcher.too_slow:
            yield event_line(
                "ERROR", encode(expired("too old resource version: the watch fell behind").as_status())
            )
    finally:
        api.hub.discard(watcher)


def _seen(api: Api) -> int:
    """Everything up to here has been announced, to whomever it concerned."""
    return 0 if api.store.has_uncommitted else api.store.version


async def _sleep(watcher: Watcher, seconds: float) -> None:
    try:
        await asyncio.wait_for(watcher.awake.wait(), max(seconds, 0))
    except TimeoutError:
        return
