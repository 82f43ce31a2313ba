"""One look at a stored trail together with all that others have seen of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.trail import outside
from scanner.trail.cosignature import witnessed
from scanner.trail.tampering import FoundTampering, Tampering
from scanner.trail.verify import Verified, verify

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scanner.store.trail_rows import TrailRows
    from scanner.trail.note import Verifier
    from scanner.trail.outside import Seen

ALONE = (
    "The store alone cannot show that its end was cut together with the checkpoints, or that an older copy was put in its "
    "place, or that whoever has the key began anew: compare with --since CHECKPOINT (a copy kept elsewhere), "
    "--against-prometheus URL or --witness KEY."
)
"""What stands below every answer that rests on the store alone."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What others say: heads that they have kept, what is wrong with those already, whom to take for a witness."""

    seen: Sequence[Seen] = ()
    found: Sequence[FoundTampering] = ()
    wanted: Sequence[Verifier] = ()
    known: Sequence[Verifier] = ()
    missing: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Audit:
    """What was verified of which log, who was compared with, who could not be asked."""

    origin: str
    verified: Verified
    found: tuple[FoundTampering, ...]
    compared: tuple[str, ...] = ()
    missing: tuple[str, ...] = field(default=())

    @property
    def sound(self) -> bool:
        """Whether nothing was found; what could not be asked is no finding."""
        return not self.found


def audit(rows: TrailRows, log: Verifier, others: Outside) -> Audit:
    """Verify what is stored, then compare it with what others have seen."""
    sizes = [one.size for one in others.seen]
    made = verify(rows, log, [*others.known, *others.wanted], sizes)
    found = [*made.found, *others.found, *outside.compare(made, others.seen)]
    compared = [one.who for one in others.seen]
    for witness in others.wanted:
        held = [size for size, note in made.notes.items() if witnessed(note, witness) is not None]
        if held:
            compared.append(f"{witness.name} (cosigned the checkpoint of size {max(held)})")
        elif not any(witness.name in one.who for one in others.seen):
            detail = f"no checkpoint has a cosignature of {witness.name}"
            found.append(FoundTampering(Tampering.NOT_WITNESSED, 0, detail))
    return Audit(log.name, made, tuple(found), tuple(dict.fromkeys(compared)), tuple(others.missing))
