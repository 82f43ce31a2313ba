"""The surroundings of argv before anything is exec'd: user, directory, environment."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scanner.binary.layers.layers import NodeKind
from scanner.binary.layers.limits import LayerError
from scanner.binary.layers.unanswered import Unread
from scanner.binary.layers.view import Absence, Found
from scanner.binary.program import working_directory
from scanner.binary.program.execve import Run
from scanner.binary.program.image_files import ImageFiles, is_below, is_mounted
from scanner.binary.program.permission import Permissions, Wish
from scanner.binary.program.user import ProcessRights, ReadText, further_groups, identify
from scanner.domain.failure import Failure
from scanner.domain.image.offers import Objection, Program
from scanner.domain.verdict.condition import Condition
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.binary.layers.view import View
    from scanner.binary.program.argv import Command
    from scanner.binary.program.execve import Search

_ENGINE_FILES = ("/etc/hosts", "/etc/hostname", "/etc/resolv.conf")
"""Docker and Podman put files of their own over these."""

_RUN = "/run"
"""A tmpfs in containers of ctr."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Why no engine starts anything in them, and what only some engines object to."""

    problem: Failure | None = None
    objections: tuple[Objection, ...] = ()


def weigh(view: View, command: Command) -> Surroundings:
    """What the engines look at before they look for the program; raises what the view raises."""
    found = [*_environment(command), *_user(view, command)]
    if (directory := working_directory.weigh(view, command)) is not None:
        found.append(directory)
    if command.written.drops_entrypoint and command.argv:
        empty = Failure(Reason.ENTRYPOINT_MISSING, "the first word of its Entrypoint is empty")
        found.append(Objection(Condition.ENTRYPOINT_EMPTY_WORD, empty))
    found += _volumes_over_files(view, command)
    if any(posixpath.normpath(f"/{each}").strip("/") == "" for each in command.volumes):
        found.append(Failure(Reason.BINARY_UNKNOWN, "the image declares a volume at its root, over all that it holds"))
    if any(is_mounted(f"/{each.lstrip('/')}", ("/proc",)) for each in command.volumes):
        found.append(Failure(Reason.BINARY_UNKNOWN, "the image declares a volume below /proc, which runtimes refuse"))
    problem = next((each for each in found if isinstance(each, Failure)), None)
    return Surroundings(problem, tuple(each for each in found if isinstance(each, Objection)))


def after_start(search: Search, command: Command, run: Run) -> tuple[Run, tuple[Objection, ...]]:
    """The runtime's own start of argv[0] as the image's user may have it, with what only some engines object to."""
    objections = _by_path(search, command, run)
    if run.found is not None:
        path = run.found.path
        if is_below(path, _RUN) and not is_mounted(path, command.mounts):
            objections.append(Objection(Condition.BELOW_RUN, _missing(f"{path} is below /run", path)))
        if path in _ENGINE_FILES and not is_mounted(path, command.mounts):
            why = f"{path} is the engine's own file in every container, which has no execute bit"
            objections.append(
                Objection(Condition.ENGINE_FILE, Failure(Reason.ENTRYPOINT_NOT_EXECUTABLE, why, path=path))
            )
    if run.problem is not None:
        return run, tuple(objections)
    of_user = permissions(search.view, command)
    denial = of_user.of_start(run.files, run.named)
    problem = denial.later
    if denial.by_exec is not None and denial.by_exec.reason is not Reason.PERMISSION_DENIED:
        problem = problem or denial.by_exec
    elif denial.by_exec is not None:
        closed = of_user.refusal(posixpath.dirname(run.named) or "/", Wish.EXECUTE) is not None
        elsewhere = "/" not in command.argv[0] and _stands_elsewhere(search, command, run)
        if closed and elsewhere:
            why = f"{denial.by_exec.detail}; engines differ in whether they look further in PATH"
            return Run(problem=problem or Failure(Reason.BINARY_UNKNOWN, why)), tuple(objections)
        condition = Condition.EXEC_DENIED_ELSEWHERE if elsewhere else Condition.EXEC_DENIED
        objections.append(Objection(condition, denial.by_exec))
    return replace(run, problem=problem), tuple(objections)


def with_zero_byte(command: Command) -> Program:
    """What becomes of words with a zero byte, which runc refuses, while crun starts what stands before it."""
    why = "a word of its command holds a zero byte"
    refused = Objection(Condition.ARGV_WITH_NUL, Failure(Reason.ENTRYPOINT_MISSING, why))
    return Program(command.argv, problem=Failure(Reason.BINARY_UNKNOWN, why), objections=(refused,))


def permissions(view: View, command: Command, *, sure_of_groups: bool = True) -> Permissions:
    """Those of the command's user; of root where nobody told."""
    read = _text_of(view, command)
    return Permissions(view, command.user or "", read, command.mounts, sure_of_groups, command.privileges, command.cwd)


_OF_OWNERS = ("CHOWN", "FOWNER")
"""With these a process may do with anybody's file what an owner may."""


def denied(view: View, command: Command, wish: Wish, *, scripted: bool) -> Callable[[str], bool]:
    """Tells of an absolute path whether the command's user surely may not do this with what stands there.

    A script before it may have changed owners and modes (``scripted``), but nothing of a root that is read-only.
    """
    if command.read_only:
        return lambda _: True
    of_user = permissions(view, command)

    def asked(path: str) -> bool:
        if scripted or not command.user or (wish is Wish.OWN and any(map(command.privileges.has, _OF_OWNERS))):
            return False
        refused = of_user.refusal(path, wish)
        return refused is not None and refused.reason is Reason.PERMISSION_DENIED

    return asked


def closed(view: View, command: Command, path: str, user: str | None, *, scripted: bool) -> Failure | None:
    """Why the command's user may not read the script that a shell is given, or that nobody knows whether it may.

    ``user`` is the container's own, whose groups are known.
    """
    if scripted or not command.user:
        return None
    refused = permissions(view, command, sure_of_groups=command.user == user).refusal(path, Wish.READ)
    if refused is None or refused.reason not in {Reason.PERMISSION_DENIED, Reason.BINARY_UNKNOWN}:
        return None
    is_sure = refused.reason is Reason.PERMISSION_DENIED
    why = "its user may not" if is_sure else "whether its user may is not known"
    return Failure(refused.reason, f"{path}, which {command.argv[0]} is to read: {why}", path=path)


def who(view: View, command: Command) -> ProcessRights | Failure:
    """Who the command's user is, its groups only as far as it names one; root where nobody told."""
    return identify(command.user or "", _text_of(view, command), with_groups=False)


def _environment(command: Command) -> list[Failure | Objection]:
    found: list[Failure | Objection] = []
    if "" in command.env:
        found.append(_invalid("a variable without a name"))
    if any("\0" in name or "\0" in (value or "") for name, value in command.env.items()):
        found.append(Objection(Condition.ENV_WITH_NUL, _invalid("a variable with a zero byte")))
    for word in command.written.nameless_env:
        what = f"{word!r}, which has no '='" if word else "an empty word"
        condition = Condition.ENV_WITHOUT_EQUALS if word else Condition.ENV_EMPTY_WORD
        found.append(Objection(condition, _invalid(what)))
    return found


def _volumes_over_files(view: View, command: Command) -> list[Objection]:
    """Docker makes a directory of each volume in the image; one that a mount stands over anyway is none of its own."""
    for volume in command.volumes:
        found = view.lookup(volume) if not is_mounted(volume, command.mounts) else Absence.MISSING
        is_file = not isinstance(found, Absence) and found.node.kind is NodeKind.FILE
        if is_file or found is Absence.NOT_A_DIRECTORY:
            why = Failure(
                Reason.IMAGE_REFUSED,
                f"the image declares a volume at {volume}, where or above which it holds a file",
                path=volume,
            )
            return [Objection(Condition.VOLUME_OVER_FILE, why)]
    return []


def _user(view: View, command: Command) -> list[Failure | Objection]:
    spec = command.user
    if spec is None:
        return []
    odd = next((each for each in ("/etc/passwd", "/etc/group") if _is_no_file(view, command, each)), "")
    if odd:
        return [Failure(Reason.BINARY_UNKNOWN, f"{odd} is no file: some engines look there even for a number")]
    identity = who(view, command)
    found: list[Failure | Objection] = [identity] if isinstance(identity, Failure) else []
    further = further_groups(command.privileges.groups, _text_of(view, command))
    found += [further] if isinstance(further, Failure) else []
    if spec.count(":") > 1:
        why = Failure(Reason.USER_MISSING, f"its User {spec!r} has more than a user and a group")
        found.append(Objection(Condition.USER_OF_THREE_PARTS, why))
    return found


def _is_no_file(view: View, command: Command, path: str) -> bool:
    """Whether something else stands there, as far as layers were read: none is read for it alone."""
    try:
        found = Absence.MISSING if is_mounted(path, command.mounts) else view.lookup(path)
    except (Unread, LayerError):
        return False
    return isinstance(found, Found) and found.node.kind is not NodeKind.FILE


def _by_path(search: Search, command: Command, run: Run) -> list[Objection]:
    """What an engine says of a name that it looks up in a PATH that is empty, or that nobody set."""
    name = command.argv[0]
    if "/" in name:
        return []
    if command.env.get("PATH") == "":
        where = search.view.lookup(command.absolute(name))
        why = _missing(f"{name} is looked up in a PATH without any directory", "")
        return [] if isinstance(where, Absence) else [Objection(Condition.PATH_EMPTY, why)]
    if run.problem is not None and run.problem.setting == "PATH":
        return [Objection(Condition.PATH_RELATIVE, replace(run.problem, reason=Reason.ENTRYPOINT_MISSING))]
    if command.written.lacks_path:
        return [
            Objection(Condition.PATH_UNSET, _missing(f"the image sets variables, but no PATH to find {name} in", ""))
        ]
    return []


def _stands_elsewhere(search: Search, command: Command, run: Run) -> bool:
    """Whether a later directory of PATH holds a program of this name as well."""
    first = run.found.path if run.found is not None else ""
    for directory in command.path:
        found = search.view.lookup(command.absolute(f"{directory}/{command.argv[0]}"))
        if isinstance(found, Absence) or found.node.kind is not NodeKind.FILE:
            continue
        if found.path != first and found.node.executable:
            return True
    return False


def _text_of(view: View, command: Command) -> ReadText:
    """Reads the accounts of the image, of which a mount tells nothing."""
    files = ImageFiles.of(view, command)

    def read(path: str) -> str | Failure | None:
        if is_mounted(path, command.mounts):
            return Failure(Reason.BINARY_UNKNOWN, f"{path} is on a mount, so that its accounts are not the image's")
        if isinstance(view.lookup(path), Absence):
            return None
        text = files.text(path)
        if text is None:
            return Failure(Reason.BINARY_UNKNOWN, f"{path} of the image was not read")
        return text.decode("utf-8", "surrogateescape")

    return read


def _invalid(what: str) -> Failure:
    return Failure(Reason.ENVIRONMENT_INVALID, f"its environment holds {what}")


def _missing(why: str, path: str) -> Failure:
    return Failure(Reason.ENTRYPOINT_MISSING, why, path=path)
