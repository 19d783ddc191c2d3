"""The part of a shell's language that is understood here: simple commands one after the other, quotes and variables. Pure.

What is outside of it is told apart, never guessed: who reads a text must know whether all of it was understood.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Joined = Literal["", "&&", "||"]
LONGEST_TEXT = 16_384
"""Characters; a longer text is not looked at."""
_SPACES = re.compile(r"[ \t\n]+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BRACED = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=")
_KEYWORD = re.compile(r"if|then|else|elif|fi|for|while|until|do|done|case|esac|in|function|select|time|!")
_AFTER_A_DOLLAR = frozenset(" \t\n;/.,:%\"'")
"""Before these it is a plain dollar sign within quotes."""
_PATTERN = frozenset("*?[\\")
_NEVER_PLAIN = frozenset("|&<>()`*?[{}")
"""Unquoted they are pipes, files, jobs, substitutions or patterns."""


class NotSimple(Exception):
    """The text is more than simple commands; the message names what."""


@dataclass(frozen=True)
class Part:
    """Of a word: a text, or the name of a variable whose value stands there."""

    text: str
    quoted: bool = False
    variable: bool = False


Word = tuple[Part, ...]


@dataclass(frozen=True)
class Step:
    """One simple command. `joined` tells what of the one before it depends on; `to_errors`: it was sent there by `>&2`."""

    words: tuple[Word, ...]
    joined: Joined = ""
    to_errors: bool = False


def parse(text: str) -> tuple[Step, ...]:
    """The commands of a text in their order; raises NotSimple."""
    if len(text) > LONGEST_TEXT:
        raise NotSimple(f"a text of more than {LONGEST_TEXT} characters")
    return _Scanner(text).steps()


def expand(step: Step, environment: Mapping[str, str], *, most: int, guess: bool = True) -> list[str]:
    """The words a command is called with: an unquoted variable falls apart at its spaces and goes when it is empty.

    Raises NotSimple when they hold more than `most` characters or a pattern for files, and, unless it may `guess` that
    nobody has set it, for a variable that is not in the environment.
    """
    found: list[str] = []
    length = 0
    for word in step.words:
        begun: str | None = None
        for part in word:
            value = _value(part, environment, guess=guess) if part.variable else part.text
            length += len(value)
            if length > most:
                raise NotSimple(f"the words of a command hold more than {most} characters")
            if not part.variable or part.quoted:
                begun = (begun or "") + value
                continue
            for index, piece in enumerate(_SPACES.split(value)):
                if index and begun is not None:
                    found.append(begun)
                    begun = None
                if piece:
                    begun = (begun or "") + piece
        if begun is not None:
            found.append(begun)
    return found


def _value(part: Part, environment: Mapping[str, str], *, guess: bool) -> str:
    value = environment.get(part.text)
    if value is None and not guess:
        raise NotSimple(f"nobody here knows what {part.text} is")
    if value and not part.quoted and not _PATTERN.isdisjoint(value):
        raise NotSimple(f"{part.text} is a pattern for files")
    return value or ""


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._steps: list[Step] = []
        self._words: list[Word] = []
        self._word: list[Part] | None = None
        self._joined: Joined = ""
        self._to_errors = False

    def steps(self) -> tuple[Step, ...]:
        while self._at < len(self._text):
            self._take()
        self._end_command("")
        if self._joined:
            raise NotSimple("a command is missing at the end")
        return tuple(self._steps)

    def _take(self) -> None:
        char = self._text[self._at]
        following = self._text[self._at : self._at + 2]
        if char in " \t":
            self._end_word(1)
        elif following in ("&&", "||"):
            self._end_command("&&" if following == "&&" else "||", needed=True)
            self._at += 2
        elif char in ";\n":
            self._end_command("", needed=char == ";")
            self._at += 1
        elif char == "#" and self._word is None:
            end = self._text.find("\n", self._at)
            self._at = len(self._text) if end < 0 else end
        elif self._text.startswith(">&2", self._at):
            self._send_to_errors()
        else:
            self._take_part(char)

    def _take_part(self, char: str) -> None:
        if char == "'":
            end = self._text.find("'", self._at + 1)
            if end < 0:
                raise NotSimple("a quote is not closed")
            self._add(Part(self._text[self._at + 1 : end], quoted=True))
            self._at = end + 1
        elif char == '"':
            self._take_quoted()
        elif char == "\\":
            following = self._text[self._at + 1 : self._at + 2]
            if not following:
                raise NotSimple("a backslash ends the text")
            if following != "\n":
                self._add(Part(following, quoted=True))
            self._at += 2
        elif char == "$":
            self._take_variable(quoted=False)
        elif char in _NEVER_PLAIN or (char == "~" and self._word is None):
            raise NotSimple(f"{char} is not understood")
        else:
            self._add(Part(char))
            self._at += 1

    def _take_quoted(self) -> None:
        self._add(Part("", quoted=True))
        self._at += 1
        while self._text[self._at : self._at + 1] != '"':
            char = self._text[self._at : self._at + 1]
            if not char:
                raise NotSimple("a quote is not closed")
            if char == "`":
                raise NotSimple("` is not understood")
            if char == "$":
                self._take_variable(quoted=True)
                continue
            if char == "\\" and self._text[self._at + 1 : self._at + 2] in ("$", "`", '"', "\\", "\n"):
                self._at += 1
                char = self._text[self._at].replace("\n", "")
            self._add(Part(char, quoted=True))
            self._at += 1
        self._at += 1

    def _take_variable(self, *, quoted: bool) -> None:
        after = self._at + 1
        following = self._text[after : after + 1]
        if name := _NAME.match(self._text, after):
            self._add(Part(name[0], quoted, variable=True))
            self._at = name.end()
        elif braced := _BRACED.match(self._text, after):
            self._add(Part(braced[1], quoted, variable=True))
            self._at = braced.end()
        elif quoted and following in _AFTER_A_DOLLAR:  # unquoted, shells differ
            self._add(Part("$", quoted=True))
            self._at = after
        else:
            raise NotSimple(f"${following} is not understood")

    def _send_to_errors(self) -> None:
        if self._word is not None and [part.text for part in self._word] != ["1"]:
            raise NotSimple("> is not understood")
        self._word = None
        self._to_errors = True
        self._at += 3
        if self._text[self._at : self._at + 1] not in ("", " ", "\t", "\n", ";", "&", "|"):
            raise NotSimple("> is not understood")

    def _add(self, part: Part) -> None:
        if self._word is None:
            self._word = []
        before = self._word[-1] if self._word else None
        if before and not before.variable and not part.variable and before.quoted == part.quoted:
            self._word[-1] = Part(before.text + part.text, part.quoted)
        else:
            self._word.append(part)

    def _end_word(self, width: int) -> None:
        if self._word is not None:
            self._words.append(tuple(self._word))
            self._word = None
        self._at += width

    def _end_command(self, joined: Joined, *, needed: bool = False) -> None:
        self._end_word(0)
        if self._words:
            _check_first(self._words[0])
            self._steps.append(Step(tuple(self._words), self._joined, self._to_errors))
            self._joined = joined
        elif needed or self._to_errors:
            raise NotSimple("a command is missing")
        self._words, self._to_errors = [], False


def _check_first(word: Word) -> None:
    first = word[0]
    if first.quoted or first.variable:
        return
    if len(word) == 1 and _KEYWORD.fullmatch(first.text):
        raise NotSimple(f"{first.text} is not understood")
    if _ASSIGNMENT.match(first.text):
        raise NotSimple("setting a variable is not understood")
