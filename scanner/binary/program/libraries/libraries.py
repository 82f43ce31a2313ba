"""The libraries that a dynamic loader brings in for a program, or why it would give up."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.binary.layers.view import Found
from scanner.binary.program.argv import UNKNOWN
from scanner.binary.program.elf.dynamic import Dynamic
from scanner.binary.program.libraries import binding
from scanner.binary.program.libraries.library_files import Foreign, LibraryFiles, LoadableFile, Unusable
from scanner.binary.program.libraries.paths import Directory, Listed, Loaded, Paths, SearchDoubt
from scanner.domain.failure import Failure
from scanner.domain.image.offers import Executable, FileKind
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.binary.layers.view import View
    from scanner.binary.program.argv import Command
    from scanner.binary.program.content import Content
    from scanner.binary.program.libraries.loader_build import LoaderBuild
    from scanner.binary.program.libraries.paths import Place

MAX_LIBRARIES = 512
"""Of one process; Chromium, LibreOffice bring in 150."""

MAX_STAND_INS = 16
"""Libraries for some CPUs in the place of plain ones, each of which is looked through for every symbol of the process."""

_INJECTED = re.compile(
    r"lib(?:cuda|cudadebugger|nvidia[-_].{0,255}|nvcuvid|nvoptix|vdpau_nvidia|(?:GLX|EGL|GLESv1_CM|GLESv2)_nvidia"
    r"|nv(?:rm|buf|ddk|media|scf|dla|sci|tvmr|argus|mm|omx|odm|isp|os|dc)[a-z0-9_]{0,255}|dxcore|d3d12(?:core)?)\.so(?:\..{0,255})?"
)
"""What NVIDIA's toolkit, its CDI files, WSL put into a container from the host; it is missed in no image."""

_MUSL_OWN = re.compile(r"lib(?:c|pthread|rt|m|dl|util|xnet)\..*")
"""Names under which musl finds itself (the reserved names of load_library)."""

_KERNELS = frozenset({"linux-vdso.so.1", "linux-gate.so.1", "linux-vdso64.so.1", "linux-vdso32.so.1"})


@dataclass(frozen=True, slots=True)
class _Program:
    """A program whose loader was found: both paths as opened, and what they hold."""

    path: str
    content: Content
    loader: str
    loader_content: Content
    named_loader: str


def needed(
    view: View, command: Command, program: tuple[str, Content], loader: tuple[str, Content], named_loader: str
) -> tuple[tuple[Executable, ...], Failure | None]:
    """The libraries of a program in the loader's order, or why the start ends in the loader.

    ``program`` and ``loader`` are path and content, ``named_loader`` is PT_INTERP. Raises what the view raises.
    """
    asked = _Program(*program, *loader, named_loader)
    dynamic, build = asked.content.dynamic, asked.loader_content.loader
    if isinstance(dynamic, Failure):
        return (), Failure(Reason.BINARY_UNKNOWN, f"{asked.path}: {dynamic.detail}", path=asked.path)
    if dynamic is None or not (dynamic.needed or build):
        return (), None
    if build is None:
        why = f"where {asked.loader} looks for the libraries of {asked.path} is not known: it is neither glibc's nor musl's"
        return (), Failure(Reason.BINARY_UNKNOWN, why, path=asked.path)
    search = _search(view, command, asked, dynamic, build)
    problem = search.load()
    return tuple(search.executables()), problem


def _search(view: View, command: Command, asked: _Program, dynamic: Dynamic, build: LoaderBuild) -> _Search:
    files = LibraryFiles(view, command, dynamic.elf, build.libc == "musl")
    program = Loaded(asked.path, dynamic)
    is_secure = _changes_its_user(view, asked.path, command)
    paths = Paths(
        command,
        build,
        program,
        asked.named_loader,
        lambda: files.cache(build.cache),
        files.musl_path,
        is_secure=is_secure,
    )
    search = _Search(command, build, files, paths, program)
    loader = asked.loader_content.dynamic
    search.remember(program, asked.path)
    if isinstance(loader, Dynamic):
        itself = Loaded(asked.loader, loader)
        search.remember(itself, asked.loader, asked.named_loader.rpartition("/")[2], asked.named_loader)
        search.own = itself
    return search


def _changes_its_user(view: View, path: str, command: Command) -> bool:
    """Whether a program runs as another user or group than who starts it, so that AT_SECURE is set."""
    found = view.lookup(path)
    rights = found.node.rights if isinstance(found, Found) else None
    if rights is None or not rights.mode & _CHANGES_ITS_IDS:
        return False
    is_root = (command.user or "0").partition(":")[0] in {"0", "root"}
    return not (is_root and rights.uid == 0 and (rights.gid == 0 or not rights.mode & _CHANGES_ITS_GROUP))


_CHANGES_ITS_IDS, _CHANGES_ITS_GROUP = 0o6000, 0o2000
"""S_ISUID with S_ISGID."""


@dataclass(slots=True)
class _Search:
    """One run of a loader; ``names`` are those under which what is loaded is found again."""

    command: Command
    build: LoaderBuild
    files: LibraryFiles
    paths: Paths
    program: Loaded
    own: Loaded | None = None
    names: dict[str, Loaded] = field(default_factory=dict)
    by_file: dict[str, Loaded] = field(default_factory=dict)
    order: list[Loaded] = field(default_factory=list)
    where: dict[int, str] = field(default_factory=dict)
    stand_ins: list[tuple[str, LoadableFile]] = field(default_factory=list)

    @property
    def is_musl(self) -> bool:
        """Whether musl's rules hold."""
        return self.build.libc == "musl"

    def remember(self, loaded: Loaded, file: str, *names: str) -> None:
        """A file is loaded; glibc also knows it by its DT_SONAME."""
        soname = () if self.is_musl or not loaded.dynamic.soname else (loaded.dynamic.soname,)
        for name in (*names, *soname):
            self.names.setdefault(name, loaded)
        self.by_file[file] = loaded

    def executables(self) -> Iterator[Executable]:
        """The libraries that were found, in the loader's order."""
        for loaded in self.order:
            yield Executable(self.where[id(loaded)], "library", FileKind.ELF, loaded.dynamic.elf)

    # ------------------------------------------------------------ the loader's steps

    def load(self) -> Failure | None:
        """Breadth first: what is preloaded, then what each file needs; at last their versions."""
        preloaded = self._preload()
        if preloaded is not None:
            return preloaded
        queue = deque([self.program, *self.order])
        while queue:
            by = queue.popleft()
            for name in by.dynamic.needed:
                known = len(self.order)
                problem = self._need(name, by)
                if problem is not None:
                    return problem
                if len(self.order) > MAX_LIBRARIES:
                    return self._unknown(f"{self.program.path} brings in more than {MAX_LIBRARIES} libraries")
                queue.extend(self.order[known:])
        return (None if self.is_musl else self._versions()) or self._symbols()

    def _preload(self) -> Failure | None:
        """LD_PRELOAD, then glibc's file: what is not found or does not fit is passed over with a warning."""
        said = self.command.env.get("LD_PRELOAD", "")
        if said is None or UNKNOWN in said:
            return self._unknown("the value of LD_PRELOAD is known at run time only")
        listed = self.files.text(self.build.preload) if self.build.preload else None
        if isinstance(listed, SearchDoubt):
            return self._unknown(listed.why)
        lines = re.sub(r"#[^\n]*", "", listed or "")
        if self.paths.is_secure and said:
            return self._unknown(f"a loader takes little of LD_PRELOAD for {self.program.path}, which changes its user")
        words = [*re.split("[ :]", said), *re.split(r"[ \t\n:]", lines)]
        for name in filter(None, words):
            answer = self._found(name, self.program)
            match answer:
                case SearchDoubt():
                    return self._unknown(answer.why)
                case Foreign(path, why) if self.is_musl:
                    return self._unknown(f"{path}, which is preloaded, {why}: musl maps some of these")
                case LoadableFile():
                    self._take(name, answer, self.program)
        return None

    def _need(self, name: str, by: Loaded) -> Failure | None:
        if name in self.names or name in _KERNELS or (self.is_musl and _MUSL_OWN.fullmatch(name)):
            return None
        answer = self._found(name, by)
        if isinstance(answer, LoadableFile):
            self._take(name, answer, by)
            return None
        return self._trouble(name, by, answer)

    def _take(self, name: str, opened: LoadableFile, by: Loaded) -> None:
        again = self.by_file.get(opened.path)
        if again is not None:
            self.names.setdefault(name, again)
            return
        loaded = Loaded(self._opened_as, opened.dynamic, by)
        self.order.append(loaded)
        self.where[id(loaded)] = opened.path
        self.remember(loaded, opened.path, name)

    _opened_as: str = ""

    def _found(self, name: str, by: Loaded) -> LoadableFile | Foreign | Unusable | SearchDoubt | None:
        """Where the search for one name ends; ``Foreign`` where nothing but libraries for other CPUs was found."""
        if "/" in name:
            expanded = name if self.is_musl else self.paths.expanded(name, by)
            if isinstance(expanded, SearchDoubt):
                return expanded
            self._opened_as = self.command.absolute(expanded)
            if UNKNOWN in self._opened_as:
                return SearchDoubt(f"{expanded} is relative to a directory that is known at run time only")
            return self.files.at(self._opened_as)
        foreign: Foreign | None = None
        special: list[LoadableFile] = []
        for place in self.paths.of(name, by):
            instead = self._special(place, name)
            if isinstance(instead, SearchDoubt):
                return instead
            special += instead
            path = _path_in(place, name)
            answer = self.files.at(path) if path is not None else None
            if answer is None:
                continue
            if isinstance(answer, Foreign) and not self.is_musl:
                foreign = answer if foreign is None or answer.other_order else foreign
                continue
            if foreign is not None and foreign.other_order:
                return SearchDoubt(f"not every glibc passes over {foreign.path}, which {foreign.why}")
            self._opened_as = path or ""
            return self._whatever_the_cpu(name, answer, special)
        if special:
            return SearchDoubt(f"{name} is found only where some CPUs look ({special[0].path})")
        return foreign

    def _special(self, place: Place, name: str) -> list[LoadableFile] | SearchDoubt:
        """What some CPUs take instead: what is foreign is passed over there too, what is unusable ends their search."""
        found: list[LoadableFile] = []
        if isinstance(place, SearchDoubt):
            return place
        for each in place.special:
            if isinstance(place, Listed):
                answer = self.files.at(each)
            elif self.files.is_directory(place.path) and self.files.is_directory(each):
                answer = self.files.at(f"{each}/{name}")
            else:
                continue
            if isinstance(answer, LoadableFile):
                found.append(answer)
            elif answer is not None and not isinstance(answer, Foreign):
                why = answer.why if isinstance(answer, SearchDoubt) else f"{answer.path} {answer.why}"
                return SearchDoubt(f"some CPUs have the loader take another {name}: {why}")
        return found

    def _whatever_the_cpu(
        self, name: str, answer: LoadableFile | Foreign | Unusable | SearchDoubt, special: list[LoadableFile]
    ) -> LoadableFile | Foreign | Unusable | SearchDoubt:
        """The answer that holds on every CPU: those for some need no more and offer no less."""
        if not special or isinstance(answer, SearchDoubt):
            return answer
        if isinstance(answer, LoadableFile) and all(_stands_in(each.dynamic, answer.dynamic) for each in special):
            self.stand_ins += ((answer.path, each) for each in special)
            return answer
        return SearchDoubt(f"which {name} is loaded depends on the CPU ({special[0].path})")

    # ------------------------------------------------------------ what is wrong

    def _versions(self) -> Failure | None:
        """_dl_check_map_versions of elf/dl-version.c.

        A library that defines no versions, but needs some itself (so that it has DT_VERSYM), is taken as it is; one
        without either stops the loader as soon as a symbol is bound (an assertion in check_match of dl-lookup.c).
        """
        for by in (self.program, *self.order):
            for need in by.dynamic.version_needs:
                library = self.names.get(need.file)
                if library is None:
                    return self._unknown(f"{by.path} needs versions of {need.file}, which it does not load")
                if not library.dynamic.versions and need.versions:
                    if library.dynamic.version_needs:
                        continue
                    return self._unknown(f"{library.path} has no symbol versions, of which {by.path} needs some")
                lacking = [each for each in need.versions if each not in library.dynamic.versions]
                if lacking:
                    text = f"{library.path}: version {', '.join(lacking[:3])} not found (required by {by.path})"
                    return self._certain(Reason.LIBRARY_TOO_OLD, text, library.path)
        return None

    def _symbols(self) -> Failure | None:
        """What each file asks of all that are loaded together; glibc looks for functions only when they are called."""
        if self.command.env.get("LD_AUDIT", "") != "":
            return None
        asking = (self.program, *self.order)
        offering = asking if self.own is None or self.own in self.order else (*asking, self.own)
        binds_now = self.command.env.get("LD_BIND_NOW", "") != ""
        lacking = binding.unbound(asking, offering, is_musl=self.is_musl, binds_now=binds_now)
        if lacking is None:
            return self._symbols_on_some_cpus(asking, offering, binds_now=binds_now)
        text = f"{lacking.by.path}: undefined symbol: {lacking.ask}"
        if lacking.later:
            return self._unknown(f"{text}, which stops it as soon as that is called")
        return self._certain(Reason.LIBRARY_TOO_OLD, text, self._expected_in(lacking))

    def _symbols_on_some_cpus(
        self, asking: tuple[Loaded, ...], offering: tuple[Loaded, ...], *, binds_now: bool
    ) -> Failure | None:
        """What lacks a symbol only where the CPU has the loader take another file of the same name."""
        if len(self.stand_ins) > MAX_STAND_INS:
            return self._unknown(f"more than {MAX_STAND_INS} libraries stand in for others on some CPUs")
        for plain, special in self.stand_ins:
            instead = {id(self.by_file[plain]): Loaded(special.path, special.dynamic)}
            asks, offers = (tuple(instead.get(id(each), each) for each in those) for those in (asking, offering))
            lacking = binding.unbound(asks, offers, is_musl=self.is_musl, binds_now=binds_now)
            if lacking is not None:
                text = f"{lacking.by.path}: undefined symbol: {lacking.ask}"
                return self._unknown(f"{text}, where the CPU has {special.path} loaded")
        return None

    def _expected_in(self, lacking: binding.Unbound) -> str:
        """The library that was to have a symbol; empty where the program names none for it."""
        for need in lacking.by.dynamic.version_needs:
            if lacking.ask.version in need.versions and need.file in self.names:
                return self.names[need.file].path
        return ""

    def _trouble(self, name: str, by: Loaded, answer: Foreign | Unusable | SearchDoubt | None) -> Failure:
        asked = f"{by.path} needs {name}"
        match answer:
            case SearchDoubt(why):
                return self._unknown(f"{asked}: {why}")
            case Foreign(path, why):
                return self._certain(Reason.WRONG_LIBRARY, f"{asked}: {path} {why}", path)
            case Unusable(path, why):
                return self._certain(Reason.LIBRARY_MISSING, f"{asked}: {path} {why}", path)
        if _INJECTED.fullmatch(name):
            return self._unknown(f"{asked}, which the host's driver brings into a container")
        aside = "" if self.is_musl else self.files.named_by_configuration(name)
        told = f"; {aside} is not in {self.build.cache}: ldconfig was not run" if aside else ""
        told += f"; its user may not read {', '.join(sorted(self.files.closed))}" if self.files.closed else ""
        return self._certain(Reason.LIBRARY_MISSING, f"{asked}: cannot open shared object file{told}", name)

    def _certain(self, reason: Reason, detail: str, path: str) -> Failure:
        """What the image lacks, where nobody but the image provides it."""
        if not self.command.env_known:
            return self._unknown(f"{detail}, unless the environment, which is not known, leads elsewhere")
        injects = next((each for each in sorted(self.command.env) if each.startswith("NVIDIA_")), None)
        if injects is not None:
            return self._unknown(f"{detail}, unless what {injects} has brought into the container holds it")
        return Failure(reason, detail, path=path)

    def _unknown(self, why: str) -> Failure:
        return Failure(Reason.BINARY_UNKNOWN, why, path=self.program.path)


def _path_in(place: Place, name: str) -> str | None:
    """Which file a place tells the loader to try."""
    if isinstance(place, SearchDoubt):
        return None
    return f"{place.path}/{name}" if isinstance(place, Directory) else place.path


def _stands_in(special: Dynamic, plain: Dynamic) -> bool:
    """Whether a library can stand in for another without more of its own being needed."""
    return (
        set(special.needed) <= set(plain.needed)
        and plain.versions <= special.versions
        and all(need in plain.version_needs for need in special.version_needs)
    )
