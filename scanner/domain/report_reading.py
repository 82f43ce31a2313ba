"""The JSON document ``archscan/v1`` read back into a report, as far as it says."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from scanner.domain.decision import Decision
from scanner.domain.facts import HostFacts, Kernel, Source, Stage, Workload
from scanner.domain.failure import Failure
from scanner.domain.image.offers import BuiltFrom
from scanner.domain.image.reference import Digest, digest_of
from scanner.domain.platform.platform import Platform, parse
from scanner.domain.report import Finding, HostReading, Report
from scanner.domain.report_json import SCHEMA
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.verdict import Evidence, Fix, NextPull, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")


def report_of(document: Any) -> Report:
    """The report that a document shows; of a host's facts only its kernel is kept.

    Raises:
        ValueError: it is no such document, or of another version, with where it differs.
    """
    top = _mapping(document, "the document")
    if top.get("schema") != SCHEMA:
        raise ValueError(f"schema is not {SCHEMA}")
    scan = _mapping(top.get("scan"), "scan")
    return Report(
        scan_id=_text(scan, "id", "scan"),
        started_at=_moment(scan, "started_at", "scan") or 0.0,
        finished_at=_moment(scan, "finished_at", "scan") or 0.0,
        hosts=tuple(_rows(top, "hosts", _host)),
        findings=tuple(_rows(top, "findings", finding_of)),
        complete=scan.get("complete") is not False,
    )


def decision_of(document: Any) -> Decision:
    """What a gate's answer decides.

    Raises:
        ValueError: it decides nothing.
    """
    return Decision(_text(_mapping(document, "the document"), "decision", "the document"))


def overridden_of(document: Any) -> frozenset[int]:
    """The places of a gate's findings that somebody answers for.

    Raises:
        ValueError: it is no such document, with where it differs.
    """
    rows = _rows(_mapping(document, "the document"), "findings", _mapping)
    return frozenset(at for at, row in enumerate(rows) if row.get("override"))


def finding_of(value: Any, where: str = "finding") -> Finding:
    """One judged workload.

    Raises:
        ValueError: it is not what it should be.
    """
    row = _mapping(value, where)
    workload = Workload(
        _text(row, "host", where),
        _text(row, "workload", where),
        Source(_text(row, "source", where)),
        Stage(_text(row, "stage", where)),
        _text(row, "image", where),
        pinned=_platform(row.get("pinned"), where),
        pinned_at=str(row.get("pinned_at") or ""),
    )
    offered = [_platform(one, where) for one in _list(row.get("offered"), f"{where}.offered")]
    verdict = Verdict(
        reason=Reason(_text(row, "reason", where)),
        detail=str(row.get("detail") or ""),
        evidence=tuple(
            Evidence(_text(one, "layer", where), _text(one, "says", where))
            for one in _list(row.get("evidence"), f"{where}.evidence")
        ),
        fix=_fix(row.get("fix"), where),
        offered=tuple(one for one in offered if one is not None),
        digest=_digest(row.get("digest"), where),
        next_pull=NextPull(row.get("next_pull") or ""),
        built_from=_built_from(row.get("built_from"), where),
    )
    return Finding(
        workload,
        verdict,
        _platform(row.get("host_platform"), where),
        _moment(row, "first_seen", where) or 0.0,
        _moment(row, "waived_until", where),
        team=str(row.get("team") or ""),
    )


def _host(value: Any, where: str) -> HostReading:
    row = _mapping(value, where)
    name = _text(row, "name", where)
    reading: HostFacts | Failure
    if row.get("status") == "failed":
        reading = Failure(Reason(_text(row, "reason", where)), str(row.get("detail") or ""))
    else:
        facts = row.get("facts")
        kernel = facts.get("kernel") if isinstance(facts, dict) else {}
        kernel = kernel if isinstance(kernel, dict) else {}
        system, machine = str(kernel.get("system") or ""), str(kernel.get("machine") or "")
        reading = HostFacts(name, Kernel(system, machine, platform=_platform(row.get("platform"), where)))
    labels = row.get("labels")
    return HostReading(
        name,
        reading,
        {str(key): str(text) for key, text in labels.items()} if isinstance(labels, dict) else {},
        _moment(row, "taken_at", where) or 0.0,
        _moment(row, "last_success_at", where),
        _fix(row["fix"], where) if row.get("fix") else None,
    )


def _rows(top: Mapping[str, Any], name: str, read: Callable[[Any, str], T]) -> list[T]:
    return [read(row, f"{name}[{number}]") for number, row in enumerate(_list(top.get(name), name))]


def _digest(value: Any, where: str) -> Digest | None:
    found = digest_of(str(value)) if value else None
    if value and found is None:
        raise ValueError(f"{where}.digest is no digest")
    return found


def _fix(value: Any, where: str) -> Fix:
    if value is None:
        return Fix()
    fix = _mapping(value, f"{where}.fix")
    return Fix(str(fix.get("summary") or ""), tuple(map(str, _list(fix.get("commands"), f"{where}.fix.commands"))))


def _built_from(value: Any, where: str) -> BuiltFrom | None:
    if value is None:
        return None
    said = _mapping(value, f"{where}.built_from")
    return BuiltFrom(str(said.get("repository") or ""), str(said.get("revision") or ""))


def _platform(value: Any, where: str) -> Platform | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError(f"{where}: a platform is a text")  # noqa: TRY004 -- a wrong document, not a wrong call
    return parse(value)


def _moment(row: Mapping[str, Any], name: str, where: str) -> float | None:
    value = row.get(name)
    if value is None:
        return None
    try:
        return datetime.fromisoformat(str(value)).timestamp()
    except ValueError:
        raise ValueError(f"{where}.{name} is no moment") from None


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{where} is no object")  # noqa: TRY004 -- a wrong document, not a wrong call
    return value


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{where} is no list")  # noqa: TRY004 -- a wrong document, not a wrong call
    return value


def _text(row: Any, name: str, where: str) -> str:
    value = _mapping(row, where).get(name)
    if not isinstance(value, str):
        raise ValueError(f"{where}.{name} is no text")  # noqa: TRY004 -- a wrong document, not a wrong call
    return value
