"""The native parts that a program of Python's imports at its start, where they are for another CPU.

Statements at a module's own level are carried out in their order, so that an import among them is surely done as long as
nothing before it may end the program, or have modules looked for elsewhere. The rules are those of importlib's
FileFinder: in one directory a package comes before an extension, an extension before a source; the script's own
directory is the first of sys.path.
"""

from __future__ import annotations

import contextlib
import posixpath
import re
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.binary.program import python_statements as statements
from scanner.binary.program.module_files import CHARS_A_MICROSECOND, Doubt, FoundError, Loaded
from scanner.binary.program.python_outline import Statement, outline
from scanner.binary.program.python_statements import Imported
from scanner.formats.parsing.patience import spend

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scanner.binary.program.module_files import ForeignPart, ModuleFiles
    from scanner.binary.program.python_finder import PythonFinder

MAX_DEPTH = 24
"""Modules that import each other on one way; web frameworks reach twenty."""

MAX_BLOCKS = 64
"""Blocks in each other on one way, those of modules among them: each takes some of the calls that Python nests."""

_STANDARD = sys.stdlib_module_names | {"distutils", "imp", "asynchat", "asyncore", "smtpd", "tomllib", "annotationlib"}
"""Modules of Python's own, of this version or others."""

_HOOKS = re.compile(r"import|hook|patch|setup|path|reload", re.IGNORECASE)
"""Names of modules that may change how others are found."""

_SITES = re.compile(r"(?:^|/)(?:site-packages|dist-packages)$")
"""Where packages are installed, whatever Python looks there."""


@dataclass(slots=True)
class PythonImports:
    """One look at what a program imports at its start; ``further`` are the directories of PYTHONPATH."""

    finder: PythonFinder
    further: tuple[str, ...] = ()
    _is_sure: bool = True
    _doubts: int = 0
    _is_own: bool = True
    _found: Loaded = field(default_factory=Loaded)
    _sites: tuple[str, ...] = ()
    _done: dict[str, bool] = field(default_factory=dict)
    _main: str = ""
    _said: Counter[str] = field(default_factory=Counter)
    _open_blocks: int = 0

    @property
    def _files(self) -> ModuleFiles:
        return self.finder.files

    @property
    def _top(self) -> str:
        return self.finder.top

    def of_script(self, path: str) -> Loaded:
        """What the program in a file imports."""
        return self._looked(lambda: self._follow(self._files.text(path), self._top, MAX_DEPTH, is_main=True))

    def of_text(self, text: str) -> Loaded:
        """What a program imports that is given as a text."""
        return self._looked(lambda: self._follow(text, self._top, MAX_DEPTH, is_main=True))

    def of_module(self, name: str, *, is_run: bool = True) -> Loaded:
        """What a module imports; ``is_run`` by ``python -m``, which runs of a package its ``__main__``."""

        def begin() -> None:
            self._found.calls = True
            places = [
                place for place in (self._top, *self._places()) if self.finder.stands(place, name.partition(".")[0])
            ]
            is_package = is_run and any(
                self._files.is_directory(posixpath.join(each, *name.split("."))) for each in places
            )
            self._import(Imported(f"{name}.__main__" if is_package else name), self._top, MAX_DEPTH)

        return self._looked(begin)

    def _looked(self, begin: Callable[[], None]) -> Loaded:
        self._sites = self._files.directories(_SITES)
        self._files.packages |= {f"{site}/{name}" for site in self._sites for name in self._holding(site)}
        try:
            begin()
        except Doubt:
            self._found.whole = False
        except FoundError as found:
            self._found.surely = found.part
        except _EndError:
            pass
        self._found.read = (self._main, *map(self._files.again, self._done))
        return self._found

    def _holding(self, site: str) -> set[str]:
        """The names in a site that have parts for another CPU in them."""
        lead = f"{site}/"
        foreign = self._files.foreign_below("python")
        return {path[len(lead) :].partition("/")[0] for path in foreign if path.startswith(lead)}

    def _places(self) -> tuple[str, ...]:
        return (*self.further, *self._sites)

    # ------------------------------------------------------------ statements

    def _follow(self, text: str, package: str, depth: int, *, is_main: bool = False) -> None:
        """Each statement in turn; ``Doubt`` is raised where the text itself cannot be followed."""
        found = outline(text)
        if is_main:
            self._main, self._said = text, Counter(re.findall(r"\w+", text))
        if self._is_own:
            names = {
                each.name.partition(".")[0] for s in statements.within(found) for each in statements.imported(s.text)
            }
            self._files.packages |= {f"{site}/{name}" for site in self._places() for name in names - _STANDARD if name}
        self._block(found, package, depth, is_main=is_main)

    def _block(self, body: Sequence[Statement], package: str, depth: int, *, is_main: bool) -> None:
        if self._open_blocks >= MAX_BLOCKS:
            raise Doubt
        self._open_blocks += 1
        try:
            self._each(body, package, depth, is_main=is_main)
        finally:
            self._open_blocks -= 1

    def _each(self, body: Sequence[Statement], package: str, depth: int, *, is_main: bool) -> None:
        rest = list(body)
        before = ""
        while rest:
            statement = rest.pop(0)
            before, last = statement.text, before
            word = re.match(r"[\w@]*", statement.text)
            match word[0] if word else "":
                case "import" | "from":
                    self._imports(statement.text, package, depth)
                case "def" | "async" if statement.body:
                    self._later(statement, package, depth, is_decorated=last.startswith("@"))
                case "class" if statement.body:
                    self._class(statement)
                case "if" if statement.body:
                    branches = [statement, *statements.taken(rest, ("elif", "else"))]
                    self._choice(branches, package, depth, is_main=is_main)
                case "try" if statement.body:
                    self._try(
                        [statement, *statements.taken(rest, ("except", "else", "finally"))],
                        package,
                        depth,
                        is_main=is_main,
                    )
                case "with" if statement.body:
                    self._with(statement, package, depth, is_main=is_main)
                case "for" | "while" | "match" if statement.body:
                    self._effect(statement.text)
                    self._perhaps(statement.body, package, depth, is_main=is_main)
                    statements.taken(rest, ("else",))
                case _ if statements.is_end(statement.text):
                    self._found.calls = self._found.calls or self._is_own
                    raise _EndError
                case _:
                    self._effect(statement.text)

    def _effect(self, text: str) -> None:
        """What a statement may do besides; what packages call changes nothing of where modules are found."""
        if statements.is_open(text):
            self._found.whole = False
        if self._is_own and not statements.is_plain(text):
            self._found.calls = True
            self._doubt()
        elif statements.is_open(text):
            self._doubt()

    def _doubt(self) -> None:
        self._is_sure = False
        self._doubts += 1

    def _class(self, statement: Statement) -> None:
        for each in (statement, *statement.body):
            self._effect(each.text if not each.text.startswith(("def", "async", "class")) else "")

    def _later(self, statement: Statement, package: str, depth: int, *, is_decorated: bool) -> None:
        """A function of the program's own may be called at its start; one of a package is taken for what comes later.

        One that its only script names nowhere else, and hands to nobody, is not called.
        """
        name = re.search(r"\bdef[ \t]+(\w+)", statement.text)
        is_named = name is None or self._said[name[1]] != 1
        if not self._is_own or not (is_decorated or is_named or re.search(r"\b__getattr__$", name[1] if name else "")):
            return
        before = self._is_sure, self._doubts
        self._is_sure = False
        with contextlib.suppress(_EndError):
            self._block(statement.body, package, depth, is_main=False)
        self._is_sure, self._doubts = before

    def _perhaps(self, body: Sequence[Statement], package: str, depth: int, *, is_main: bool) -> None:
        """A block of which only the run tells whether it is entered."""
        before, doubts = self._is_sure, self._doubts
        self._is_sure = False
        try:
            self._block(body, package, depth, is_main=is_main)
        except _EndError:
            self._doubts += 1
        self._is_sure = before and self._doubts == doubts

    def _choice(self, branches: list[Statement], package: str, depth: int, *, is_main: bool) -> None:
        for branch in branches:
            is_taken = True if branch.text.startswith("else") else statements.condition(branch, is_main=is_main)
            if is_taken:
                if branch is branches[0] or all(
                    statements.condition(each, is_main=is_main) is False for each in branches[: branches.index(branch)]
                ):
                    self._block(branch.body, package, depth, is_main=is_main)
                else:
                    self._perhaps(branch.body, package, depth, is_main=is_main)
                return
            if is_taken is None:
                self._effect(branch.text)
                self._perhaps(branch.body, package, depth, is_main=is_main)

    def _with(self, statement: Statement, package: str, depth: int, *, is_main: bool) -> None:
        if statements.forgives(statement.text):
            self._tried(statement.body, (), package, depth)
            return
        self._effect(statement.text)
        self._block(statement.body, package, depth, is_main=is_main)

    def _try(self, parts: list[Statement], package: str, depth: int, *, is_main: bool) -> None:
        body, others = parts[0].body, parts[1:]
        handler = next((e for e in others if e.text.startswith("except") and statements.forgives(e.text)), None)
        behind = [each for each in others if each.text.startswith(("else", "finally"))]
        if handler is None:
            self._block(body, package, depth, is_main=is_main)
        elif (ends := statements.rethrows(handler.body)) is True:
            try:
                self._block(body, package, depth, is_main=is_main)
            except _EndError:
                self._doubt()
        elif not self._tried(body, handler.body, package, depth) or ends is None:
            behind = [each for each in behind if each.text.startswith("finally")]
        for each in behind:
            self._block(each.body, package, depth, is_main=is_main)

    def _tried(self, body: Sequence[Statement], instead: Sequence[Statement], package: str, depth: int) -> bool:
        """A block whose failing imports are forgiven, so that ``instead`` is carried out; whether it surely succeeds."""
        perhaps, whole, done = self._found.perhaps, self._found.whole, dict(self._done)
        before, doubts = self._is_sure, self._doubts
        try:
            self._block(body, package, depth, is_main=False)
        except (FoundError, _EndError) as ended:
            self._is_sure, self._doubts, self._done = before, doubts, done
            self._found.perhaps = perhaps
            if isinstance(ended, FoundError):
                self._found.without.add(ended.part.path)
                self._found.perhaps = perhaps or (ended.part if statements.rethrows(instead) is None else None)
            self._block(instead, package, depth, is_main=False)
            return False
        except Doubt:
            self._found.whole = whole  # what is tried may be missing
            self._doubt()
        if (tried := self._found.perhaps) is not None and tried is not perhaps:
            self._found.without.add(tried.path)
            self._found.perhaps, self._done = perhaps, done
            self._perhaps(instead, package, depth, is_main=False)
        return True

    # ------------------------------------------------------------ modules

    def _imports(self, text: str, package: str, depth: int) -> None:
        found = statements.imported(text)
        if not found:
            self._doubt()
        for each in found:
            self._import(each, package, depth)

    def _import(self, wanted: Imported, package: str, depth: int) -> None:
        if depth <= 0:
            raise Doubt
        names = wanted.name.split(".") if wanted.name else []
        if wanted.dots:
            if self._is_own and package == self._top:
                raise Doubt
            for _ in range(wanted.dots - 1):
                package = posixpath.dirname(package)
            self._chain(package, names, wanted, depth)
            return
        if not names or names[0] == "__future__":
            return
        if self.finder.stands(self._top, names[0]):
            if names[0] in _STANDARD or not self._is_own:
                raise Doubt  # whether it is loaded already is not known, nor whether a package means the program's own
            self._chain(self._top, names, wanted, depth)
            return
        if names[0] in _STANDARD:
            return
        self._installed(names, wanted, depth)

    def _installed(self, names: list[str], wanted: Imported, depth: int) -> None:
        """A module of others, who change nothing of what stands here unless they are called so."""
        places = tuple(dict.fromkeys(each for each in self._places() if self.finder.stands(each, names[0])))
        if _HOOKS.search(wanted.name):
            self._doubt()
        if not places:
            if self.finder.is_open() or self._files.files.called(names[0]):
                self._found.whole = False
            return
        was_own, sure, doubts = self._is_own, self._is_sure, self._doubts
        self._is_own = any(place in self.further for place in places)
        self._is_sure = sure and len(places) == 1 and not self.finder.is_open()
        try:
            for place in places:
                self._chain(place, names, wanted, depth)
        except Doubt:
            self._found.whole = False
        except _EndError:
            doubts, sure = doubts + 1, False
        self._is_own, self._is_sure, self._doubts = was_own, sure, doubts

    def _chain(self, at: str, names: list[str], wanted: Imported, depth: int) -> None:
        """One name behind the other, then what is taken from the last."""
        for left, name in enumerate(names, 1 - len(names)):
            if not at:
                raise Doubt
            at = self._load(at, name, depth, taken=wanted.inner if not left else ())
        if at:
            self._take(wanted, at, depth)

    def _take(self, wanted: Imported, package: str, depth: int) -> None:
        """Load what is taken from a package, unless that has something else of the name."""
        for name in wanted.inner:
            if name == "*" or not self.finder.stands(package, name):
                continue
            before, doubts = self._is_sure, self._doubts
            if self._has_its_own(package, name):
                self._is_sure = False
            self._load(package, name, depth)
            self._is_sure = before and self._doubts == doubts

    def _has_its_own(self, package: str, name: str) -> bool:
        """Whether a package may hold something else by the name of a module in it."""
        text = self._files.again(f"{package}/__init__.py")
        spend(1 + len(text) // CHARS_A_MICROSECOND)
        if not re.search(rf"\b{re.escape(name)}\b", text):
            return "import *" in text or "__getattr__" in text
        for each in statements.within(outline(text)):
            if re.search(rf"\b{re.escape(name)}\b|\*$", each.text):
                found = statements.imported(each.text)
                is_module = found and all(e.dots == 1 and not e.name and name in e.inner for e in found)
                if not is_module or re.search(rf"\bas[ ]+{re.escape(name)}\b", each.text):
                    return True
        return False

    def _report(self, part: ForeignPart) -> None:
        """A part for another CPU is to be loaded: the program ends here where that is sure."""
        if self._is_sure:
            raise FoundError(part)
        self._found.perhaps = self._found.perhaps or part

    def _load(self, directory: str, name: str, depth: int, *, taken: tuple[str, ...] = ()) -> str:
        """Load one module from a directory; where a package stands, empty for what is none."""
        found = self.finder.find(directory, name)
        if found.part is not None:
            lacks = [each for each in taken if each != "*" and not self.finder.stands(found.package, each)]
            before = self._is_sure
            self._is_sure = before and (not found.package or bool(lacks))
            self._report(found.part)
            self._is_sure = before
        if found.source:
            self._carry_out(found.source, found.package or directory, depth)
        return found.package

    def _carry_out(self, path: str, package: str, depth: int) -> None:
        """A module, once; a second time where it was not sure, or failed, before."""
        if self._done.get(path, False) or (path in self._done and not self._is_sure):
            return
        if depth <= 1:
            raise Doubt
        text = self._files.text(path)
        self._done[path] = self._is_sure
        try:
            self._follow(text, package, depth - 1)
        except _EndError:
            self._doubt()


class _EndError(Exception):
    """The program, or the module, ends here."""
