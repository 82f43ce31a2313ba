"""Which files make one unit: its own, chosen by where it lies, with the drop-ins over it in their order."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

MAX_DASHES = 20
"""Prefixes of a unit's name that drop-ins may be for; a name of 255 characters with more parts is nobody's."""

_SYSTEM = (
    "/etc/systemd/system.control", "/run/systemd/system.control", "/run/systemd/transient",
    "/etc/systemd/system", "/etc/systemd/system.attached", "/run/systemd/system", "/run/systemd/system.attached",
    "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system",
)  # fmt: skip
"""Where the system's manager looks, the strongest first (systemd.unit(5)); what generators write is made of other files."""

_USER_OWN = (
    "/.config/systemd/user.control", "/.config/systemd/user", "/.local/share/systemd/user",
)  # fmt: skip
_USER_SHARED = (
    "/etc/xdg/systemd/user", "/etc/systemd/user", "/run/systemd/user", "/usr/local/share/systemd/user",
    "/usr/share/systemd/user", "/usr/local/lib/systemd/user", "/usr/lib/systemd/user", "/lib/systemd/user",
)  # fmt: skip

_LINKS = (".wants", ".requires", ".upholds")
"""Directories of links to units that something starts, instances of templates among them."""

_QUADLET_SYSTEM = ("/run/containers/systemd", "/etc/containers/systemd", "/usr/share/containers/systemd")
_QUADLET_OWN = ("/.config/containers/systemd",)
_QUADLET_USERS = "/etc/containers/systemd/users"


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit as its manager puts it together.

    ``paths`` are its files in the order in which they are read: the unit's own, ``path``, then its drop-ins. ``home``
    is that of the user whose manager runs it, where it is known; ``scope`` tells units of one name apart.
    """

    name: str
    path: str
    paths: tuple[str, ...]
    scope: str = ""
    home: str = ""
    is_user: bool = False

    @property
    def is_only_offered(self) -> bool:
        """Whether it is a template that the distribution brings along: it starts nothing until somebody names an instance."""
        vendor = ("/usr/lib/systemd/", "/lib/systemd/", "/usr/share/")
        return "@." in self.name and any(place in f"/{self.path.lstrip('/')}" for place in vendor)

    @property
    def owner(self) -> str:
        """The user whose manager runs it, empty for the system's, or where the home does not tell the name."""
        parent, name = posixpath.split(self.home)
        return "root" if name == "root" and parent.endswith("/") else name if parent.endswith("/home") else ""

    @property
    def root(self) -> str:
        """The folder that stands for the host's root, empty where it is the root itself, or not known."""
        if "!" not in self.scope:
            return "" if self.path.startswith("/") else self.path.partition("/")[0]
        return "" if self.home else self.scope.partition("!")[0]


@dataclass(slots=True)
class _Scope:
    """One manager's view: its directories, the strongest first, each with what lies in it by name."""

    name: str
    home: str = ""
    is_user: bool = False
    wanted: set[str] = field(default_factory=set)
    directories: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    drop_ins: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    order: dict[str, tuple[int, str]] = field(default_factory=dict)

    def add(self, directory: str, path: str, rank: int) -> None:
        parent, name = posixpath.split(path)
        self.order[directory] = (rank, directory)
        if parent.endswith(".d"):
            self.drop_ins[parent][name] = path
        elif parent.endswith(_LINKS):
            self.wanted.add(name)
        else:
            self.directories[directory][name] = path

    def ordered(self) -> list[str]:
        return sorted(self.order, key=self.order.__getitem__)


def services(texts: Mapping[str, bytes]) -> Iterator[Unit]:
    """The services among some files: each with its file and the drop-ins that systemd lays over it.

    Directories that are none of systemd's are one manager's each: a folder of a repository may hold a host's units.
    """
    seen = (path for path in texts if not posixpath.basename(path).startswith("."))  # systemd lists no hidden files
    scopes = _scopes(seen, (".service",), _service_places)
    for scope in scopes.values():
        yield from _service_units(scope, texts)


def quadlets(texts: Mapping[str, bytes], suffixes: tuple[str, ...]) -> Iterator[Unit]:
    """The quadlets among some files, each with the drop-ins that Podman's generator lays over it."""
    scopes = _scopes(texts, suffixes, _quadlet_places)
    for scope in scopes.values():
        directories = scope.ordered()
        seen: set[str] = set()
        for directory in directories:
            for name, path in sorted(scope.directories[directory].items()):
                if name not in seen:
                    seen.add(name)
                    names = reversed(_quadlet_drop_ins(name))
                    over = _by_name(scope, [posixpath.join(place, each) for each in names for place in directories])
                    yield Unit(name, path, (path, *over), scope.name, scope.home, scope.is_user)


def _scopes(
    texts: Iterable[str], suffixes: tuple[str, ...], places: Callable[[str], list[tuple[str, str, bool, int]]]
) -> dict[str, _Scope]:
    found: dict[str, _Scope] = {}
    for path in sorted(texts):
        directory, name = posixpath.split(path)
        if directory.endswith(".d"):
            over = posixpath.basename(directory).removesuffix(".d")
            if not name.endswith(".conf") or not f".{over}".endswith(suffixes):
                continue
            directory = posixpath.dirname(directory)
        elif not name.endswith(suffixes):
            continue
        elif directory.endswith(_LINKS):
            directory = posixpath.dirname(directory)
        for scope, home, is_user, rank in places(directory):
            found.setdefault(scope, _Scope(scope, home, is_user)).add(directory, path, rank)
    return found


def _service_places(directory: str) -> list[tuple[str, str, bool, int]]:
    """Whose a directory is, as scope, home, whether of a user, rank."""
    rooted = f"/{directory.lstrip('/')}"
    for rank, known in enumerate(_SYSTEM):
        if rooted.endswith(known):
            return [(f"{rooted.removesuffix(known)}!system", "", False, rank)]
    for rank, known in enumerate(_USER_SHARED, len(_USER_OWN)):
        if rooted.endswith(known):
            return [(f"{rooted.removesuffix(known)}!user", "", True, rank)]
    for rank, known in enumerate(_USER_OWN):
        if rooted.endswith(known):
            home = rooted.removesuffix(known)
            return [(f"{home}!user of {home}", home, True, rank)]
    return [(rooted, "", False, 0)]


def _quadlet_places(directory: str) -> list[tuple[str, str, bool, int]]:
    rooted = f"/{directory.lstrip('/')}/"
    if f"{_QUADLET_USERS}/" in rooted:
        root, _, rest = rooted.partition(f"{_QUADLET_USERS}/")
        return [(f"{root}!users/{rest.partition('/')[0]}", "", True, 0)]
    for rank, known in enumerate(_QUADLET_OWN):
        if f"{known}/" in rooted:
            home = rooted.partition(f"{known}/")[0]
            return [(f"{home}!user of {home}", home, True, rank)]
    for rank, known in enumerate(_QUADLET_SYSTEM):
        if f"{known}/" in rooted:
            return [(f"{rooted.partition(f'{known}/')[0]}!system", "", False, rank)]
    return [(rooted, "", False, 0)]


# ---------------------------------------------------------------- systemd's drop-ins


def _service_units(scope: _Scope, texts: Mapping[str, bytes]) -> Iterator[Unit]:
    directories = scope.ordered()
    files: dict[str, str] = {}
    for directory in directories:
        for name, path in scope.directories[directory].items():
            files.setdefault(name, path)
    wanted = (name for name in scope.wanted if _template(name) in files)
    known = {*files, *_named_by_drop_ins(scope), *wanted}
    stood_for = {_template(name) for name in known if _template(name) != name}  # by their instances
    for name in sorted(known - stood_for):
        path = files.get(name) or files.get(_template(name), "")
        if path and not texts[path].strip():
            continue  # an empty file masks its namesakes
        names = _service_drop_ins(name)
        dirs = [posixpath.join(place, f"{each}.d") for place in directories for each in names]
        over = _by_name(scope, [*dirs, *(posixpath.join(place, "service.d") for place in directories)])
        paths = (path, *over) if path else tuple(over)
        if paths:
            yield Unit(name, paths[0], paths, scope.name, scope.home, scope.is_user)


def _named_by_drop_ins(scope: _Scope) -> Iterator[str]:
    """Units that drop-ins are for: instances of templates, services that generators make."""
    for parent in scope.drop_ins:
        name = posixpath.basename(parent).removesuffix(".d")
        if name != "service" and not name.endswith(("-.service", "@.service")) and not name.startswith("@"):
            yield name


def _template(name: str) -> str:
    stem, dot, suffix = name.rpartition(".")
    return f"{stem.partition('@')[0]}@{dot}{suffix}" if "@" in stem else name


def _service_drop_ins(name: str) -> list[str]:
    """Names whose drop-ins are for a service: its own, its template's, then those of its prefixes up to a dash."""
    found: list[str] = []
    for each in _prefixes(name):
        for one in (each, _template(each)):
            if one not in found:
                found.append(one)
    return found


def _prefixes(name: str) -> Iterator[str]:
    yield name
    stem, dot, suffix = name.rpartition(".")
    prefix, at, instance = stem.partition("@")
    parts = prefix.split("-")
    if len(parts) > MAX_DASHES:
        return
    for count in range(len(parts) - 1, 0, -1):
        shorter = "-".join(parts[:count])
        if shorter and f"{shorter}-" != prefix:
            yield f"{shorter}-{at}{instance}{dot}{suffix}"
            if at:
                yield f"{shorter}-{dot}{suffix}"


def _by_name(scope: _Scope, directories: Iterable[str]) -> list[str]:
    """Drop-ins of several directories in the order of their names, of namesakes the first."""
    chosen: dict[str, str] = {}
    for directory in directories:
        for name, path in scope.drop_ins.get(directory, {}).items():
            chosen.setdefault(name, path)
    return [chosen[name] for name in sorted(chosen)]


# ---------------------------------------------------------------- quadlets' drop-ins


def _quadlet_drop_ins(name: str) -> list[str]:
    """Directories of drop-ins for a quadlet, the broadest first (its GetUnitDropinPaths)."""
    stem, suffix = posixpath.splitext(name)
    prefix, at, instance = stem.partition("@")
    found = [f"{suffix[1:]}.d"]
    parts = prefix.split("-")
    for count in range(1, min(len(parts), MAX_DASHES)):
        shorter = "-".join(parts[:count]) + "-"
        found += [f"{shorter}{suffix}.d", *([f"{shorter}@{suffix}.d"] if at else [])]
    if instance:
        found.append(f"{prefix}@{suffix}.d")
    return [*found, f"{name}.d"]
