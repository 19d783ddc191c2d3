"""Rules of a schema: what they see, which old value they are shown, what is refused because it could not be evaluated."""

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.simulator.cel.expressions import CompileFailure
from cluster.simulator.cel.rules import RuleCompilers, compiled_rules
from cluster.simulator.cel.values import aligned
from cluster.simulator.cel.violations import violations
from cluster.simulator.kinds.definition_rules import rule_causes
from cluster.simulator.webhooks.conditions import condition_problem
from tests.cluster.api.definition_rules import (
    NUMBER,
    TEXT,
    a_list,
    a_map,
    an_object,
    keyed_list,
    rule,
    with_rules,
)

SET = {"x-kubernetes-list-type": "set"}
SPEC = an_object(
    number=NUMBER,
    double={"type": "number"},
    text=TEXT,
    list=a_list(NUMBER),
    set=a_list(TEXT, **SET),
    keyed=keyed_list("id", id=TEXT, n=NUMBER),
    map=a_map(an_object(x=NUMBER)),
    maps=a_map(a_list(TEXT)),
    lists=a_list(a_list(NUMBER)),
    fooBar=NUMBER,
    foo_bar=NUMBER,
)


def broken(spec: Any, *rules: dict[str, Any] | str, old: Any = None) -> list[str]:
    """What is said of a spec under rules at its place."""
    node = compiled_rules(an_object(spec=with_rules(SPEC, *rules)))
    assert node is not None
    found = violations(node, {"spec": spec}, None if old is None else {"spec": old})
    return [f"{one.cause.field}: {one.cause.message}" for one in found if not one.tolerated]


@pytest.mark.parametrize(
    "text",
    [
        "self.number < 1.5 && self.double >= 1 && self.double == 2.0",
        "self.map.all(k, self.map[k].x > 0) && self.map.exists(k, v, k == 'a' && v.x == 1)",
        "self.maps['a'].exists(t, t == 'b') && self.lists[0][1] == 2",
        "self.keyed.map(k, k.n).sum() == 3 && self.keyed.filter(k, k.n > 1).size() == 1",
        "sets.contains(self.set, ['a']) && sets.equivalent(self.set, ['b', 'a'])",
        "self.list.sort() == [1, 2] && self.list.reverse() == [1, 2] && lists.range(2) == [0, 1]",
        "self.?number.orValue(0) == 1 && !self.?foo_bar.hasValue() && !has(self.foo_bar) && has(self.fooBar)",
        "[self.number, 5].max() == 5 && [duration('1s'), duration('2s')].sum() == duration('3s')",
        "[timestamp('2026-01-01T00:00:00Z')].min() == timestamp('2026-01-01T00:00:00Z')",
        "url('https://h/p?a=b').getQuery()['a'] == ['b'] && url('https://h').getPort() == ''",
        "string(ip('::0001')) == '::1' && cidr('10.1.0.0/8').masked() == cidr('10.0.0.0/8')",
        "quantity('1Gi').sub(quantity('1Mi')).isLessThan(quantity('1Gi')) && quantity('1').add(1) == quantity('2')",
        "semver('1.2.3').compareTo(semver('1.2.4')) == -1 && semver('v1.2', true).major() == 1",
        "'%s-%d'.format([self.text, self.number]) == 'a-1' && self.text.upperAscii() == 'A'",
        "'a,b'.split(',').join('-') == 'a-b' && ' a '.trim() == 'a' && 'abc'.substring(1, 2) == 'b'",
        "[1, 2].transformList(i, v, i + v) == [1, 3] && 'a1'.find('[0-9]') == '1' && strings.quote('a') == '\"a\"'",
    ],
)
def test_rules_see_what_their_schema_says(text: str) -> None:
    spec = {
        "number": 1,
        "double": 2,
        "text": "a",
        "list": [2, 1],
        "set": ["a", "b"],
        "keyed": [{"id": "a", "n": 1}, {"id": "b", "n": 2}],
        "map": {"a": {"x": 1}},
        "maps": {"a": ["b"]},
        "lists": [[1, 2]],
        "fooBar": 1,
    }
    assert broken(spec, text) == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "format.dns1123Label().validate(self.text).hasValue()",
            "the simulator does not know Kubernetes' `format`",
        ),
        (
            "authorizer.path('/x').check('get').allowed()",
            "the simulator does not know Kubernetes' `authorizer`",
        ),
        ("{'a': 1}.transformMap(k, v, v + 1) == {'a': 2}", "the simulator cannot evaluate this"),
        ("cel.bind(x, 1, x == 1)", "undeclared reference to 'cel'"),
        ("math.greatest(1, 2) == 2", "undeclared reference to 'math'"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_when_it_is_written(text: str, sentence: str) -> None:
    schema = with_rules(SPEC, text)
    with pytest.raises(CompileFailure, match=sentence):
        RuleCompilers(schema, root=False).compile(rule(text))
    causes = rule_causes([{"schema": {"openAPIV3Schema": an_object(spec=schema)}}])
    assert [cause.field.rpartition(".")[2] for cause in causes] == ["rule"]


def test_a_condition_may_not_ask_the_authorizer() -> None:
    assert "does not know Kubernetes' `authorizer`" in condition_problem(
        "authorizer.path('/x').check('get').allowed()"
    )
    assert condition_problem("request.namespace == 'a' && object.spec.x == 1") == ""


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ({"set": ["a", "b"]}, {"set": ["b", "a"]}, True),
        ({"set": ["a", "b"]}, {"set": ["b", "c"]}, False),
        ({"list": [1, 2]}, {"list": [2, 1]}, False),
        ({"keyed": [{"id": "a", "n": 1}, {"id": "b"}]}, {"keyed": [{"id": "b"}, {"id": "a", "n": 1}]}, True),
        ({"keyed": [{"id": "a", "n": 1}]}, {"keyed": [{"id": "a", "n": 2}]}, False),
        ({"unknown": {"a": 1}}, {"unknown": {"a": 2}}, False),
        ({"double": 1}, {"double": 1.0}, True),
    ],
)
def test_sets_and_keyed_lists_are_equal_in_any_order(old: Any, new: Any, same: bool) -> None:
    assert broken(new, rule("self == oldSelf", message="changed"), old=old) == (
        [] if same else ["spec: Invalid value: changed"]
    )


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(exclude_characters="\0"), max_size=3),
    lambda inside: (
        st.lists(inside, max_size=3) | st.dictionaries(st.text("abn", max_size=2), inside, max_size=3)
    ),
    max_leaves=8,
)
KEYED = st.lists(
    st.fixed_dictionaries({"id": st.sampled_from("abc"), "n": st.integers(0, 3)}),
    unique_by=lambda item: item["id"],
)


@given(
    st.fixed_dictionaries(
        {"keyed": KEYED, "set": st.lists(st.sampled_from("abc"), unique=True), "other": JSON}
    ),
    st.randoms(),
)
def test_what_does_not_change_is_equal_to_itself(spec: dict[str, Any], chance: Any) -> None:
    moved = {
        **spec,
        "keyed": chance.sample(spec["keyed"], len(spec["keyed"])),
        "set": chance.sample(spec["set"], len(spec["set"])),
    }
    assert aligned(SPEC, moved, spec) == spec
    assert UNCHANGING is not None
    assert violations(UNCHANGING, {"spec": spec}, {"spec": moved}) == []


UNCHANGING = compiled_rules(an_object(spec=with_rules(SPEC, "self == oldSelf")))


def test_a_message_that_says_nothing_gives_way_to_the_written_one() -> None:
    for expression in ("''", "'a\\nb'", "self.text", "string(10 / self.number)"):
        one = rule("false", message="written", messageExpression=expression)
        assert broken({"number": 0}, one) == ["spec: Invalid value: written"]


def test_a_stored_rule_that_no_longer_compiles_lets_nothing_through() -> None:
    assert broken({}, "self.gone == 1")[0].startswith(
        'spec: Invalid value: "object": rule compile error: compilation failed'
    )


def test_a_value_that_is_no_number_of_the_language_is_a_violation() -> None:
    assert len(broken({"number": 2**70}, "self.number > 0")) == 1


def test_without_rules_the_library_is_not_loaded() -> None:
    code = (
        "import sys, cluster.simulator.running, cluster.simulator.resources as r\n"
        "assert r.Resource('', 'v1', 'a', 'A', True, 'a', [], 'a', None, definition={'schema': {}}).rules is None\n"
        "print([name for name in sys.modules if name.startswith(('cel_expr', 'google'))])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
