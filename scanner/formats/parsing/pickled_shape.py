"""Whether a parsing process answered in the few words that our own ``Pickler`` uses, within bounds.

Whoever has taken such a process over may send any pickle. Python hashes tuples in tuples without looking how deep they
are, so that some ten thousand end the process that reads them; sixty that hold another twice each keep it for ever, as
do such lists for whoever writes or compares them.
"""

from __future__ import annotations

import pickle

MAX_SIZE = 1 << 27
"""Of all values together, each counted wherever it stands, a quarter more each time that it is in another.

So none is in more than eighty, and to hash them all takes a third of a second. Facts of a host with twenty containers have 20,000,
a hundred thousand hosts with forty labels each 70 million."""

MAX_STEPS = 4_000_000
"""Of what makes or stores a value, which may be one byte long, of containers as many as ``A_CONTAINER``; the same facts have four thousand."""

A_CONTAINER = 4
"""An empty set of two bytes takes two hundred in memory."""

WITHOUT_END = MAX_SIZE + 1
"""What a container counts until it is full: nothing of ours is within itself."""

_LEAVES = {
    **dict.fromkeys(b"N)\x88\x89", 1),  # None, the empty tuple, the two truths
    ord("K"): 2,
    ord("M"): 3,
    ord("J"): 5,
    ord("G"): 9,  # numbers
}
"""What puts a value on the stack, with its length."""

_COUNTED = {0x8C: 1, ord("C"): 1, 0x8A: 1, ord("X"): 4, ord("B"): 4, 0x8D: 8, 0x8E: 8, 0x96: 8}
"""Texts, bytes, long numbers: so many bytes tell the length of what follows."""

_MADE = {0x85: 1, 0x86: 2, 0x87: 3, ord("R"): 2, 0x81: 2}
"""What makes one value of so many: tuples, values of classes."""

_EMPTY = frozenset(b"]}\x8f")
"""Containers, which our own names at once."""

_PUT = {ord("a"): 1, ord("s"): 2}
"""What puts so many into a container."""

_MADE_TO_MARK = frozenset(b"t\x91")
_PUT_TO_MARK = frozenset(b"eu\x90")
_PROTO, _FRAME, _MARK, _MEMOIZE, _CLASS, _STOP = 0x80, 0x95, ord("("), 0x94, 0x93, ord(".")
_SKIPPED = {_PROTO: 2, _FRAME: 9}
_GET, _LONG_GET = ord("h"), ord("j")


_NOT_OURS = "words that are not ours"


def check(answer: bytes | memoryview, max_steps: int = MAX_STEPS, max_size: int = MAX_SIZE) -> None:
    """Walk through it without making anything.

    Raises:
        pickle.UnpicklingError: it is too large, or says what our own never does.
    """
    try:
        _Walk(answer, max_size).run(max_steps)
    except IndexError as error:
        raise pickle.UnpicklingError("half a value") from error


class _Walk:
    """How large each value is that is on the stack, or kept to be named again."""

    def __init__(self, answer: bytes | memoryview, max_size: int) -> None:
        self._answer, self._max_size = answer, max_size
        self._stack: list[int] = []
        self._kept: list[int] = []
        self._marks: list[int] = []
        self._open: list[list[int]] = []  # containers: where on the stack, under which number kept, how large by now
        self._all = 0

    def run(self, max_steps: int) -> None:
        """To the end."""
        answer, stack, kept = self._answer, self._stack, self._kept
        at = steps = 0
        while (word := answer[at]) != _STOP:
            steps += 1
            if word == _MEMOIZE:
                kept.append(stack[-1])
                at += 1
            elif word == _GET:
                stack.append(kept[answer[at + 1]])
                at += 2
            elif word in _LEAVES:
                stack.append(1)
                at += _LEAVES[word]
            elif word in _COUNTED:
                stack.append(1)
                begin = at + 1 + _COUNTED[word]
                at = begin + int.from_bytes(answer[at + 1 : begin], "little")
            elif word in _EMPTY:
                self._begin(is_named=answer[at + 1] == _MEMOIZE)
                at += 2
                steps += A_CONTAINER - 1
            elif word == _LONG_GET:
                stack.append(kept[int.from_bytes(answer[at + 1 : at + 5], "little")])
                at += 5
            elif word in _SKIPPED:
                at += _SKIPPED[word]
            else:
                self._put_together(word)
                at += 1
            if steps > max_steps:
                raise pickle.UnpicklingError("too many values")

    def _put_together(self, word: int) -> None:
        stack = self._stack
        if word in _MADE:
            self._make(len(stack) - _MADE[word])
        elif word == _CLASS:
            stack[-2:] = [1]
        elif word == _MARK:
            self._marks.append(len(stack))
        elif word in _MADE_TO_MARK:
            self._make(self._marks.pop())
        elif word in _PUT:
            self._put(len(stack) - _PUT[word])
        elif word in _PUT_TO_MARK:
            self._put(self._marks.pop())
        else:
            raise pickle.UnpicklingError(_NOT_OURS)

    def _begin(self, *, is_named: bool) -> None:
        if not is_named:
            raise pickle.UnpicklingError(_NOT_OURS)
        self._open.append([len(self._stack), len(self._kept), 1])
        self._stack.append(WITHOUT_END)
        self._kept.append(WITHOUT_END)

    def _make(self, begin: int) -> None:
        """One value of all from there."""
        size = self._size(begin)
        self._stack[begin:] = [size]

    def _put(self, begin: int) -> None:
        """All from there into the container before it, which stands where it was begun."""
        size = self._size(begin)
        if not self._open or self._open[-1][0] != begin - 1:
            raise pickle.UnpicklingError(_NOT_OURS)
        del self._stack[begin:]
        self._open[-1][2] += size

    def _size(self, begin: int) -> int:
        """Of all from there; containers among them are full."""
        stack = self._stack
        while self._open and self._open[-1][0] >= begin:
            at, number, size = self._open.pop()
            stack[at] = self._kept[number] = size
        size = (sum(stack[begin:]) + 1) * 5 // 4 + 1
        self._all += size
        if self._all > self._max_size:
            raise pickle.UnpicklingError("values in values without end")
        return size
