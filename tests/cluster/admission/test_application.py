"""The HTTP half: what is answered, what is refused with which status, and that nothing waits for ever."""

import asyncio
import json
import time

import httpx
import pytest

from cluster.admission_server import application
from cluster.admission_server.application import LARGEST_BODY, Application
from cluster.errors import ClusterUnavailable
from tests.cluster.admission.reviewing import VISION, pod, review


class Known:
    """Knows what it is told to; `asked` counts the questions to the API server."""

    def __init__(self, known=None, answer=None):
        self.ready = True
        self.asked = 0
        self._known, self._answer = known, answer

    def known(self, namespace):
        return self._known if namespace == "runai-vision" else None

    def ask(self, namespace):
        self.asked += 1
        if callable(self._answer):
            return self._answer()
        return self._answer


def post(served, path, body, **headers):
    async def send():
        transport = httpx.ASGITransport(served)
        async with httpx.AsyncClient(transport=transport, base_url="https://webhook") as client:
            content = body if isinstance(body, bytes) else json.dumps(body)
            return await client.post(
                path, content=content, headers={"content-type": "application/json", **headers}
            )

    return asyncio.run(send())


def get(served, path):
    async def send():
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(served), base_url="https://webhook"
        ) as client:
            return await client.get(path)

    return asyncio.run(send())


def test_both_halves_answer_in_the_form_of_a_review():
    served = Application(Known(VISION))
    changed = post(served, "/mutate?timeout=5s", review(pod())).json()["response"]
    judged = post(served, "/validate", review(pod(hostPID=True))).json()["response"]

    assert changed["patchType"] == "JSONPatch"
    assert judged["allowed"] is False
    assert judged["uid"] == review({})["request"]["uid"]


def test_a_namespace_that_is_not_known_yet_is_asked_for():
    facts = Known(None, VISION)

    assert (
        post(Application(facts), "/validate", review(pod(hostPID=True))).json()["response"]["allowed"]
        is False
    )
    assert facts.asked == 1


@pytest.mark.parametrize("lost", ["fails", "hangs"])
def test_without_the_project_there_is_no_verdict(lost, monkeypatch):
    """Neither yes nor no: the failurePolicy of the rule decides."""
    monkeypatch.setattr(application, "LOOKUP_SECONDS", 0.1)

    def ask():
        if lost == "hangs":
            time.sleep(0.4)
        raise ClusterUnavailable("the API server is away")

    answer = post(Application(Known(None, ask)), "/validate", review(pod()))

    assert answer.status_code == 503
    assert "the project of namespace 'runai-vision' could not be read" in answer.text


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[]", "request.uid"),
        (b"null", "request.uid"),
        (b'{"request": {"uid": 7}}', "request.uid"),
    ],
)
def test_what_is_no_review_is_refused_with_the_reason(body, words):
    answer = post(Application(Known(VISION)), "/validate", body)

    assert answer.status_code == 400
    assert words in answer.text


def test_a_body_has_an_end():
    served = Application(Known(VISION))

    announced = post(served, "/validate", b"x", **{"content-length": str(LARGEST_BODY + 1)})
    unannounced = post(served, "/validate", b" " * (LARGEST_BODY + 1))
    assert (announced.status_code, unannounced.status_code) == (413, 413)
    assert str(LARGEST_BODY) in announced.text


def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(application, "BODY_SECONDS", 0.05)
    sent = []

    async def never():
        await asyncio.sleep(3600)

    async def send(message):
        sent.append(message)

    scope = {"method": "POST", "path": "/validate", "headers": [(b"content-type", b"application/json")]}
    asyncio.run(Application(Known(VISION))(scope, never, send))

    assert sent[0]["status"] == 408


def test_other_pages_and_methods_are_refused():
    served = Application(Known(VISION))

    assert get(served, "/validate").status_code == 405
    assert get(served, "/").status_code == 404
    assert post(served, "/validate", b"{}", **{"content-type": "text/plain"}).status_code == 415


def test_it_is_ready_once_projects_are_read_and_the_api_server_was_told():
    facts = Known(VISION)
    served = Application(facts)

    assert get(served, "/livez").status_code == 200
    assert "was not told" in get(served, "/readyz").text
    served.registered = True
    assert get(served, "/readyz").status_code == 200
    facts.ready = False
    assert get(served, "/readyz").status_code == 503


def test_a_fault_of_ours_is_no_verdict_either(monkeypatch, caplog):
    def broken(*_):
        raise RuntimeError("boom")

    monkeypatch.setitem(application.ANSWERS, "/validate", broken)

    assert post(Application(Known(VISION)), "/validate", review(pod())).status_code == 500
    assert "boom" in caplog.text
