"""Options that do nothing beside the others that were given, which are refused before the command runs."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from scanner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Rule:
    """When the options ``idle`` do nothing: beside ``beside`` (of one of ``values``, where they matter), or without any ``needs``.

    ``unless`` keeps the first from holding. ``because`` stands behind the option that is beside.
    """

    idle: tuple[str, ...]
    beside: str = ""
    needs: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    unless: str = ""
    because: str = ""


_READS = ("--config", "--log.format", "--log.level")
_ASKED = (
    Rule(("--token-file",), needs=("--server",)),
    Rule(_READS, beside="--server", because=" (or ARCHSCAN_SERVER): a running archscan has a configuration of its own"),
)
_SILENT = ", which writes nothing: add --output FILE"
_TROUBLE = Rule(
    ("--all",), beside="--format", values=("sarif", "markdown", "html"), because=", which tells of trouble alone"
)

RULES: Mapping[str, tuple[Rule, ...]] = MappingProxyType(
    {
        "scan": (
            *_ASKED,
            Rule(("--format", "--all"), beside="--quiet", unless="--output", because=_SILENT),
            _TROUBLE,
            Rule(("--every",), needs=("--watch",)),
            Rule(
                ("--format", "--output", "--all", "--quiet", "--fail-on"),
                beside="--watch",
                because=", which shows what changes, as a table, until Ctrl-C",
            ),
            *(
                Rule(("--all",), beside=one, because=", which shows what is other alone")
                for one in ("--diff", "--against")
            ),
        ),
        "check": (
            *_ASKED,
            Rule(("--format",), beside="--quiet", unless="--output", because=_SILENT),
            Rule(("--format", "--output", "--quiet"), beside="--pin", because=", which prints digests alone"),
        ),
        "why": _ASKED,
        "image": _ASKED,
        "readiness": _ASKED,
        "findings": (
            _TROUBLE,
            Rule(("--all",), beside="--status", because=", which shows that status alone"),
        ),
        "top": (Rule(("--every",), beside="--once"),),
        "authorized-key": (Rule(("--path",), beside="--bastion", because=", where the key runs nothing"),),
        "trust": (Rule(("--yes",), beside="--fingerprint", because=", which asks nothing either"),),
        "demo": (
            Rule(("--port",), beside="--once", because=", which serves nothing"),
            Rule(("--format", "--fail-on"), needs=("--once",)),
        ),
        "trail show": (
            *_ASKED,
            Rule(("--last", "--event"), beside="--checkpoint", because=", which shows the newest head alone"),
        ),
        "trail verify": (
            Rule(
                ("--since", "--against-prometheus", "--days"),
                beside="--proof",
                because=", which is verified without any store",
            ),
            Rule(("--days",), needs=("--against-prometheus",)),
        ),
        "rollback": (
            Rule(("--to", "--dry-run"), beside="--confirm", because=", which carries out a plan as it was made"),
            Rule(("--server", "--token-file"), beside="--dry-run", because=", which asks no service"),
            Rule(("--accept-cautions",), needs=("--confirm",)),
        ),
        "rollback-script": (
            Rule(("--sudoers",), beside="--prepare", because=", whose script holds the sudo rule"),
            Rule(("--from",), needs=("--prepare",)),
            Rule(("--user", "--path"), needs=("--sudoers", "--prepare")),
        ),
        "probe-script": (Rule(("--user", "--path"), needs=("--sudoers",)),),
        "inventory": (
            Rule(("--format",), beside="--check", because=", which prints a table: take archscan scan --format json"),
        ),
    }
)
"""For each command, by its words."""


def refuse(context: Any) -> None:
    """Refuse what was typed for nothing; what stands in a variable or by default was not typed.

    Raises:
        UsageError: an option would do nothing.
    """
    name = " ".join(context.command_path.split()[1:])
    found = _options(context)
    typed = _typed(context)
    for rule in RULES.get(name, ()):
        idle = [option for option in rule.idle if option in typed]
        if idle and (said := _holds(rule, context, found)):
            raise UsageError(f"{idle[0]} does nothing {said}; see archscan {name} --help")


def refuse_all_but(context: Any, taken: str, instead: str) -> None:
    """Refuse every option but the one that ``instead`` takes.

    Raises:
        UsageError: another one was typed.
    """
    for option in _typed(context):
        if option.startswith("--") and _options(context)[option] != _options(context)[taken]:
            raise UsageError(f"{option} does nothing for {instead}: leave it out")


def _options(context: Any) -> dict[str, str]:
    """The name of what each option sets."""
    return {option: param.name for param in context.command.params for option in param.opts}


def _typed(context: Any) -> list[str]:
    return [option for option, param in _options(context).items() if _came_from(context, param) == "COMMANDLINE"]


def _holds(rule: Rule, context: Any, found: Mapping[str, str]) -> str:
    """The words for a rule that holds; none where it does not."""

    def is_given(option: str) -> bool:
        return bool(context.params.get(found[option])) and _came_from(context, found[option]) != "DEFAULT"

    if rule.needs:
        return "" if any(map(is_given, rule.needs)) else f"without {' or '.join(rule.needs)}: add it, or leave this out"
    if not is_given(rule.beside) or (rule.unless and is_given(rule.unless)):
        return ""
    value = str(context.params[found[rule.beside]])
    if rule.values and value not in rule.values:
        return ""
    return f"beside {rule.beside}{f' {value}' if rule.values else ''}{rule.because or ': leave one of them out'}"


def _came_from(context: Any, param: str) -> str:
    """COMMANDLINE, ENVIRONMENT or DEFAULT, as Click calls where a value came from."""
    source = context.get_parameter_source(param)
    return source.name if source else "DEFAULT"
