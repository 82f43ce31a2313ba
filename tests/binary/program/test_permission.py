"""Permission bits, held against the kernel of this machine."""

import itertools
import json
import subprocess
import sys

import pytest

from scanner.binary.layers.usage import Rights
from scanner.binary.program.permission import Wish, allows
from scanner.binary.program.user import ProcessRights

MODES = (0o000, 0o001, 0o010, 0o100, 0o004, 0o040, 0o400, 0o111, 0o444, 0o700, 0o750, 0o711, 0o705, 0o070, 0o077, 0o755)
OWNERS = ((0, 0), (1000, 0), (0, 1000), (1000, 1000), (5, 50))
PEOPLE = ((0, (0,)), (1000, (1000,)), (1000, (0,)), (1000, (7, 50)), (2000, (0, 1000)), (2000, (9,)))
CASES = list(itertools.product(MODES, OWNERS, PEOPLE))

ASK_THE_KERNEL = """
import itertools, json, os, sys, tempfile
modes, owners, people = json.loads(sys.argv[1])
answers = []
with tempfile.TemporaryDirectory() as folder:
    os.chmod(folder, 0o755)
    path = os.path.join(folder, "file")
    open(path, "w").close()
    for mode, (uid, gid), (who, groups) in itertools.product(modes, owners, people):
        os.chown(path, uid, gid)
        os.chmod(path, mode)
        os.setgroups(groups)
        os.setegid(groups[0])
        os.seteuid(who)
        answers.append([os.access(path, wish, effective_ids=True) for wish in (os.X_OK, os.R_OK, os.W_OK)])
        os.seteuid(0)
        os.setegid(0)
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def kernel(require_root):
    words = json.dumps([MODES, OWNERS, PEOPLE])
    done = subprocess.run([sys.executable, "-c", ASK_THE_KERNEL, words], capture_output=True, check=True, timeout=60)
    return dict(zip(CASES, json.loads(done.stdout), strict=True))


def _wants(rights, who, wish):
    """Root's execute bit is asked for before anybody is: a program without any is none."""
    may = allows(rights, who, wish)
    return may and bool(rights.mode & 0o111) if wish is Wish.EXECUTE and who.uid == 0 else may


def test_bits_and_owners_are_weighed_as_the_kernel_does(kernel):
    for (mode, owner, (uid, groups)), answers in kernel.items():
        who, rights = ProcessRights(uid, frozenset(groups)), Rights(mode, *owner)
        found = [_wants(rights, who, wish) for wish in (Wish.EXECUTE, Wish.READ, Wish.WRITE)]
        assert found == answers, f"{mode:o} of {owner} for {uid} in {groups}"


def test_a_doubt_is_only_left_where_owner_or_groups_would_tell(kernel):
    for (mode, owner, (uid, groups)), answers in kernel.items():
        unsure = allows(Rights(mode, *owner), ProcessRights(uid), Wish.READ)
        assert unsure in {None, answers[1]}, f"{mode:o} of {owner} for {uid} in {groups}"
        nobody_s = allows(Rights(mode, None, None), ProcessRights(uid, frozenset(groups)), Wish.READ)
        assert nobody_s in {None, answers[1]}
