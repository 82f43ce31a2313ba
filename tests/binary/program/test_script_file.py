"""What Python, Node and Perl load first is no start where it is not there, or is for another CPU; they are the witnesses."""

import io
import os
import shutil
import subprocess
import sys
import zipfile

import pytest
from playwright._impl._driver import compute_driver_executable  # which brings a Node along

from scanner.binary.inspect import inspect
from scanner.domain.verdict.reason import Reason

LOADER = "/lib64/ld-linux-x86-64.so.2"
PLACES = {"python3": sys.executable, "node": compute_driver_executable()[0], "perl": shutil.which("perl")}
ARM = object()
TAG = "cpython-311-aarch64-linux-gnu"
OWN_TAG = "cpython-311-x86_64-linux-gnu"

SERVER = {
    "server/uvicorn": "import importlib, sys\nsys.path.insert(0, '')\nimportlib.import_module(sys.argv[-1].partition(':')[0])"
}
"""What servers do with their last word, no more."""

HOOK = "require.extensions['.ts'] = () => {}"
EMPTY_NATIVE = object()

FOREIGN = {
    "import": ("python3 main.py", {"main.py": "import os\nimport native\n", "native.so": ARM}),
    "behind words": (
        "python3 -u main.py",
        {"main.py": '#!/x\n"""Words.\n\nimport os"""\n# more\nA = "x"\nimport json, native as n  # y\n', "native.abi3.so": ARM},
    ),
    "before a source": ("python3 main.py", {"main.py": "import native", "native.so": ARM, "native.py": ""}),
    "package": ("python3 main.py", {"main.py": "import pkg", "pkg/__init__.py": "from . import _n\n", "pkg/_n.so": ARM}),
    "inner": ("python3 main.py", {"main.py": "from pkg._n import (f)", "pkg/__init__.py": "", "pkg/_n.so": ARM}),
    "namespace": ("python3 main.py", {"main.py": "from pkg import _n", "pkg/_n.so": ARM}),
    "by way of a module": ("python3 main.py", {"main.py": "import a", "a.py": "import b", "b.so": ARM}),
    "for another only": ("python3 main.py", {"main.py": "import native", f"native.{TAG}.so": ARM, "native.pyx": ""}),
    "module": ("python3 -m app", {"app/__main__.py": "import native", "native.so": ARM}),
    "module of a package": ("python3 -m app.run", {"app/__init__.py": "", "app/run.py": "from . import n", "app/n.so": ARM}),
    "served by its name": ("python3 server/uvicorn app.main:app", {**SERVER, "app/main.py": "import n", "n.so": ARM}),
    "called its own": ("python3 main.py", {"main.py": "import native", f"native.{OWN_TAG}.so": ARM}),
    "required by no name": ("node main", {"main.js": "require('./a')", "a.node": ARM}),
    "require": ("node main.js", {"main.js": "'use strict'\nconst a = require('./a.node');\n", "a.node": ARM}),
    "require by way": ("node main.js", {"main.js": "/*\n x\n*/\nrequire('./lib')", "lib/index.js": 'require("../a")', "a.node": ARM}),
}  # fmt: skip

STARTS = {
    "native": ("python3 main.py", {"main.py": "import os\nprint(1)"}),
    "tried": ("python3 main.py", {"main.py": "try:\n    import native\nexcept ImportError:\n    pass\n", "native.so": ARM}),
    "behind an end": ("python3 main.py", {"main.py": "import sys\nsys.exit(0)\nimport native\n", "native.so": ARM}),
    "elsewhere first": (
        "python3 main.py",
        {"main.py": "import sys\nsys.path.insert(0, 'x')\nimport native", "native.so": ARM, "x/native.py": ""},
    ),
    "by a module": (
        "python3 main.py",
        {"main.py": "import a\nimport native", "a.py": "import sys; sys.path.insert(0, 'x')", "native.so": ARM, "x/native.py": ""},
    ),
    "in a text": ("python3 main.py", {"main.py": '"""\nimport native\n"""\n', "native.so": ARM}),
    "package before": ("python3 main.py", {"main.py": "import native", "native.so": ARM, "native/__init__.py": ""}),
    "source beside another's": ("python3 main.py", {"main.py": "import native", f"native.{TAG}.so": ARM, "native.py": ""}),
    "called its own, of another version, beside another module": (
        "python3 main.py",
        {"main.py": "import native", "native.cpython-310-x86_64-linux-gnu.so": ARM, "site/native.py": ""},
        {"PYTHONPATH": "site"},
    ),
    "isolated": ("python3 -I main.py", {"main.py": "import json", "json.so": ARM}),
    "attribute": ("python3 main.py", {"main.py": "from pkg import n", "pkg/__init__.py": "n = 1\n", "pkg/x.so": ARM}),
    "attribute of that name": ("python3 main.py", {"main.py": "from pkg import n", "pkg/__init__.py": "n = 1\n", "pkg/n.so": ARM}),
    "attribute taken": ("python3 main.py", {"main.py": "from pkg import n", "pkg/__init__.py": "import os as n\n", "pkg/n.so": ARM}),
    "attribute of a module": ("python3 main.py", {"main.py": "from a import n", "a.py": "n = 1\n", "a/n.so": ARM}),
    "package behind a bare directory": (
        "python3 main.py", {"main.py": "from pkg import n", "pkg/n.so": ARM, "site/pkg/__init__.py": "n = 1"}, {"PYTHONPATH": "site"}
    ),
    "module behind a bare directory": (
        "python3 main.py", {"main.py": "from pkg import n", "pkg/n.so": ARM, "site/pkg.py": "n = 1"}, {"PYTHONPATH": "site"}
    ),
    "archive": (
        "python3 main.py", {"main.py": "import native", f"native.{TAG}.so": ARM, "x.zip": EMPTY_NATIVE}, {"PYTHONPATH": "x.zip"}
    ),
    "ended behind words": ("python3 main.py", {"main.py": '"""\n"""; exit(0)\nimport native', "native.so": ARM}),
    "quotes in a text": ("python3 main.py", {"main.py": '"""\\"""\nimport native\n"""\n', "native.so": ARM}),
    "own directory": ("python3 .", {"__main__.py": "print(1)"}),
    "module there": ("python3 -X dev -m app", {"app.py": ""}),
    "module of Python's": ("python3 -m this", {}),
    "tried by node": ("node main.js", {"main.js": "try {\nrequire('./a.node')\n} catch {}\n", "a.node": ARM}),
    "script before": ("node main.js", {"main.js": "require('./a')", "a.js": "", "a.node": ARM}),
    "directory of node's": ("node .", {"index.js": ""}),
    "file beside a directory": ("node app", {"app.js": "", "app/x": ""}),
    "ended by its directory": ("node main.js", {"main.js": "require('.')\nrequire('./a.node')", "index.js": "process.exit(0)", "a.node": ARM}),
    "directory before a script": ("node main.js", {"main.js": "require('./a/')", "a/index.js": "", "a.js": "require('./a.node')", "a.node": ARM}),
    "other endings": ("node --require=./hook.js src", {"hook.js": HOOK, "src/index.ts": ""}),
    "other endings by a variable": ("node src", {"hook.js": HOOK, "src/index.ts": ""}, {"NODE_OPTIONS": "--require=./hook.js"}),
    "words of its own": ("node --eval=1 main.js", {}),
    "ended": ("node main.js", {"main.js": "process.exit(0)\nrequire('./a.node')", "a.node": ARM}),
}  # fmt: skip

LACKING = {
    "directory": ("python3 main.py", {"main.py/x": ""}, Reason.ENTRYPOINT_DIRECTORY),
    "bare directory": ("python3 app", {"app/x": ""}, Reason.ENTRYPOINT_DIRECTORY),
    "gone": ("python3 -Wignore main.py", {}, Reason.ENTRYPOINT_MISSING),
    "module gone": ("python3 -m app", {"apps.py": ""}, Reason.BINARY_UNKNOWN),
    "module of a package gone": ("python3 -m app.run", {}, Reason.BINARY_UNKNOWN),
    "node's directory": ("node app", {"app/x.js": ""}, Reason.ENTRYPOINT_DIRECTORY),
    "perl's directory": ("perl main.pl", {"main.pl/x": ""}, Reason.ENTRYPOINT_DIRECTORY),
}


def _bytes(build, what):
    if what is EMPTY_NATIVE:
        with zipfile.ZipFile(archive := io.BytesIO(), "w") as entries:
            entries.writestr("native.py", "")
        return archive.getvalue()
    return build.elf(machine=183, kind=3) if what is ARM else what.encode()


async def judged(images, build, argv, files, **process):
    program = build.elf(interp=LOADER, kind=3)
    entries = [(f"bin/{name}", program) for name in PLACES] + [(LOADER.lstrip("/"), build.elf(kind=3))]
    entries += [("usr/lib/python3.11/this.py", {"mode": 0o644, "content": b""}), ("srv", build.directory)]
    for name, what in files.items():
        entries.append((f"srv/{name}", {"mode": 0o644, "content": _bytes(build, what)}))
    given = {"path": "/bin", "working_dir": "/srv"} | process
    return await inspect(build.offer(images.layer(entries), entrypoint=argv, **given), None, images.open)


def starts(build, folder, argv, files, **variables):
    for name, what in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_bytes(build, what))
    words, env = [PLACES[argv[0]], *argv[1:]], {**os.environ, **variables}
    return subprocess.run(words, cwd=folder, env=env, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("case", FOREIGN)
async def test_a_native_part_for_another_cpu_that_is_surely_loaded_stops_its_program(images, build, tmp_path, case):
    argv, files = FOREIGN[case]
    found = await judged(images, build, argv.split(), files)
    assert not starts(build, tmp_path, argv.split(), files)
    assert found.problem is not None
    assert found.problem.reason is Reason.WRONG_LIBRARY


@pytest.mark.parametrize("case", STARTS)
async def test_what_the_interpreter_does_without_is_no_problem(images, build, tmp_path, case):
    argv, files, variables = (*STARTS[case], {})[:3]
    found = await judged(images, build, argv.split(), files, env=tuple(variables.items()))
    assert starts(build, tmp_path, argv.split(), files, **variables)
    assert found.problem is None


@pytest.mark.parametrize("case", LACKING)
async def test_what_the_interpreter_cannot_run_is_no_start(images, build, tmp_path, case):
    argv, files, reason = LACKING[case]
    found = await judged(images, build, argv.split(), files)
    assert not starts(build, tmp_path, argv.split(), files)
    assert found.problem is not None
    assert found.problem.reason is reason


@pytest.mark.parametrize(
    ("argv", "process", "is_known"),
    [
        (("python3", "/bin/gunicorn", "-b", "0.0.0.0:80", "app.wsgi:app"), {}, True),
        (("python3", "/bin/uvicorn", "app:app", "--port", "80"), {}, True),
        (("python3", "/bin/gunicorn", "-b", "unix:sock"), {}, False),
        (("python3", "/bin/gunicorn", "--chdir", "/data", "app:app"), {"volumes": ("/data",)}, False),
        (("python3", "/bin/gunicorn", "--chdir", "/data", "app:app"), {}, True),
        (("python3", "-m", "app"), {"volumes": ("/srv/data",)}, False),
        (("python3", "-m", "app"), {"volumes": ("/data",)}, True),
        (("python3", "-m", "app"), {"env": (("PYTHONPATH", "/app.zip"),)}, False),
        (("python3", "-m", "app"), {"env": (("PYTHONPATH", "/srv"),)}, True),
    ],
)
async def test_a_module_that_is_nowhere_in_the_image_is_not_known_to_run(images, build, argv, process, is_known):
    found = await judged(images, build, argv, {"gunicorn": ""}, **process)
    assert (found.problem is not None) is is_known
