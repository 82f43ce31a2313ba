"""Where Node finds the module that a script names.

The rules are LOAD_AS_FILE, LOAD_AS_DIRECTORY, LOAD_NODE_MODULES, PACKAGE_EXPORTS_RESOLVE of its documentation.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scanner.binary.program.module_files import Doubt
from scanner.domain.failure import Failure
from scanner.formats.documents import strict_json

if TYPE_CHECKING:
    from scanner.binary.program.module_files import ModuleFiles

_ENDS = ("", ".js", ".json", ".node")
MAX_CONDITIONS = 8
"""Conditions of ``exports`` in each other."""


@dataclass(slots=True)
class NodePackages:
    """Look-ups in one image."""

    files: ModuleFiles
    _said: dict[str, dict[str, Any]] = field(default_factory=dict)

    def at(self, path: str, *, is_directory: bool = False) -> str:
        """The file that a path names, which may say that it is a directory; raises ``Doubt`` where nobody can tell."""
        files = () if is_directory else map(path.__add__, _ENDS)
        file = next((each for each in files if self.files.is_file(each)), "")
        if not file and self.files.is_directory(path):
            main = self._main(path)
            places = [posixpath.normpath(posixpath.join(path, main))] if main else []
            tried = [f"{place}{end}" for place in places for end in (*_ENDS, "/index.js", "/index.json", "/index.node")]
            tried += [f"{path}/index{end}" for end in _ENDS[1:]]
            file = next((each for each in tried if self.files.is_file(each)), "")
        if not file:
            raise Doubt
        return self.files.real(file)

    def package(self, directory: str, name: str) -> str:
        """The directory of the package that a module in a directory means; empty for none."""
        while True:
            if posixpath.basename(directory) != "node_modules":
                place = posixpath.join(directory, "node_modules", name)
                if self.files.is_directory(place):
                    return self.files.real(place)
            if directory == "/":
                return ""
            directory = posixpath.dirname(directory)

    def entry(self, package: str, inner: str, *, by: str) -> str:
        """The file of a package that is loaded ``by`` require or import, or of a path within it."""
        exports = self.said(package).get("exports")
        if exports is None:
            return self.at(posixpath.join(package, inner) if inner else package)
        chosen = _exported(exports, f"./{inner}" if inner else ".", by)
        path = posixpath.normpath(posixpath.join(package, chosen)) if chosen else ""
        if not path or not self.files.is_file(path):
            raise Doubt
        return self.files.real(path)

    def _main(self, directory: str) -> str:
        main = self.said(directory).get("main")
        return main if isinstance(main, str) else ""

    def said(self, directory: str) -> dict[str, Any]:
        """What a directory's package.json says, nothing where there is none."""
        path = f"{directory}/package.json"
        if path not in self._said:
            self._said[path] = self._read(path) if self.files.is_file(path) else {}
        return self._said[path]

    def _read(self, path: str) -> dict[str, Any]:
        found = strict_json.read_object(self.files.text(path).encode())
        if isinstance(found, Failure):
            raise Doubt
        return found


def _exported(exports: Any, path: str, by: str) -> str:
    """The path that ``exports`` names, empty for none that is known."""
    if isinstance(exports, dict) and any(key.startswith(".") for key in exports):
        exports = exports.get(path)
    elif path != ".":
        return ""
    for _ in range(MAX_CONDITIONS):
        if isinstance(exports, list) and exports:
            exports = exports[0]
        if not isinstance(exports, dict):
            break
        known = {by, "node", "default", "module-sync", "node-addons"}
        exports = next((value for key, value in exports.items() if key in known), None)
    return exports if isinstance(exports, str) else ""
