"""Packages that a program of Python's imports at its start, with native parts for another CPU; Python is the witness."""

import pytest

from scanner.domain.verdict.reason import Reason
from tests.binary.program.interpreted import ARM, OWN, judged, starts

TAG = "cpython-311-aarch64-linux-gnu"
BCRYPT = {
    "site/bcrypt/__init__.py": "from ._bcrypt import (\n    hashpw,  # does the work\n)\n",
    "site/bcrypt/_bcrypt.abi3.so": ARM,
}
SPEEDUPS = {
    "site/markup/__init__.py": "try:\n    from ._speedups import escape\nexcept ImportError:\n    from ._native import escape\n",
    "site/markup/_native.py": "escape = str\n",
    f"site/markup/_speedups.{TAG}.so": ARM,
}
IMAGING = "try:\n    from . import _imaging as core\nexcept ImportError as v:\n    if str(v).startswith('x'):\n        print(v)\n    raise\n"

LOADED = {
    "package": ("import bcrypt", BCRYPT),
    "behind other statements": ('"""Words; of\n\nseveral lines"""\nimport os, sys\nNAME = os.getenv("N")\nimport bcrypt as b\n', BCRYPT),
    "by a package of its own": ("from app import run", {**BCRYPT, "app/__init__.py": "", "app/run.py": "import bcrypt\n"}),
    "by another package": ("import passlib", {**BCRYPT, "site/passlib/__init__.py": "def f(): pass\nf()\nimport bcrypt\n"}),
    "tried, but thrown on": ("try:\n    import bcrypt\nexcept ImportError as e:\n    raise SystemExit(1) from e\n", BCRYPT),
    "what is tried instead": (
        "try:\n    import bcrypt\nexcept ImportError:\n    import other\n",
        {**BCRYPT, f"site/other.{TAG}.so": ARM},
    ),
    "imaging": ("from PIL import Image", {"site/PIL/__init__.py": "", "site/PIL/Image.py": IMAGING, f"site/PIL/_imaging.{TAG}.so": ARM}),
    "beside its description": (
        "import core",
        {"site/core/__init__.py": "from ._core import f\n", f"site/core/_core.{TAG}.so": ARM, "site/core/_core/__init__.pyi": ""},
    ),
    "beside its sources": ("from lxml import etree", {"site/lxml/__init__.py": "", f"site/lxml/etree.{TAG}.so": ARM, "site/lxml/etree.h": ""}),
    "as its own program": ("if __name__ == '__main__':\n    import bcrypt\n", BCRYPT),
    "on its system": ("import sys\nif sys.platform.startswith('linux'):\n    import bcrypt\n", BCRYPT),
    "kept from other errors": ("try:\n    import bcrypt\nexcept KeyError:\n    pass\n", BCRYPT),
    "two dots": ("import a.b.c", {"site/a/__init__.py": "", "site/a/b/__init__.py": "", "site/a/b/c.py": "from ..n import f\n", "site/a/n.so": ARM}),
}  # fmt: skip
"""By what is said of it the main script, with the packages that stand beside it."""

DOES_WITHOUT = {
    "right": ("import bcrypt", {**BCRYPT, "site/bcrypt/_bcrypt.abi3.so": OWN}),
    "accelerator": ("import markup", SPEEDUPS),
    "accelerator of another package": ("import flask", {**SPEEDUPS, "site/flask/__init__.py": "import markup\n"}),
    "tried": ("try:\n    import bcrypt\nexcept ImportError:\n    bcrypt = None\n", BCRYPT),
    "suppressed": ("from contextlib import suppress\nwith suppress(ImportError):\n    import bcrypt\n", BCRYPT),
    "for checkers of types": ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import bcrypt\n", BCRYPT),
    "on another system": ("import sys\nif sys.platform == 'win32':\n    import bcrypt\n", BCRYPT),
    "tried, before something is called": ("try:\n    import bcrypt\nexcept ImportError:\n    bcrypt = None\nrepr(bcrypt)\n", BCRYPT),
    "for checkers of types in one line": (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING: import os; import bcrypt\n",
        BCRYPT,
    ),
    "never imported": ("import json", BCRYPT),
    "never imported, while something is called": ("import json\nprint(json.dumps(1))\n", BCRYPT),
    "in a function that nobody calls": ("def later():\n    import bcrypt\n", BCRYPT),
    "in a function of a package": ("import hashes", {**BCRYPT, "site/hashes.py": "def f():\n    import bcrypt\n"}),
    "twins": (
        "import twin",
        {"site/twin/__init__.py": "", "site/twin/linux-arm64/n.so": ARM, "site/twin/linux-amd64/n.so": OWN},
    ),
}  # fmt: skip

DECIDED_AT_RUN_TIME = {
    "behind a call of its own": ("print\ndef go(): pass\ngo()\nimport bcrypt\n", BCRYPT),
    "by a function of a package that is called": (
        "import bcrypt\nbcrypt.new()\n",
        {"site/bcrypt/__init__.py": "def new():\n    import _backend\n", f"site/_backend.{TAG}.so": ARM},
    ),
    "by a function of its package that is called": (
        "import bcrypt\nbcrypt.new()\n",
        {**BCRYPT, "site/bcrypt/__init__.py": "def new():\n    from . import _bcrypt\n"},
    ),
    "by a function of another package that is called": (
        "import sys, hashes\nsys.exit(hashes.f())\n",
        {**BCRYPT, "site/hashes.py": "def f():\n    import bcrypt\n"},
    ),
    "by a package that is told its name": (
        "import web\nweb.run('b' + 'crypt')\n",
        {**BCRYPT, "site/web.py": "from importlib import import_module\n\n\ndef run(name):\n    import_module(name)\n"},
    ),
    "in a method of its own": ("class A:\n    def f(self):\n        import bcrypt\n\n\nA().f()\n", BCRYPT),
    "by a package that may mean a module beside the program": (
        "import hashes",
        {**BCRYPT, "site/hashes.py": "import bcrypt\n", "bcrypt.py": "raise SystemExit(1)"},
    ),
    "by a name": ("import importlib\nimportlib.import_module('bcrypt')\n", BCRYPT),
    "in a function that is called": ("def main():\n    import bcrypt\n\n\nmain()\n", BCRYPT),
    "under a condition": ("import os\nif not os.environ.get('NO_BCRYPT'):\n    import bcrypt\n", BCRYPT),
}


def _files(case, rows):
    main, files = rows[case]
    return {**files, "main.py": main}


@pytest.mark.parametrize("case", LOADED)
async def test_a_package_that_is_surely_imported_for_another_cpu_stops_its_program(images, build, tmp_path, case):
    files = _files(case, LOADED)
    found = await judged(images, build, ["python3", "main.py"], files)
    assert not starts(build, tmp_path, ["python3", "main.py"], files)
    assert found.problem is not None
    assert found.problem.reason is Reason.WRONG_LIBRARY


@pytest.mark.parametrize("case", DOES_WITHOUT)
async def test_a_program_that_does_without_a_part_is_told_nothing_of_it(images, build, tmp_path, case):
    files = _files(case, DOES_WITHOUT)
    found = await judged(images, build, ["python3", "main.py"], files)
    right = "n.so" in str(files) or case == "right" or starts(build, tmp_path, ["python3", "main.py"], files)
    assert (found.problem, found.at_run_time, right) == (None, "", True)


@pytest.mark.parametrize("case", DECIDED_AT_RUN_TIME)
async def test_a_package_that_only_the_run_can_tell_of_is_left_to_the_survey(images, build, tmp_path, case):
    files = _files(case, DECIDED_AT_RUN_TIME)
    found = await judged(images, build, ["python3", "main.py"], files)
    assert not starts(build, tmp_path, ["python3", "main.py"], files)
    assert found.problem is None
    assert "bcrypt" in found.at_run_time or "_backend" in found.at_run_time


async def test_blocks_in_each_other_in_modules_that_import_each_other_are_a_doubt(images, build):
    def nested(text):
        return "".join(f"{' ' * at}if a:\n" for at in range(30)) + f"{' ' * 30}{text}\n"

    files = {f"site/m{at}.py": nested(f"import m{at + 1}") for at in range(24)}
    found = await judged(images, build, ["python3", "main.py"], {**BCRYPT, **files, "main.py": nested("import m0")})
    assert found.problem is None
    assert "_bcrypt" in found.at_run_time


@pytest.mark.parametrize(
    "argv", [["python3", "-c", "import bcrypt"], ["python3", "-m", "main"], ["python3", "-I", "-m", "bcrypt"]]
)
async def test_what_a_text_or_a_module_imports_is_followed_like_a_script(images, build, argv):
    found = await judged(images, build, argv, {**BCRYPT, "main.py": "import bcrypt\n"})
    assert found.problem is not None


async def test_an_interpreter_whose_words_nobody_knows_is_left_to_the_survey(images, build):
    found = await judged(images, build, ["python3", "-E", "--check-hash-based-pycs", "always", "main.py"], BCRYPT)
    assert found.problem is None
    assert "_bcrypt.abi3.so" in found.at_run_time


@pytest.mark.parametrize(
    ("argv", "path"),
    [
        (["perl", "app.pl"], "/usr/lib/x86_64-linux-gnu/perl5/5.36/auto/DBI/DBI.so"),
        (["ruby", "app.rb"], "/usr/local/bundle/gems/bcrypt-3.1.20/lib/bcrypt_ext.so"),
        (["php", "app.php"], "/usr/local/lib/php/extensions/no-debug-non-zts-20220829/redis.so"),
        (["lua", "app.lua"], "/usr/local/lib/lua/5.4/cjson.so"),
    ],
)
async def test_parts_for_another_cpu_of_languages_that_nobody_follows_are_left_to_the_survey(images, build, argv, path):
    files = {argv[1]: "print(1)"}
    foreign = await judged(images, build, argv, {**files, path: ARM})
    right = await judged(images, build, argv, {**files, path: OWN})
    assert (path in foreign.at_run_time, right.at_run_time) == (True, "")


@pytest.mark.parametrize(
    "parts",
    [
        {"site/bcrypt/_bcrypt.abi3.so": OWN},
        {"site/bcrypt/_bcrypt.abi3.so": OWN, "/usr/lib/i386-linux-gnu/libz.so.1": ARM, "/usr/lib/valgrind/x.so": ARM},
        {
            "site/bcrypt/_bcrypt.x86_64.so": OWN,
            "site/bcrypt/_bcrypt.aarch64.so": ARM,
            "site/bcrypt/_bcrypt.abi3.so": OWN,
        },
    ],
)
async def test_a_healthy_image_is_read_once_whatever_its_packages_hold(images, build, parts):
    files = {**BCRYPT, **parts, "main.py": "import bcrypt\n"}
    await judged(images, build, ["python3", "main.py"], files)
    assert len(images.opened) == len(set(images.opened))
