"""What is understood of a shell's text means what it means to a real shell; the rest is told apart."""

import contextlib
import subprocess
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.simulator.kubelet.commands import CannotRun, Inside, Outcome, run
from cluster.simulator.kubelet.shell import NotSimple, parse

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
ENVIRONMENT = {"FILES": "*.txt", "A": "one", "B": " two  three ", "E": "", "Q": "it's"}
HARMLESS = frozenset({"true", "false", "echo", "printf", ":"})


def shell(text: str, **more: object) -> Outcome:
    return run(["sh", "-c", text], Inside(ENVIRONMENT, NOON, **more))


pieces = st.sampled_from(
    [
        "a",
        "$A",
        "${B}",
        "$B",
        "$E",
        "$Q",
        "'",
        '"',
        "\\",
        "#",
        "x y",
        "=",
        "$",
        "1",
        ">&2",
        " ",
        "%s",
        "\\n",
        "''",
    ]
)
words = st.lists(pieces, max_size=5).map("".join)
commands = st.builds(
    " ".join,
    st.tuples(
        st.sampled_from(
            ["echo", "echo -n", "true", "false", "exit 3", "printf '%s.'", "printf", ":", '"true"']
        ),
        words,
        words,
    ),
)
joints = st.sampled_from([";", "; ", "&&", " && ", " || ", "\n", " # "])


@st.composite
def texts(draw):
    text = draw(commands)
    for _ in range(draw(st.integers(0, 4))):
        text += draw(joints) + draw(commands)
    return text


@settings(max_examples=60, deadline=None)
@given(text=texts())
def test_what_is_understood_is_what_a_real_shell_does(text):
    """Only texts in which every command is a harmless one are given to a real shell."""
    try:
        expected = run(["bash", "-c", text], Inside(ENVIRONMENT, NOON, only=HARMLESS))
    except (NotSimple, CannotRun):
        return

    real = subprocess.run(
        ["bash", "-c", text], env=ENVIRONMENT, capture_output=True, text=True, timeout=20, check=False
    )

    assert (expected.out, expected.errors, expected.code) == (real.stdout, real.stderr, real.returncode)


@pytest.mark.parametrize(
    "text",
    [
        "python train.py | tee log",
        "echo hello > /tmp/file",
        "echo `date`",
        "echo $(date)",
        "sleep 5 &",
        "while true; do sleep 1; done",
        "if true; then exit 1; fi",
        "X=5; echo $X",
        "echo *.txt",
        "echo $FILES",
        "echo {1,2}",
        "echo ${A:-b}",
        "echo $?",
        "echo $",
        "echo 'open",
        'echo "open',
        "true &&",
        "; true",
        "(exit 3)",
        "cat <<EOF\nhello\nEOF",
        "exit minus-one",
        "printf %5s a",
        "! true",
        "~/run.sh",
        "x" * 20_000,
    ],
)
def test_what_is_more_than_simple_commands_is_told_apart(text):
    with pytest.raises(NotSimple):
        shell(text)


def test_times_add_up_and_each_text_has_its_moment():
    outcome = shell("date +%s; sleep 1.5; echo a; sleep 2m && date +%s")

    noon = int(NOON.timestamp())
    assert [(one.after, one.text) for one in outcome.said] == [
        (0, f"{noon}\n"),
        (1.5, "a\n"),
        (121.5, f"{noon + 121}\n"),
    ]
    assert outcome.seconds == 121.5


def test_nothing_comes_after_a_sleep_without_an_end():
    outcome = shell("echo before; sleep infinity; echo after")

    assert (outcome.out, outcome.seconds) == ("before\n", float("inf"))
    assert shell("sleep 99999999999999").seconds == float("inf")
    assert shell("; ".join(["sleep 300000000"] * 900)).seconds == float("inf")


@pytest.mark.parametrize(
    "text",
    ['sh -c "$SELF"', "; ".join(['sh -c "$SELF"'] * 50), "; ".join(['echo "$LONG"'] * 900), "$LONG" * 90],
)
def test_a_text_that_would_never_be_done_is_given_up(text):
    inside = Inside({"SELF": text, "LONG": "x" * 100_000}, NOON)

    with pytest.raises(NotSimple):
        run(["sh", "-c", text], inside)


def test_writing_much_from_little_is_given_up():
    inside = Inside({"LONG": "x" * 100_000, "HOSTNAME": "p"}, NOON)
    for command in (["printenv", *["LONG"] * 100], ["printf", "x" * 5_000 + "%s", *["a"] * 5_000]):
        with pytest.raises(NotSimple):
            run(command, inside)


def test_a_variable_nobody_set_is_empty_for_who_looks_and_unknown_for_who_must_be_sure():
    assert shell("echo from $NOBODY to").out == "from to\n"
    with pytest.raises(NotSimple):
        shell("echo $NOBODY", only=HARMLESS)
    assert shell('echo "$FILES"', only=HARMLESS).out == "*.txt\n"


def test_errors_are_kept_apart():
    outcome = shell("echo fine; echo wrong >&2; nothing-such; false || echo 1>&2 end")

    assert outcome.out == "fine\n"
    assert outcome.errors == "wrong\nsh: nothing-such: not found\nend\n"


@given(st.text(max_size=60))
def test_any_text_is_either_understood_or_told_apart(text):
    with contextlib.suppress(NotSimple):
        parse(text)
