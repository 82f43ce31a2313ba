"""The words that a container will exec, before its image is opened."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from scanner.domain.facts import Privileges
from scanner.formats.shell import unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.domain.facts import Process

RUNC_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""What the engines put into the environment of an image that sets no PATH (moby's oci.DefaultPathEnv)."""

DEFAULT_PATH = "/bin:/usr/bin"
"""Where execvp(3) of glibc looks where PATH is unset; musl looks in /usr/local/bin before."""

MAX_WORDS = 4096
"""Words of one command that are looked at; ARG_MAX would allow more, no wrapper's own options are that many."""

MAX_PATH_DIRECTORIES = 64
"""Directories of PATH that are searched; a longer PATH is cut by nobody, so beyond it the answer is unknown."""

UNKNOWN = unknown.UNKNOWN
"""Stands in a word for text that nobody knows before the program runs."""

UNKNOWN_WORDS = "\0*"
"""Stands for any number of words that nobody knows, none included."""


class UnsplitWords(str):
    """The same, with what they are in ``one`` where unknown text in them turns out to hold no blanks."""

    __slots__ = ("one",)
    __hash__ = str.__hash__
    one: str

    def __eq__(self, other: object) -> bool:
        """Any such words are ``UNKNOWN_WORDS``; two that are another text are not each other."""
        return str.__eq__(self, other) and (not isinstance(other, UnsplitWords) or self.one == other.one)

    def __ne__(self, other: object) -> bool:
        """Spelt out, for a text has its own."""
        return not self == other

    @classmethod
    def of(cls, text: str) -> UnsplitWords:
        """``UNKNOWN_WORDS`` that are ``text`` where nothing splits it."""
        made = cls(UNKNOWN_WORDS)
        made.one = text.replace(UNKNOWN_WORDS, UNKNOWN)
        return made


def unsplit(word: str) -> str:
    """What a word is, as far as that is known, where unknown text in it holds no blanks."""
    return word.one if isinstance(word, UnsplitWords) else word.replace(UNKNOWN_WORDS, UNKNOWN)


@dataclass(frozen=True, slots=True)
class Written:
    """What the image, with what stands beside it, says word for word where engines differ in how they take it.

    ``working_dir`` is empty for none; ``overrides_working_dir`` tells that the image says another. ``nameless_env``
    are words of Env without ``=``. ``drops_entrypoint`` tells that the image's Entrypoint is one empty word,
    ``lacks_path`` that it sets variables, but no PATH.
    """

    working_dir: str = ""
    overrides_working_dir: bool = False
    nameless_env: tuple[str, ...] = ()
    drops_entrypoint: bool = False
    lacks_path: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """What is exec'd and where names are looked up: argv, the directories of PATH, the working directory.

    A word of ``argv`` may hold ``UNKNOWN`` or be ``UNKNOWN_WORDS``. ``login`` tells that a login shell stands in between, which sets a PATH of its own. ``env`` are the variables that
    are set, ``None`` for a value that nobody knows before the program runs; what is not in it is unset where
    ``env_known``, else not known. ``path`` is always what ``env`` makes of PATH (see ``with_variable``). ``user`` is
    ``USER[:GROUP]`` as written, empty for root, ``None`` where it is not known. ``mounts`` are the paths over which
    something else than the image stands, ``volumes`` those over which the engine mounts a volume of its own accord,
    filled with what the image holds there. ``init`` tells that an init of the engine's execs it.
    ``input`` is what it is given to read, ``None`` where that is not known, empty where it is given nothing.
    ``privileges`` are those beside its user's. ``read_only`` tells that nothing can be written but on mounts and volumes,
    ``is_renamed`` that a launcher before it has the kernel call the machine otherwise.
    """

    argv: tuple[str, ...]
    path: tuple[str, ...] = ()
    cwd: str = "/"
    login: bool = False
    env: Mapping[str, str | None] = field(default_factory=lambda: MappingProxyType({}))
    env_known: bool = False
    user: str | None = None
    mounts: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    init: bool = False
    input: str | None = ""
    written: Written = field(default_factory=Written)
    privileges: Privileges = field(default_factory=Privileges)
    read_only: bool = False
    is_renamed: bool = False

    @property
    def identity(self) -> object:
        """All that counts of it, where it is to be told from others."""
        variables = frozenset(self.env.items())
        return self.argv, self.path, self.cwd, self.user, self.input, variables, self.is_renamed

    def with_variable(self, name: str, value: str | None) -> Command:
        """The same command with one variable set; PATH changes where names are looked up."""
        changed = replace(self, env=MappingProxyType({**self.env, name: value}))
        return replace(changed, path=split_path(value or "")) if name == "PATH" else changed

    def without_variable(self, name: str) -> Command:
        """The same command with one variable unset; without PATH programs look in the C library's own, some shells make a HOME."""
        if name == "HOME":
            return self.with_variable(name, None)
        left = MappingProxyType({key: value for key, value in self.env.items() if key != name})
        changed = replace(self, env=left)
        return replace(changed, path=split_path(DEFAULT_PATH)) if name == "PATH" else changed

    def absolute(self, name: str) -> str:
        """A name with a slash as the kernel sees it: from the root, or from the working directory."""
        return name if name.startswith("/") else f"{self.cwd.rstrip('/')}/{name}"


def resolve(image: Process | None, override: Process | None) -> Command:
    """Entrypoint and Cmd as the engines merge what the image says with what the container says beside it.

    An entrypoint beside the image drops the image's Cmd (moby's runconfig.Merge, the Kubernetes table of command and
    args); an empty one keeps it and only drops the Entrypoint; ``[""]``, as ``--entrypoint ""`` sends it, drops both.
    """
    argv = _argv(image, override)
    said = [process for process in (override, image) if process is not None]
    path = next((process.path for process in said if process.path is not None), RUNC_PATH)
    cwd = next((process.working_dir for process in said if process.working_dir), "")
    directory = _cleaned(cwd)
    user = next((process.user for process in said if process.user is not None), None)
    env = MappingProxyType({**_environment(image), **_environment(override), "PATH": path})
    return Command(
        argv,
        split_path(path),
        directory,
        env=env,
        env_known=_says_env(image),
        user=user,
        mounts=tuple(sorted(_volumes(override))),
        volumes=tuple(sorted(_volumes(image))),
        init=any(process.init for process in said),
        written=_written(image, override, cwd),
        privileges=override.privileges if override is not None else Privileges(),
        read_only=override is not None and override.read_only is True,
        input=override.input if override is not None and override.is_fed else "",
    )


def _written(image: Process | None, override: Process | None, cwd: str) -> Written:
    entrypoint = override.entrypoint if override is not None and override.entrypoint is not None else None
    return Written(
        cwd,
        _overrides_working_dir(image, override),
        image.nameless_env if image is not None else (),
        image is not None and image.entrypoint == ("",) and entrypoint is None,
        image is not None and bool(image.env) and image.path is None and (override is None or override.path is None),
    )


def _cleaned(directory: str) -> str:
    """As engines clean it: by its words alone, wherever its links lead."""
    return posixpath.normpath("/" + directory.lstrip("/"))


def _overrides_working_dir(image: Process | None, override: Process | None) -> bool:
    said = override.working_dir if override is not None else None
    return image is not None and bool(said) and _cleaned(said or "") != _cleaned(image.working_dir or "")


def _volumes(process: Process | None) -> tuple[str, ...]:
    return (process.volumes or ()) if process is not None else ()


def _says_env(image: Process | None) -> bool:
    """Whether what is not set is known to be unset: a config that was read tells all of its variables."""
    return image is not None and image.env is not None


def _environment(process: Process | None) -> dict[str, str | None]:
    return dict(process.env or ()) if process is not None else {}


def _argv(image: Process | None, override: Process | None) -> tuple[str, ...]:
    entrypoint, cmd = (image.entrypoint, image.cmd) if image else (None, None)
    entrypoint = () if entrypoint == ("",) else entrypoint
    if override is None:
        return ((entrypoint or ()) + (cmd or ()))[:MAX_WORDS]
    if override.entrypoint is not None:
        cmd = None if override.entrypoint else cmd
        entrypoint = () if override.entrypoint == ("",) else override.entrypoint
    if override.cmd is not None:
        cmd = override.cmd
    return ((entrypoint or ()) + (cmd or ()))[:MAX_WORDS]


def split_path(path: str) -> tuple[str, ...]:
    """The directories of a PATH; an empty one is the working directory (POSIX 8.3)."""
    return tuple(part or "." for part in path.split(":"))
