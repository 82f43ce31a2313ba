"""Kinds of images whose script starts programs at once, feeds them, gives them variables, or asks of its shell what that
cannot do."""

from __future__ import annotations

from tests.real.images import File
from tests.system.truth.build import Tree
from tests.system.truth.programs import FOREIGN, NATIVE
from tests.system.truth.shells import APPLETS, BASH, SERVER, Script, twins
from tests.system.truth.userland import busybox

S = f"/{SERVER}"
LAST: Tree = {"last": NATIVE}
ASH = "/usr/bin/busybox sh"

PIPES = (
    Script("pipe-to-missing", f"{S} | tee /log"),
    Script("pipe-to-tee", f"{S} | tee /log", tree=busybox("tee")),
    Script("pipe-to-missing-behind-and", f"true && {S} | tee /log"),
    Script("pipe-to-missing-in-braces", f"{{ {S}; }} | tee /log"),
    Script("pipe-to-missing-in-a-subshell", f"( {S} | tee /log )"),
    Script("pipe-of-a-subshell-to-missing", f"( {S} ) | tee /log"),
    Script("pipe-of-exec-to-missing", f"exec {S} | tee /log"),
    Script("pipe-in-a-function-to-missing", f"run() {{ {S} | tee /log; }}\nrun"),
    Script("pipe-of-three-to-missing", f"{S} | cat | tee /log", tree=APPLETS),
    Script("pipe-with-missing-in-its-middle", f"{S} | colour x | cat", tree=APPLETS),
    Script("pipe-from-missing", f"nothere | {S}"),
    Script("pipe-of-errors-to-missing", f"{S} 2>&1 | logger -t x"),
    Script("pipe-to-missing-script", f"{S} | /log.sh"),
    Script("pipe-to-script-not-executable", f"{S} | /log.sh", tree={"log.sh": File(b"#!/bin/sh\ncat\n", mode=0o644)}),
    Script("pipe-to-script", f"{S} | /log.sh", tree={"log.sh": b"#!/bin/sh\nexec cat\n", **APPLETS}),
    Script("pipe-to-script-that-lacks-a-tool", f"{S} | /log.sh", tree={"log.sh": b"#!/bin/sh\nexec tee /log\n"}),
    Script("pipe-to-missing-or-another", f"{S} | {{ tee /log || cat; }}", tree=APPLETS),
    Script("pipe-to-missing-or-exit", f"{S} | tee /log || exit 1"),
    Script("pipe-to-missing-or-echo", f"{S} | tee /log || echo hello"),
    Script("pipe-to-missing-then-last", f"{S} | tee /log\nexec /last", tree=LAST),
    Script("pipe-to-missing-in-a-condition", f"if {S} | grep -q hello; then exec /last; fi\nexit 3", tree=LAST),
    Script("pipe-to-missing-in-a-word", f"set -e\nX=$({S} | tee /log)\nexec /last", tree=LAST),
    Script("pipe-to-what-was-looked-for", f"command -v tee >/dev/null && {S} | tee /log || {S}"),
    Script("pipe-to-what-was-linked", f"ln -s busybox /usr/bin/tee\n{S} | tee /log", tree={**busybox(), **busybox("ln")}),
    Script("bash-pipe-of-both-to-missing", f"{S} |& tee /log", shell=BASH),
    Script("bash-pipe-of-both", f"{S} |& cat", shell=BASH, tree=APPLETS),
    Script("sh-pipe-of-both", f"{S} |& cat", tree=APPLETS),
    Script("bash-pipefail-from-missing", f"set -eo pipefail\nnothere | {S}", shell=BASH),
    Script("bash-pipefail-with-missing", f"set -eo pipefail\n{S} | colour | cat\nexec /last", shell=BASH, tree={**LAST, **APPLETS}),
    Script("ash-pipe-to-missing", f"{S} | colour", shell=ASH, tree=APPLETS),
    Script("ash-pipe-to-applet", f"{S} | tee /log", shell=ASH, tree=busybox()),
    Script("beside-it-missing", f"{S} &\ntee /log"),
    Script("beside-it-missing-then-wait", f"{S} &\nnothere\nwait"),
    Script("beside-it-a-pipe-to-missing", f"{S} | tee /log &\nwait $!"),
    Script("behind-it-missing", f"{S}\ntee /log"),
    Script("behind-it-missing-waited-for", f"set -e\n{S} migrate\ncurl x\nexec /last", tree=LAST),
    Script("behind-it-missing-forgiven", f"set -e\n{S} migrate\ncurl x || true\nexec /last", tree=LAST),
)  # fmt: skip

LACKING = (
    Script("missing-then-echo", "nothere; echo hello"),
    Script("missing-or-echo", "nothere || echo hello"),
    Script("sh-word-of-bash", f"X=${{Y^^}}\nexec {S}"),
    Script("sh-substring", f"X=${{PATH:0:1}}\nexec {S}"),
    Script("sh-double-bracket", f'if [[ -n "$PATH" ]]; then exec {S}; fi\nexit 3'),
    Script("sh-local-outside", f"local x=1\nexec {S}"),
    Script("bash-local-outside", f"local x=1\nexec {S}", shell=BASH),
    Script("sh-let", f"set -e\nlet x=1\nexec {S}"),
    Script("sh-increment", f"x=1\nx=$((x++))\nexec {S}"),
    Script("sh-grep-of-no-file", f"set -e\ngrep -q x /etc/nowhere\nexec {S}", tree=busybox("grep")),
    Script("sh-noclobber", f"set -eC\necho x >/etc/there\nexec {S}", tree={"etc/there": b"x"}),
    Script("sh-noclobber-forced", f"set -eC\necho x >|/etc/there\nexec {S}", tree={"etc/there": b"x"}),
    Script("tee-foreign-before", f"echo x | tee /log\nexec {S}", tree={"usr/bin/tee": FOREIGN}),
)  # fmt: skip

FED = (
    Script("fed-here-document", f"sh <<'EOF'\n{S}\nEOF"),
    Script("fed-here-document-with-words", f"exec sh -s web <<'EOF'\n[ \"$1\" = web ] && exec {S}\nEOF"),
    Script("fed-here-document-expanded", f"BIN={S}\nbash <<EOF\nexec $BIN\nEOF", shell=BASH),
    Script("fed-here-string", f"bash <<< 'exec {S}'", shell=BASH),
    Script("fed-by-echo", f"echo 'exec {S}' | sh"),
    Script("fed-by-cat", f"cat <<EOF | sh\nexec {S}\nEOF", tree=APPLETS),
    Script("fed-by-program", "/last | sh", tree=LAST),
    Script("fed-by-file", "sh </run.sh", tree={"run.sh": f"exec {S}\n".encode()}),
    Script("fed-two-programs", f"sh <<'EOF'\n/last\n{S}\nEOF", tree=LAST),
    Script("here-document-then-server", f"cat <<EOF >/dev/null && exec {S}\nx\nEOF", tree=APPLETS),
    Script("here-document-into-two", f"cat <<EOF | cat | {{ read -r x; exec $x; }}\n{S}\nEOF", tree=APPLETS),
)

BESIDE = (
    Script("two-beside-waited-for", f"/last &\n{S} &\nwait", tree=LAST),
    Script("two-beside-each-waited-for", f"/last & a=$!\n{S} & b=$!\nwait $a && wait $b", tree=LAST),
    Script("absent-behind-a-step", f"set -e\n/last prepare\nflock /lock true\nexec {S}", tree=LAST),
)

GIVEN = (
    Script("function-given-a-variable", f'run() {{ exec "$BIN"; }}\nBIN={S} run'),
    Script("function-given-a-path", "run() { server; }\nPATH=/opt/app/bin:$PATH run"),
    Script(
        "bash-array-by-name",
        f'declare -A d=([/data]=1)\nd[/x]=1\nmkdir -p "${{!d[@]}}"\nexec {S}',
        shell=BASH,
        tree=APPLETS,
    ),
    Script(
        "bash-array-of-a-function", f'f() {{ local -a a=(/last); }}\nf\nexec "${{a[0]:-{S}}}"', shell=BASH, tree=LAST
    ),
    Script("split-at-colons", f"IFS=:\nset -- /last:{S}\nA=/last:{S}\nset -- $A\nexec $2", tree=LAST),
    Script("getopts-of-no-option", f"while getopts p: o; do case $o in p) ;; *) exit 2;; esac; done\nexec {S}", ["-z"]),
    Script(
        "ash-double-bracket",
        f'if [[ "$1" = web ]]; then exec {S}; fi\nexec /last',
        ["web"],
        shell=ASH,
        tree={**LAST, **busybox()},
    ),
    Script(
        "ash-double-bracket-of-patterns",
        f'if [[ "$1" == w* ]]; then exec {S}; fi\nexec /last',
        ["web"],
        shell=ASH,
        tree={**LAST, **busybox()},
    ),
    Script("getopts-then-server", 'while getopts p: o; do :; done\nshift $((OPTIND-1))\nexec "$@"', ["-p", "1", S]),
)

KINDS = tuple(kind for each in (*PIPES, *LACKING, *FED, *BESIDE, *GIVEN) for kind in twins(each))
