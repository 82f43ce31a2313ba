"""The house rules that a reader relies on, held by a machine."""

import ast
import re
import subprocess
import sys
from functools import cache
from itertools import chain
from pathlib import Path

import pytest

from tests.rows import each_row

ROOT = Path(__file__).parent.parent
SCANNER = ROOT / "scanner"
FLOORS = (
    {"domain"},
    {"formats", "errors", "descriptors", "ending"},
    {"settings", "inventory", "probe"},
    {"hosts", "registry", "binary", "store"},
    {"trail"},
    {"scan"},
    {"cluster"},
    {"service"},
    {"metrics", "web", "cli", "client"},
    {"demo"},
    {"app"},
    {"__main__"},
)
"""A room imports from lower floors and from itself; rooms of one floor do not know each other."""

HOMES = {
    "alembic": {"store"},
    "apscheduler": {"service"},
    "asyncssh": {"hosts"},
    "bcrypt": {"web/http"},
    "cryptography": {"registry", "trail"},
    "dask": {"cluster"},
    "distributed": {"cluster"},
    "elftools": {"binary"},
    "fastapi": {"web"},
    "h11": {"registry/http", "web/http"},
    "httpcore": {"registry/http"},
    "httpx": {"registry/http", "trail/witness", "client"},
    "jinja2": {"web"},
    "orjson": {"formats"},
    "prometheus_client": {"metrics"},
    "psycopg": {"store"},
    "pydantic": {"settings", "web", "app"},  # app: the type of a secret
    "rich": {"cli"},
    "sqlalchemy": {"store"},
    "starlette": {"web"},
    "tomllib": {"formats"},
    "tree_sitter": {"formats"},
    "tree_sitter_bash": {"formats"},
    "typer": {"cli"},
    "uvicorn": {"web"},
    "yaml": {"formats"},
    "zstandard": {"binary"},
}
"""Each foreign library lives in one room, or in one folder of it; a document format may be read in a few."""

OWN_READING = {
    "cli/output/output": "the file that --output names",
    "app/main": "the descriptors that a shell closed",
    "binary/layers/tar_places": "an archive of any length, read by its offsets",
    "cli/__init__": "where a closed stream leads to",
    "cli/gate/hooks": "a file of the package",
    "cli/gate/sent_files": "the first bytes of what is no text, to pass it over",
    "client/__init__": "answers of our own service, which httpx has read",
    "demo/fleet": "documents of its own registry",
    "demo/images": "a layer that it makes",
    "hosts/rollback_script": "files of the package",
    "probe/script": "a file of the package",
    "registry/archives/blobs": "an archive of any length, read by its offsets",
    "store/codec": "rows that it has written",
    "store/releases": "whether there are rows",
    "store/database": "the database's file, made with its mode",
    "store/sqlite_lock": "a lock without content",
    "store/store": "rows that it has written",
    "store/surveys": "rows that it has written",
    "trail/key": "the key's file, made with its mode",
    "trail/leaf": "an entry, believed only in its one spelling",
    "web/pages/pages": "files of the package",
}
"""Every other file or document is read by ``formats/``: within bounds, by one set of rules. Why these are not."""

_PARSERS = {"json": {"load", "loads"}, "csv": {"reader", "DictReader"}, "os": {"open"}, "tarfile": {"open"}}

MODULES = sorted(SCANNER.rglob("*.py"))
NAMELESS_NAMES = {"utils", "util", "helpers", "helper", "manager", "common", "misc", "data", "info", "base", "core"}
CAPTION_MAX = 120
"""One line of the README's tree, and of a terminal."""


def room_of(module: Path) -> str:
    return module.relative_to(SCANNER).parts[0].removesuffix(".py")


def floor_of(room: str) -> int:
    return next((number for number, rooms in enumerate(FLOORS) if room in rooms), len(FLOORS))


@cache
def parsed(module: Path) -> tuple[set[str], str, set[str]]:
    """What a module imports, its caption, what it opens or parses: read once for all rules, its tree too large to keep."""
    tree = ast.parse(module.read_text())
    nodes = list(ast.walk(tree))
    return _imports(module, nodes), (ast.get_docstring(tree) or "").partition("\n")[0], _reads(nodes)


def imports_of(module: Path) -> set[str]:
    """Dotted names of everything imported anywhere in a module, type-checking blocks and functions included."""
    return parsed(module)[0]


def _imports(module: Path, nodes: list[ast.AST]) -> set[str]:
    found: set[str] = set()
    package = (module.relative_to(ROOT).parent).parts
    for node in nodes:
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = (
                ".".join((*package[: len(package) - node.level + 1], node.module or "")) if node.level else node.module
            )
            found.update(f"{base.rstrip('.')}.{alias.name}" for alias in node.names)
    return found


def caption_of(module: Path) -> str:
    return parsed(module)[1]


@cache
def tracked() -> list[Path]:
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    except (OSError, subprocess.CalledProcessError):  # an unpacked release has no history
        return [
            p
            for p in ROOT.rglob("*")
            if p.is_file() and not any(part.startswith(".") for part in p.relative_to(ROOT).parts)
        ]
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def each(paths):
    return each_row("module", paths, ids=lambda path: path.relative_to(ROOT))


@each(MODULES)
def test_a_module_imports_only_from_lower_floors(module):
    room = room_of(module)
    for name in imports_of(module):
        head, _, rest = name.partition(".")
        other = rest.partition(".")[0]
        if head != "scanner" or floor_of(other) == len(FLOORS):  # somebody else's, or a name of the package itself
            continue
        if other == room:
            continue
        assert floor_of(other) < floor_of(room), f"{room} may not import {name}"


@each(MODULES)
def test_a_foreign_library_lives_in_one_room(module):
    parts = module.relative_to(SCANNER).with_suffix("").parts
    folders = {"/".join(parts[:length]) for length in range(1, len(parts) + 1)}
    for name in imports_of(module):
        homes = HOMES.get(name.partition(".")[0])
        assert homes is None or folders & homes, f"{name} lives in {homes}"


def reads_by_itself(module: Path) -> set[str]:
    """What a module opens or parses without asking ``formats/``."""
    return parsed(module)[2]


def _reads(nodes: list[ast.AST]) -> set[str]:
    found = set()
    for node in nodes:
        match node:
            case ast.Call(func=ast.Name("open")):
                found.add("open")
            case ast.Call(func=ast.Attribute(ast.Name(of), name)) if name in _PARSERS.get(of, ()):
                found.add(f"{of}.{name}")
            case ast.Call(func=ast.Attribute(ast.Name("files" | "opener"), _)):
                continue
            case ast.Call(func=ast.Attribute(_, "read_text" | "read_bytes" as name)):
                found.add(name)
            case ast.Call(func=ast.Attribute(_, "open" as name), args=[ast.Constant(str())]):
                found.add(name)  # Path("x").open("rb")
            case ast.Call(func=ast.Attribute(ast.Name("entry"), "is_dir")):
                continue  # of a listing
            case ast.Call(func=ast.Attribute(_, "is_dir" | "is_file" | "exists" as name), args=[], keywords=[]):
                found.add(name)  # Path's own raise for a name that is too long, or may not be looked at
            case ast.Call(func=ast.Attribute(_, "json" as name), args=[], keywords=[]):
                found.add(name)  # an answer's
    return found


@each([m for m in MODULES if room_of(m) != "formats"])
def test_a_module_leaves_the_reading_of_files_and_documents_to_formats(module):
    own = module.relative_to(SCANNER).with_suffix("").as_posix()
    assert own in OWN_READING or not reads_by_itself(module)


def test_what_reads_by_itself_is_there_and_does():
    assert [own for own in OWN_READING if not reads_by_itself(SCANNER / f"{own}.py")] == []


REGISTRY_FLOORS = (
    {"config"},
    {"http"},
    {"mirrors"},
    {"documents/cache", "documents/fields", "documents/media_types", "documents/singleflight"},
    {"auth", "mirror_chain"},
    {"documents", "endpoint_pool", "layers", "presence", "tag_listing"},
    {"client"},
    {"stale_fallback", "archives"},
)
"""The inner floors of the room with the most modules, from the ground up; the longest name that fits counts."""


def registry_floor_of(name: str) -> int | None:
    fitting = [
        (len(known), number)
        for number, floor in enumerate(REGISTRY_FLOORS)
        for known in floor
        if name == known or name.startswith(f"{known}/")
    ]
    return max(fitting)[1] if fitting else None


@each([m for m in MODULES if room_of(m) == "registry" and m.name != "__init__.py"])
def test_a_module_of_the_registry_room_imports_only_from_its_floor_and_those_below(module):
    own = module.relative_to(SCANNER / "registry").with_suffix("").as_posix()
    floor = registry_floor_of(own)
    assert floor is not None, f"{own} is on no floor"
    for name in imports_of(module):
        if name.startswith("scanner.registry."):
            other = registry_floor_of(name.removeprefix("scanner.registry.").replace(".", "/"))
            assert other is None or other <= floor, f"{own} may not import {name}"


@each([m for m in MODULES if room_of(m) == "domain"])
def test_the_domain_imports_only_the_standard_library(module):
    heads = {name.partition(".")[0] for name in imports_of(module)} - {"scanner"}
    assert heads <= set(sys.stdlib_module_names)


@each(MODULES)
def test_a_module_has_a_caption(module):
    caption = caption_of(module)
    assert caption, "its first line says what it is"
    assert len(caption) <= CAPTION_MAX
    assert re.fullmatch(r"[^.]*(\.[^ .][^.]*)*[.?!]", caption), f"one sentence: {caption!r}"
    assert " and " not in caption, f"one idea: {caption!r}"


@each([path for path in tracked() if path.suffix == ".py"])
def test_a_file_s_name_says_what_is_in_it(module):
    assert module.stem not in NAMELESS_NAMES


@each([path for path in tracked() if path.suffix == ".py" and SCANNER in path.parents])
def test_a_silenced_check_carries_its_reason(module):
    silent = [
        line.strip()
        for line in module.read_text().splitlines()
        if re.search(r"# (noqa: [A-Z0-9, ]+|noqa|type: ignore(\[[\w, -]+\])?)$", line.strip())
    ]
    assert not silent


@cache
def offered(module: str) -> set[str]:
    """The names that a module or package of this house holds, modules below it included."""
    path = ROOT.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    names = {below.stem for below in path.glob("*")} if path.is_dir() else set()
    if file.is_file():
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Import(names=bound) | ast.ImportFrom(names=bound):
                    names.update(alias.asname or alias.name.partition(".")[0] for alias in bound)
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                    names.add(node.name)
                case ast.Name(name, ast.Store()):
                    names.add(name)
    return names


@each(
    [
        path
        for path in tracked()
        if path.suffix == ".py"
        and path.is_relative_to(ROOT / "tests")
        and not path.name.startswith(("test_", "conftest"))
    ]
)
def test_what_stands_beside_the_suite_imports_what_is_there(module):
    """Programs such as the measurements are run by hand: a name that moved would be missed there first."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ImportFrom) and not node.level and node.module.split(".")[0] in {"scanner", "tests"}:
            assert {alias.name for alias in node.names} <= offered(node.module), node.module


def test_every_room_is_on_a_floor():
    rooms = {room_of(module) for module in MODULES} - {"__init__"}
    assert rooms <= set(chain.from_iterable(FLOORS))


def tree() -> str:
    """The README's tree, made from the captions."""
    rooms = sorted({room_of(m) for m in MODULES} - {"__init__", "__main__"}, key=lambda room: (floor_of(room), room))
    lines = []
    for room in rooms:
        folder = SCANNER / room / "__init__.py"
        name, module = (f"{room}/", folder) if folder.is_file() else (f"{room}.py", SCANNER / f"{room}.py")
        lines.append(f"  {name:<13} {caption_of(module)}")
    return "\n".join(["scanner/", *lines])


def test_the_readme_s_tree_is_made_from_the_captions():
    shown = re.search(
        r"<!-- tree -->\s*```\w*\n(.*?)\n```\s*<!-- /tree -->", (ROOT / "README.md").read_text(), re.DOTALL
    )
    assert shown, "the README shows the tree between <!-- tree --> and <!-- /tree -->"
    assert shown[1] == tree()


def test_the_page_of_the_house_names_what_is_there():
    page = (ROOT / "docs" / "architecture.md").read_text()
    named = {name for name in re.findall(r"`([a-z_]+/[\w./-]+)`", page) if not re.search(r"[A-Z]{4}", name)}
    placed = {name if (ROOT / name.partition("/")[0]).is_dir() else f"scanner/{name}" for name in named}
    missing = {name for name in placed if not (ROOT / name).exists() and not (SCANNER / name).exists()}
    assert not missing


FORBIDDEN = {
    "a path of one machine": r"/wor[k]/|\.\./share[d]/",
    "something left to do": r"\b(TOD[O]|FIXM[E]|XX[X])\b",
    "something unfinished": r"\b[Ss]tu[b]s?\b|\b[Pp]laceholde[r]s?\b(?!=|\()",
    "a tool of the workplace": r"\.librar[y]\b|/tmp/brie[f]\b",
    "a bare number of a tracker": r"(?<![\w/])[Ii]ssu[e] #?\d+\b",
}
"""What would date or place a file; written so that this file does not match itself."""

TEXT = [
    p
    for p in tracked()
    if p.suffix not in {".png", ".jpg", ".ico", ".woff2", ".gz", ".lock", ".bin"} and p.name != "LICENSE"
]


@cache
def text_of(path: Path) -> str:
    return path.read_text(errors="replace")


@pytest.mark.parametrize("kind", FORBIDDEN)
def test_no_tracked_file_holds(kind):
    pattern = re.compile(FORBIDDEN[kind])
    found = []
    for path in TEXT:
        if "data" in path.relative_to(ROOT).parts:
            continue  # recorded answers of others
        text = text_of(path)
        for number, line in enumerate(text.splitlines() if pattern.search(text) else (), 1):
            if pattern.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}")
    assert not found, "\n".join(found)
