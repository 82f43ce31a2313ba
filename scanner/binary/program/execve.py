"""The files that the kernel opens one after the other for one execve, or where they end too early."""

from __future__ import annotations

import contextlib
import posixpath
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scanner.binary.layers.layers import NodeKind
from scanner.binary.layers.unanswered import Unread
from scanner.binary.layers.view import Absence, Found
from scanner.binary.program import script
from scanner.binary.program.argv import MAX_PATH_DIRECTORIES, UNKNOWN, Command
from scanner.binary.program.elf import elf
from scanner.binary.program.image_files import is_mounted
from scanner.binary.program.injected import is_injected
from scanner.binary.program.launch import launchers
from scanner.binary.program.libraries import libraries
from scanner.domain.failure import Failure
from scanner.domain.image.offers import Elf, Executable
from scanner.domain.platform.elf_machine import goarch_of
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from scanner.binary.layers.view import View
    from scanner.binary.program.content import Content

_RUN_TIME_DIRECTORIES = ("/proc", "/sys", "/dev", "/etc/mtab")
"""What every engine mounts over, and where Docker puts a link of its own."""

_THERE_AT_RUN_TIME = ("/proc/self/", "/proc/thread-self/", "/proc/1/", "/dev/fd", "/dev/std", "/etc/mtab")
"""Links to open files: what a process has open may be executable; the last is not every engine's."""

_CARRIAGE_RETURN = "\r"
_WORDS = re.compile(r"[ ,:]+")
"""How glibc parts what LD_DEBUG holds (process_dl_debug of elf/rtld.c)."""
_READS_OPTIONS_STRICTLY = frozenset({
    "sh", "ash", "dash", "bash", "ksh", "mksh", "zsh", "env", "python", "python2", "python3", "busybox",
})  # fmt: skip

_RUN_BY_A_SHELL_INSTEAD = frozenset({
    Reason.NO_SHEBANG, Reason.BOM_SHEBANG, Reason.UTF16_SHEBANG, Reason.ENTRYPOINT_EMPTY,
})  # fmt: skip
"""What execvp(3) hands to /bin/sh when execve refuses it; runc's execve does not."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one execve opens; ``first`` is the content of the file that was ``named``, ``found`` where that stands."""

    files: tuple[Executable, ...] = ()
    problem: Failure | None = None
    first: Content | None = None
    found: Found | None = None
    named: str = ""

    def then(self, further: Run) -> Run:
        """The same start with what it opens next."""
        return replace(self, files=self.files + further.files, problem=further.problem)


@dataclass(frozen=True, slots=True)
class Search:
    """One walk over one view."""

    view: View

    def start(self, command: Command, role: str) -> Run:
        """Find ``argv[0]`` as runc does, then follow it as the kernel does."""
        name = command.argv[0]
        found = self._named(name, command, by_runtime=role == "entrypoint")
        if isinstance(found, Failure):
            return Run(problem=found)
        run = self._execute(found, name, command, role)
        return replace(run, found=found, named=self._spelt(name, command, found))

    def _spelt(self, name: str, command: Command, found: Found) -> str:
        """The path that execve gets: as it was named, or as PATH's directory holds it, which may be a link."""
        if "/" in name:
            return name
        for directory in command.path:
            path = command.absolute(f"{directory.rstrip('/')}/{name}")
            with contextlib.suppress(Unread):  # what was passed over then is passed over now
                there = self.view.lookup(path)
                if isinstance(there, Found) and there.path == found.path:
                    return path
        return found.path

    def named(self, command: Command) -> Found | Failure:
        """Where ``argv[0]`` leads, by the kernel's rules or PATH."""
        return self._named(command.argv[0], command)

    def _named(self, name: str, command: Command, *, by_runtime: bool = False) -> Found | Failure:
        if UNKNOWN in command.cwd and any(each[:1] != "/" for each in ((name,) if "/" in name else command.path)):
            why = f"{name} is looked for in a directory that is known at run time only"
            return Failure(Reason.BINARY_UNKNOWN, why)
        if "/" in name:
            path = self._absolute(name, command)
            found = self.view.lookup(path)
            covered = self._not_the_images(found, path, command, by_runtime=by_runtime)
            return covered or self._refused(found, path, "entrypoint") or _as_found(found)
        return self._in_path(name, command, by_runtime=by_runtime)

    def _absolute(self, name: str, command: Command) -> str:
        """A name as the kernel sees it; engines make a working directory that is not there before they start."""
        path = command.absolute(name)
        if name.startswith("/") or ".." not in name.split("/"):
            return path
        return posixpath.normpath(path) if self.view.lookup(command.cwd) is Absence.MISSING else path

    def _in_path(self, name: str, command: Command, *, by_runtime: bool) -> Found | Failure:
        """Search PATH: the first directory that holds an executable file of this name."""
        if len(command.path) > MAX_PATH_DIRECTORIES:
            return Failure(Reason.BINARY_UNKNOWN, f"PATH has more than {MAX_PATH_DIRECTORIES} directories")
        unread: Unread | None = None
        refused: Failure | None = None
        for directory in command.path:
            path = command.absolute(f"{directory}/{name}")
            try:
                found = self.view.lookup(path)
            except Unread as question:
                unread = unread or question
                continue
            covered = self._not_the_images(found, path, command, by_runtime=by_runtime)
            hidden = covered is not None and covered.reason is Reason.ENTRYPOINT_MISSING
            if covered is not None and unread is None and not hidden:
                return covered
            problem = covered if hidden else _openable(found, path, "entrypoint")
            if problem is None and (unread is None or self.view.passes_over(unread, _as_found(found))):
                return _relative(path, directory) if by_runtime and directory[:1] != "/" else _as_found(found)
            if problem is None:
                break
            if problem.reason is not Reason.ENTRYPOINT_MISSING:
                refused = refused or problem
        if unread is not None:
            raise unread
        if refused is None and is_injected(name):
            return _injected(name)
        directories = ":".join(command.path)
        return refused or Failure(Reason.ENTRYPOINT_MISSING, f"{name} is in no directory of PATH={directories}")

    def _execute(self, found: Found, name: str, command: Command, role: str) -> Run:
        """The kernel's rounds: scripts are replaced by their interpreters until a binary is reached."""
        run = Run()
        for _ in range(script.MAX_NESTING + 1):
            content = self.view.content(found)
            if content is None:
                unknown = Failure(Reason.BINARY_UNKNOWN, f"{found.path} was not read")
                return replace(run, problem=unknown)
            shebang = str(content.shebang) if content.shebang else ""
            step = Executable(found.path, role, content.kind, content.elf, shebang)
            problem = _about(content.problem, found.path, name)
            run = replace(run, files=(*run.files, step), problem=problem, first=run.first or content)
            if run.problem is not None:
                return run
            if content.elf is not None:
                return run.then(self._loader(content, content.elf, command, found.path))
            interpreter = self._interpreter(content, command, found.path)
            if isinstance(interpreter, Run):
                return run.then(interpreter)
            found, role = interpreter, "interpreter"
            after_env = self._after_env(content, command, found)
            if after_env is not None:
                return run.then(after_env)
            name = found.path
        return replace(
            run, problem=Failure(Reason.SHEBANG_TOO_DEEP, f"more than {script.MAX_NESTING} scripts in a row")
        )

    def _interpreter(self, content: Content, command: Command, path: str) -> Found | Run:
        shebang = content.shebang
        assert shebang is not None  # noqa: S101 - a script without problem has one
        wanted = self._absolute(shebang.interpreter, command)
        if not shebang.interpreter:
            return Run(problem=Failure(Reason.INTERPRETER_MISSING, f"{path}: the path after #! is empty"))
        found = self.view.lookup(wanted)
        problem = self._not_the_images(found, wanted, command) or self._refused(found, wanted, "interpreter")
        if problem is not None and shebang.interpreter.endswith(_CARRIAGE_RETURN) and isinstance(found, Absence):
            return Run(problem=_crlf(path, shebang.interpreter))
        if problem is not None:
            return Run(problem=replace(problem, detail=f"{path}: {problem.detail}"))
        name = shebang.interpreter.rpartition("/")[2]
        if shebang.argument.endswith(_CARRIAGE_RETURN) and name in _READS_OPTIONS_STRICTLY:
            return Run(problem=_crlf(path, shebang.argument))
        return _as_found(found)

    def _after_env(self, content: Content, command: Command, env: Found) -> Run | None:
        """``#!/usr/bin/env X``: env itself, then what it finds in PATH."""
        shebang = content.shebang
        if shebang is None or shebang.interpreter.rpartition("/")[2] != "env" or not shebang.argument:
            return None
        run = self._execute(env, shebang.interpreter, command, "interpreter")
        if run.problem is not None:
            return run
        said = replace(command, argv=(shebang.interpreter, shebang.argument))
        launch = launchers.launched(said, self.view.content(env) or content, env.path)
        if not isinstance(launch, launchers.Launched):
            return run
        following = launch.command
        found = self._named(following.argv[0], following)
        if isinstance(found, Failure):
            if found.reason is not Reason.ENTRYPOINT_MISSING:
                return run.then(Run(problem=_of_interpreter(found)))
            words = f"env finds no {following.argv[0]}"
            missing = Failure(Reason.INTERPRETER_MISSING, f"{words}: {found.detail}", path=following.argv[0])
            return run.then(Run(problem=missing))
        further = self._execute(found, following.argv[0], following, "interpreter")
        if further.problem is not None and further.problem.reason in _RUN_BY_A_SHELL_INSTEAD:
            further = replace(further, problem=None)
        return run.then(further)

    def _not_the_images(
        self, found: Found | Absence, path: str, command: Command, *, by_runtime: bool = False
    ) -> Failure | None:
        """Why what stands at a path is not what the image holds there: a mount, or a volume that may hold more.

        The runtime mounts over /dev, /proc, /sys before it looks for the program; what scripts put there comes later.
        """
        if UNKNOWN in path:
            return Failure(Reason.BINARY_UNKNOWN, f"{path.replace(UNKNOWN, '…')} is known at run time only")
        end = found.path if isinstance(found, Found) else path
        if found is Absence.MISSING:
            end = self.view.missed(path)
        ends = {posixpath.normpath(path), posixpath.normpath(end)}
        if any(is_mounted(each, command.mounts) for each in ends):
            return Failure(Reason.BINARY_UNKNOWN, f"{path} is on a mount, so it is not the image's", path=path)
        covered = next((each for each in sorted(ends) if is_mounted(each, _RUN_TIME_DIRECTORIES)), None)
        if covered is not None:
            if not by_runtime or covered.startswith(_THERE_AT_RUN_TIME):
                return Failure(Reason.BINARY_UNKNOWN, f"{covered} exists at run time only", path=path)
            why = f"{path}: what the image holds at {covered} is hidden, for engines mount over it"
            return Failure(Reason.ENTRYPOINT_MISSING, why, path=path)
        if found is Absence.MISSING and is_injected(path) and "/" in command.argv[0]:
            return _injected(path)
        if found is Absence.MISSING and is_mounted(path, command.volumes):
            return Failure(
                Reason.BINARY_UNKNOWN, f"{path} is not in the image, but on a volume that may hold it", path=path
            )
        return None

    def _refused(self, found: Found | Absence, path: str, role: str) -> Failure | None:
        """Why open_exec would refuse a path, by the file at fault: of a link that leads nowhere that is where it leads."""
        problem = _openable(found, path, role)
        if problem is None or found is not Absence.MISSING or (end := self.view.missed(path)) == path:
            return problem
        named = path if role == "interpreter" else end  # a script may put another link there
        return replace(problem, detail=f"{path} leads to {end}: {found.value}", path=named)

    def _loader(self, program: Content, needed: Elf, command: Command, path: str) -> Run:
        if not needed.interpreter:
            return Run()
        if command.env.get("LD_TRACE_LOADED_OBJECTS"):
            why = f"LD_TRACE_LOADED_OBJECTS is set, so that the loader of {path} lists libraries and starts nothing"
            return Run(problem=Failure(Reason.BINARY_UNKNOWN, why))
        if "help" in _WORDS.split(command.env.get("LD_DEBUG") or ""):
            why = f"LD_DEBUG asks for help, so that a loader such as that of {path} explains itself and starts nothing"
            return Run(problem=Failure(Reason.BINARY_UNKNOWN, why))
        wanted = self._absolute(needed.interpreter, command)
        found = self.view.lookup(wanted)
        problem = self._not_the_images(found, wanted, command) or self._refused(found, wanted, "loader")
        if problem is not None:
            return Run(problem=replace(problem, detail=f"{path} asks for its loader: {problem.detail}"))
        loader = _as_found(found)
        content = self.view.content(loader)
        if content is None:
            return Run(problem=Failure(Reason.BINARY_UNKNOWN, f"{loader.path} was not read"))
        step = Executable(loader.path, "loader", content.kind, content.elf)
        unfit = _loader_problem(needed, content, loader.path)
        if unfit is not None:
            return Run((step,), unfit)
        found_libraries, lacking = libraries.needed(
            self.view, command, (path, program), (loader.path, content), needed.interpreter
        )
        return Run((step, *found_libraries), lacking)


def _injected(name: str) -> Failure:
    return Failure(
        Reason.BINARY_UNKNOWN, f"{name} is not in the image; runtimes bring it into containers from the host"
    )


def _openable(found: Found | Absence, path: str, role: str) -> Failure | None:
    """Why open_exec would refuse a path, ``None`` where it would not."""
    missing, refused = {
        "interpreter": (Reason.INTERPRETER_MISSING, Reason.INTERPRETER_NOT_EXECUTABLE),
        "loader": (Reason.LOADER_MISSING, Reason.LOADER_INVALID),
    }.get(role, (Reason.ENTRYPOINT_MISSING, Reason.ENTRYPOINT_NOT_EXECUTABLE))
    if isinstance(found, Absence):
        reason = Reason.SYMLINK_LOOP if found is Absence.LOOP else missing
        return Failure(reason, f"{path}: {found.value}", path=path)
    if found.node.kind is NodeKind.DIRECTORY:
        reason = Reason.ENTRYPOINT_DIRECTORY if missing is Reason.ENTRYPOINT_MISSING else refused
        return Failure(reason, f"{path} is a directory: permission denied", path=path)
    if found.node.kind is not NodeKind.FILE:
        return Failure(refused, f"{path} is a {found.node.kind.value}: permission denied", path=path)
    if not found.node.executable:
        return Failure(refused, f"{path} has no execute bit: permission denied", path=path)
    return None


def _relative(path: str, directory: str) -> Failure:
    """What a relative directory of PATH holds is refused by runtimes made with Go 1.19 or newer (os/exec ErrDot)."""
    return Failure(
        Reason.BINARY_UNKNOWN,
        f"{path} is found in {directory!r} of PATH, which is relative: runc refuses it",
        setting="PATH",
    )


def _as_found(found: Found | Absence) -> Found:
    assert isinstance(found, Found)  # noqa: S101 - _openable refuses every Absence
    return found


def _about(problem: Failure | None, path: str, name: str) -> Failure | None:
    if problem is None:
        return None
    called = f"{path} (as {name})" if name not in (path, path.rpartition("/")[2]) else path
    return Failure(problem.reason, f"{called}: {problem.detail}", path=path)


def _crlf(path: str, word: str) -> Failure:
    said = f"{path}: its first line ends with CR LF, so the kernel reads {word!r}"
    return Failure(Reason.CRLF_SHEBANG, said, path=path)


def _of_interpreter(problem: Failure) -> Failure:
    refused = {
        Reason.ENTRYPOINT_NOT_EXECUTABLE: Reason.INTERPRETER_NOT_EXECUTABLE,
        Reason.ENTRYPOINT_DIRECTORY: Reason.INTERPRETER_NOT_EXECUTABLE,
    }
    return replace(problem, reason=refused.get(problem.reason, problem.reason))


def _loader_problem(needed: Elf, loader: Content, path: str) -> Failure | None:
    if loader.size < elf.SHORT_LOADER_BYTES:
        return Failure(Reason.LOADER_INVALID, f"{path} is shorter than an ELF header: input/output error", path=path)
    if loader.header is None:
        why = loader.problem.detail if loader.problem else "it is a script"
        return Failure(
            Reason.LOADER_INVALID, f"{path} is no loader ({why}): accessing a corrupted shared library", path=path
        )
    wanted = goarch_of(needed.machine, needed.bits, needed.byte_order, needed.flags)
    got = loader.header.goarch
    same = (needed.machine, needed.bits, needed.byte_order) == (
        loader.header.machine,
        loader.header.bits,
        loader.header.byte_order,
    )
    if wanted != got or (wanted is None and not same):
        theirs, ours = got or f"machine {loader.header.machine}", wanted or f"machine {needed.machine}"
        return Failure(Reason.WRONG_LOADER, f"{path} is for {theirs}, the program for {ours}", path=path)
    if loader.problem is not None:
        return Failure(Reason.LOADER_INVALID, f"{path} is damaged: {loader.problem.detail}", path=path)
    return None
