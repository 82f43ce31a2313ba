"""Variables in text, put in place as ``docker stack`` puts them: an older grammar than Compose's.

``$X``, ``${X}``, ``$$`` for a dollar, and with or without braces ``X:-y``, ``X-y``, ``X:?y``, ``X?y``, where ``y`` goes on
to the next closing brace: ``$TAG-alpine`` is a variable with a default. A dollar before anything else is refused.
"""

from __future__ import annotations

import re

from scanner.formats.variables.interpolation import MAX_CHARS, SET_BY_LOGINS, InterpolationError, RequiredError, Value

_VARIABLE = r"[_a-z][_a-z0-9]*(?::?[-?][^}]*)?"
_FORM = re.compile(rf"\$(?:(\$)|({_VARIABLE})|\{{({_VARIABLE})\}}|)", re.ASCII | re.IGNORECASE)
_DEFAULTS = (":-", "-")
_DEMANDS = (":?", "?")


def substitute(text: str, missing: str = "") -> Value:
    """The text with its variables put in place, none of which is known here: whoever deploys has set them, or nobody.

    ``missing`` stands for what rests on those without a default.

    Raises:
        InterpolationError: a form that Docker refuses, or a bound is reached.
        RequiredError: a variable must be set.
    """
    parts: list[str] = []
    unset: dict[str, None] = {}
    at = length = 0
    for form in _FORM.finditer(text):
        escaped, named, braced = form.groups()
        if not (escaped or named or braced):
            raise InterpolationError(f"a dollar that Docker does not take: {text[form.start() : form.start() + 30]!r}")
        put = escaped or _default(named or braced, missing, unset)
        parts += (text[at : form.start()], put)
        at = form.end()
        length += len(put)
        if length > MAX_CHARS:
            raise InterpolationError(f"variables that stand for more than {MAX_CHARS} characters")
    return Value("".join((*parts, text[at:])), tuple(unset))


def _default(variable: str, missing: str, unset: dict[str, None]) -> str:
    """What stands for a variable that nothing sets: signs are looked for in this order, wherever they stand."""
    for sign in _DEFAULTS:
        name, found, default = variable.partition(sign)
        if found and name in SET_BY_LOGINS:
            unset[name] = None
            return missing
        if found:
            return default
    for sign in _DEMANDS:
        name, found, told = variable.partition(sign)
        if found and missing:
            return missing
        if found:
            raise RequiredError(f"the variable {name} must be set: {told[:100]}")
    unset[variable] = None
    return missing
