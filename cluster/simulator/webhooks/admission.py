"""The webhooks' part in one request.

Writes are handled in one go, without waiting in between. A write that needs the word of a webhook it has not heard yet ends with
`Unanswered`; the webhook is asked, and the write begins again from the store's state of then, with the answer at hand. So a webhook is asked
again when the object it judged has changed in the meantime, and nothing is stored before all have agreed.
"""

import asyncio
import copy
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from cluster.simulator.identities import User
from cluster.simulator.patching.json_patch import apply_json_patch
from cluster.simulator.problems import Problem, forbidden
from cluster.simulator.server.api import Api, outgoing
from cluster.simulator.webhooks.attributes import Attributes
from cluster.simulator.webhooks.calling import Caller
from cluster.simulator.webhooks.registered import (
    MUTATING,
    VALIDATING,
    Invocation,
    Webhook,
    configured,
    invocation_of,
)
from cluster.simulator.webhooks.reviews import Verdict, call_problem, refusal, review_request

Document = dict[str, Any]
Complete = Callable[[Any], Document]
"""A patched value -> a document with its defaults."""


@dataclass(frozen=True)
class Call:
    """A question that has not been put yet; equal questions have equal keys."""

    key: str
    webhook: Webhook
    request: Document


class Unanswered(Exception):
    """The write cannot go on before these have been asked."""

    def __init__(self, calls: list[Call]) -> None:
        super().__init__()
        self.calls = calls


@dataclass
class _Rounds:
    """Who is to be asked a second time because someone after it changed the object."""

    again: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)

    def changed(self) -> None:
        self.again |= self.asked
        self.asked = set()


class Admission:
    """What one request's webhooks have said so far, and what the server made up for it."""

    def __init__(self, api: Api, user: User) -> None:
        self._api, self._user = api, user
        self._verdicts: dict[str, Verdict] = {}
        self._made_up: dict[str, str] = {}
        self.warnings: list[str] = []

    def once(self, key: str, make: Callable[[], str]) -> str:
        """A value made up for this request: the same one each time the write begins again."""
        if key not in self._made_up:
            self._made_up[key] = make()
        return self._made_up[key]

    async def ask(self, caller: Caller, calls: list[Call]) -> None:
        """Put questions at the same time; their answers are kept. The next try tells its warnings anew."""
        said = await asyncio.gather(*(caller.ask(call.webhook, call.request) for call in calls))
        self._verdicts.update(zip((call.key for call in calls), said, strict=True))
        self.warnings.clear()

    # --- mutating -------------------------------------------------------------------------------------------------

    def mutate(
        self, attributes: Attributes, complete: Complete, admit: Callable[[Document], None] | None = None
    ) -> Document | None:
        """The object after all mutating webhooks, one after the other. Raises Unanswered, Problem.

        Webhooks with reinvocationPolicy IfNeeded are asked a second time when the object changed after them; `admit` is the
        server's own part, which then runs again as well.
        """
        webhooks = list(configured(self._api, MUTATING))
        rounds = _Rounds()
        before = attributes
        attributes = self._round(0, webhooks, attributes, complete, rounds)
        if attributes.document is None or attributes.document == before.document:
            return attributes.document
        if admit is not None:
            admitted = copy.deepcopy(attributes.document)
            admit(admitted)
            if admitted != attributes.document:
                rounds.changed()
            attributes = replace(attributes, document=admitted)
        return self._round(1, webhooks, attributes, complete, rounds).document

    def _round(
        self,
        number: int,
        webhooks: list[Webhook],
        attributes: Attributes,
        complete: Complete,
        rounds: _Rounds,
    ) -> Attributes:
        for webhook in webhooks:
            invocation = self._invocation(webhook, attributes)
            if invocation is None or (number and webhook.key not in rounds.again):
                continue
            verdict = self._verdict(number, invocation, attributes)
            document = self._patched(invocation, attributes, verdict, complete)
            if document != attributes.document:
                rounds.changed()
            if webhook.may_be_asked_again:
                rounds.asked.add(webhook.key)
            attributes = replace(attributes, document=document)
        return attributes

    def _verdict(self, number: int, invocation: Invocation, attributes: Attributes) -> Verdict:
        """Raises Unanswered when it has not been asked, Problem when it refuses."""
        call = self._call(number, invocation, attributes)
        verdict = self._verdicts.get(call.key)
        if verdict is None:
            raise Unanswered([call])
        self._refuse_unless(verdict, invocation.webhook)
        return verdict

    def _patched(
        self, invocation: Invocation, attributes: Attributes, verdict: Verdict, complete: Complete
    ) -> Document | None:
        if not verdict.patch:
            return attributes.document
        name = invocation.webhook.name
        if attributes.document is None:
            text = f'admission webhook "{name}" attempted to modify the object, which is not supported for this operation'
            raise _internal(text)
        try:
            shown = outgoing(invocation.resource, attributes.document)
            patched = apply_json_patch(shown, list(verdict.patch))
            return complete(outgoing(attributes.resource, patched))
        except Problem as problem:
            raise _internal(problem.message) from None

    # --- validating -----------------------------------------------------------------------------------------------

    def validate(self, attributes: Attributes) -> None:
        """All validating webhooks have agreed. Raises Unanswered for those to be asked, else the first one's Problem."""
        found = [
            invocation
            for webhook in configured(self._api, VALIDATING)
            if (invocation := self._invocation(webhook, attributes)) is not None
        ]
        calls = [self._call(0, invocation, attributes) for invocation in found]
        missing = [call for call in calls if call.key not in self._verdicts]
        if missing:
            raise Unanswered(missing)
        verdicts = [(self._verdicts[call.key], call.webhook) for call in calls]
        refusals = [problem for verdict, webhook in verdicts if (problem := self._heard(verdict, webhook))]
        if refusals:
            raise refusals[0]

    def _refuse_unless(self, verdict: Verdict, webhook: Webhook) -> None:
        problem = self._heard(verdict, webhook)
        if problem is not None:
            raise problem

    def _heard(self, verdict: Verdict, webhook: Webhook) -> Problem | None:
        """Passes warnings on; gives the refusal, if it is one."""
        self.warnings += [text for text in verdict.warnings if text not in self.warnings]
        if verdict.failure:
            return None if webhook.may_be_ignored else call_problem(webhook.name, verdict.failure)
        return None if verdict.allowed else refusal(webhook.name, verdict.status)

    def _invocation(self, webhook: Webhook, attributes: Attributes) -> Invocation | None:
        """How the webhook is to be asked, if its conditions are met, too. Raises 403 when they have no value and it must be asked."""
        invocation = invocation_of(self._api, webhook, attributes)
        conditions = webhook.settings.get("matchConditions")
        if invocation is None or not conditions:
            return invocation
        from cluster.simulator.webhooks.conditions import UndecidedConditions, all_true  # brings the library

        try:
            return invocation if all_true(conditions, self._request(invocation, attributes)) else None
        except UndecidedConditions as undecided:
            if webhook.may_be_ignored:
                return None
            resource = attributes.resource
            raise forbidden(resource.plural, resource.group, attributes.name, str(undecided)) from None

    def _request(self, invocation: Invocation, attributes: Attributes) -> Document:
        resource = invocation.resource
        shown = replace(
            attributes,
            resource=resource,
            document=_as_version(attributes, resource, attributes.document),
            old=_as_version(attributes, resource, attributes.old),
        )
        return review_request(invocation, attributes, shown, self._user)

    def _call(self, number: int, invocation: Invocation, attributes: Attributes) -> Call:
        request = self._request(invocation, attributes)
        webhook = invocation.webhook
        asked = [number, webhook.mutating, webhook.key, _without_owners(request)]
        digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
        return Call(digest, webhook, request)


def _as_version(attributes: Attributes, resource: Any, document: Document | None) -> Document | None:
    """Bodies of subresources have versions of their own and stay as they are."""
    if (
        document is None
        or resource is attributes.resource
        or attributes.kind.name != attributes.resource.kind
    ):
        return document
    return outgoing(resource, document)


def _without_owners(request: Document) -> Document:
    """What makes two questions the same: who set which field at which moment is not part of it."""
    document = request["object"]
    if document is None or "metadata" not in document:
        return request
    metadata = {key: value for key, value in document["metadata"].items() if key != "managedFields"}
    return {**request, "object": {**document, "metadata": metadata}}


def _internal(text: str) -> Problem:
    return Problem(
        500, "InternalError", f"Internal error occurred: {text}", details={"causes": [{"message": text}]}
    )
