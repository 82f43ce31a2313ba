"""Values of which equal ones become one, however many answers hold them, within bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

MAX_VALUES = 200_000
"""Values that are kept; a fleet of 10,000 hosts has some thousands. Beyond, they are begun anew."""

MAX_CHARS = 64 << 20
"""Of all their text: a host may say something else in each answer, a hundred kilobytes in one value."""

_T = TypeVar("_T")


class KeptOnce:
    """Each value of these classes once, by what it is made of."""

    def __init__(self, kinds: Collection[type]) -> None:
        self._kinds = frozenset(kinds)
        self._known: dict[tuple[Any, ...], Any] = {}
        self._chars = 0

    def value(self, made_of: tuple[Any, ...], make: Callable[[], _T]) -> _T:
        """The value that is known by these parts, else the one that ``make`` gives."""
        try:
            known: _T | None = self._known.get(made_of)
        except TypeError:  # a part that cannot be hashed
            return make()
        if known is None:
            if len(self._known) >= MAX_VALUES or self._chars > MAX_CHARS:
                self._known.clear()
                self._chars = 0
            known = self._known[made_of] = make()
            self._chars += self._chars_of(made_of)
        return known

    def _chars_of(self, parts: Iterable[Any]) -> int:
        """Of the text in these parts; what is kept once itself counts where it stands alone, whatever holds others one time."""
        total, left, seen = 0, list(parts), set[int]()
        while left:
            part = left.pop()
            if isinstance(part, str | bytes):
                total += len(part)
                continue
            if id(part) in seen:
                continue
            seen.add(id(part))
            if isinstance(part, tuple | frozenset):
                left.extend(part)
            elif type(part) not in self._kinds:
                left.extend(getattr(part, name) for name in getattr(type(part), "__dataclass_fields__", ()))
        return total
