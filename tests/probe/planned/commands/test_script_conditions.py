"""Conditions of scripts, with what they stand on, beside what real shells start."""

from scanner.probe.planned.commands.command_lines import find
from scanner.probe.planned.commands.run_as import RUN_BY
from tests.probe.planned.commands.test_followed_scripts import real, started
from tests.rows import each_row

CONDITIONS = [
    "case $X in '') I=a;; *) I=b;; esac; docker run $I", 'while [ -n "$X" ]; do docker run a; done; docker run b', 'if [ -n "$X" ]; then docker run a; else docker run b; fi',
    # what a left side does to a right one
    'x=a; if x=b && [ "$x" = b ]; then docker run a; else docker run b; fi', 'if x=$(echo y | cat) && [ -n "$x" ]; then docker run a; fi', 'if read -r x </etc/passwd && [ -n "$x" ]; then docker run a; fi',
    'load() { MODE=prod; }; if load && [ "$MODE" = prod ]; then docker run a; fi', "set -- a b; if shift && [ $1 = b ]; then docker run a; fi", "if { m=p && [ $m = p ]; }; then docker run a; fi", 'm=; if [ -n "${m:=p}" ] && [ $m = p ]; then docker run a; fi',
    'm=; case ${m:=p} in "$m") docker run a;; *) docker run b;; esac', "set -- -a; if getopts a o && [ $o = a ]; then docker run a; fi", 'while read -r x && [ -n "$x" ]; do docker run a; done </etc/hosts',
    # redirections, builtins that fail
    ": >/none/f || docker run b", "[ a = a ] </none || docker run b", "if { :; } >/none/f; then docker run a; else docker run b; fi", "printf %d abc || docker run b", "echo x >/none/f || docker run b",
    "x=${y:-$(false)} || docker run a", "[ a = b ] >/dev/null 2>&1 || docker run b", "true 5>&9 || docker run b", "f() { export 1a=2; }; (f) || docker run b",
    # what a shell sets by itself
    'if [ "$HOSTTYPE" = "$(uname -m)" ]; then docker run a; else docker run b; fi', 'if [ -n "$BASH_VERSION" ]; then docker run a; else docker run b; fi', "docker run ${OSTYPE:-a}", '[ -z "$SHLVL" ] && exit; docker run a', "SECONDS=0; case $SECONDS in [0-9]*) docker run a;; esac",
    # places of parameters
    'set -- $(cat /dev/null) prod; case "$1" in prod) docker run a;; *) docker run b;; esac', 'set -- $(cat /dev/null) prod x; shift; case "$1" in prod) docker run a;; x) docker run b;; esac', "set -- $(echo x y | cat) prod; if [ $2 = prod ]; then docker run a; else docker run b; fi",
    "set -- /etc/pass* /none; if [ $# = 2 ]; then docker run a; else docker run b; fi", 'f() { docker run "$2"; }; f "$(echo x | cat)" a', 'if [ "$(echo /etc/passw*)" = "/etc/passw*" ]; then docker run a; else docker run b; fi', 'X="/etc/pass*"; [ "$(echo $X)" = "$X" ] || docker run b',
    # what loops set
    "i=0; x=a; while [ $(echo $i | cat) -lt 2 ]; do i=$((i+1)); [ $x = b ] && docker run b; eval x=b; done; docker run $x", "x=a; set_x() { x=b; }; g=set_x; for i in $(echo 1 2 | cat); do [ $x = b ] && docker run b; $g; done; docker run $x",
    "for i in $(echo 1 2 | cat); do [ ${x:-a} = b ] && docker run b; : ${x:=b}; done", 'x=; for i in $(echo 1 2 | cat); do [ -n "$x" ] && docker run b; y=$((x=1)); done', 'for i in $(echo 1 2 | cat); do [ "$REPLY" = go ] && docker run a; command read REPLY <<X\ngo\nX\ndone',
    "x=0; for i in $(echo 1 2 | cat); do [ $x = 1 ] && docker run b; case $((x=1)) in 1) :;; esac; done", "cd /; for i in $(echo 1 2 | cat); do [ $PWD = /etc ] && docker run b; cd /etc; done",
    # ways that meet
    "if [ -f /etc/passwd ]; then go() { docker run a; }; else go() { docker run b; }; fi; go", "if [ -f /none ]; then docker() { :; }; fi; docker run a", "MODE=prod; [ -f /none ] && export MODE; sh -c 'docker run ${MODE:-a}'",
    "f() { local x; docker run ${x:-a}; }; x=b; f", "for a in 1 2; do for b in x y; do I=$b; break 2; done; I=c; done; docker run $I", "for a in x y; do for b in 1 2; do continue 2; done; docker run never; done; docker run $a$b",
    "for a in 1 2; do for b in x y; do I=$b; [ -f /etc/passwd ] && break 2; done; I=c; done; docker run $I", "trap 'docker run $x' EXIT; if [ -f /etc/passwd ]; then x=a; exit; fi; x=b", "x=a; trap 'docker run $x' EXIT; x=b; exec true",
    "x=1; if [ -f /none ]; then :; else unset x; fi; docker run ${x+-d} ${x+b} a", "if [ -f /none ]; then x=1; fi; f() { local x=2; }; f; docker run ${x+-d} ${x+b} a",
    "for i in a b; do if [ -f /none ]; then continue; fi; T=c; break; done; docker run a:$T", "for i in a b; do for j in c d; do if [ -f /none ]; then continue; fi; x=e; break 2; done; x=f; done; docker run $x",
    "for i in $(echo 1 2 | cat); do go; go() { docker run a; }; done", "X=a,b; [ -f /etc/passwd ] && IFS=,; if [ $X = a,b ]; then docker run a; else docker run b; fi",
    # several words where one stands
    'if [ -f /etc/passwd ]; then set -- p q; fi; set -- "$@" x; if [ "$2" = x ]; then docker run a; else docker run b; fi', 'if [ -f /etc/passwd ]; then set -- p q; fi; f() { if [ "$2" = x ]; then docker run a; else docker run b; fi; }; f "$@" x',
    'if [ -f /etc/passwd ]; then set -- p q; fi; set -- "z$@" x; if [ $# = 2 ]; then docker run a; else docker run b; fi', 'set -- p q; set -- "z$@" x; if [ $# = 2 ]; then docker run a; else docker run b; fi',
    # traps
    "trap -- 'docker run a' EXIT", "x=0; ( trap 'docker run $x' EXIT; x=1 )", "(trap 'docker run a' EXIT); trap - EXIT", "trap 'docker run a' EXIT; if [ -f /etc/passwd ]; then exit; fi; trap 'docker run b' EXIT",
    "trap 'docker run a' EXIT; [ -f /etc/passwd ] && exit; trap - EXIT", "trap 'docker run a' EXIT; if [ -f /none ]; then trap - EXIT; fi", "set -e; trap 'docker run a' EXIT; false; trap - EXIT", "trap 'docker run a' TERM; kill -TERM $$; trap - TERM",
    "x=a; set -e; trap 'docker run $x' EXIT; false; x=b",
    "x=a; trap 'docker run $x' EXIT; " + "if [ -f /none ]; then exit; fi; " * 64 + "if [ -f /etc/passwd ]; then x=c; exit; fi; x=a",
    "if [ -f /none ]; then I=1; fi; docker run ${I+-d} ${I+b} a", 'IFS=,; set -- a b; docker run "$*" || :', "printf -- 'docker run a' | sh",
]  # fmt: skip
"""Conditions, with what they stand on: every way that a shell takes is planned, or a gap."""

CONDITIONS_OF_BASH = [
    "shopt -s nocasematch; case prod in PROD) docker run a;; *) docker run b;; esac", "shopt -s lastpipe; x=a; echo b | read x; docker run $x", "shopt -s execfail; exec /none/x; docker run a",
    "m=; if [[ -n ${m:=p} && $m = p ]]; then docker run a; fi", 'if ((n=3)) && [ "$n" = 3 ]; then docker run a; fi', 'if [[ "$x" -eq 0 ]]; then docker run a; else docker run b; fi', "y=3; [[ y -eq 3 ]] && docker run a", "[[ 010 -eq 8 ]] && docker run a",
    "x=1; ((x<<=1)); [ $x = 2 ] && docker run a", "[[ $OSTYPE == linux* ]] && docker run a", "case $HOSTTYPE in none) docker run b;; *) docker run a;; esac", "if [[ x =~ (x) ]] && [ ${BASH_REMATCH[1]} = x ]; then docker run a; fi",
    'x=5; f() { local x; [ -z "$x" ] && docker run a; }; f', 'images=(a b c); f() { local images=(x); docker run ${images[0]}; }; f; for i in "${images[@]}"; do docker run $i; done', 'images=(a b c); f() { local images; images=x; docker run $images; }; f; for i in "${images[@]}"; do docker run $i; done',
    "if [ -f /none ]; then :; else declare -u x; fi; x=prod; if [ $x = prod ]; then docker run b; else docker run a; fi", "a=(x y); export a; sh -c 'docker run ${a:-b}'", "a=(x y); unset 'a[0]'; docker run ${a[0]:-b}", "export 1a=2 || docker run b", "set -- a; shift 2; if [ $1 = a ]; then docker run a; else docker run b; fi",
    "x=a; for i in $(echo 1 2); do [ $x = b ] && docker run b; printf -v x b; done; docker run $x", "true &>/none/x || docker run a",
    "export T=b; export -n T; sh -c 'docker run ${T:-a}'", "export T=b; declare +x T; sh -c 'docker run ${T:-a}'", "X=1 export Y=2; docker run ${X:-a}$Y", "readonly z; z=a eval :; docker run ${z+-d} ${z+b} a",
]  # fmt: skip


@each_row("script", CONDITIONS)
def test_every_way_that_a_condition_may_lead_is_planned(script, seen):
    ours, gaps = started(script)

    assert gaps or ours >= real(seen(script))


@each_row("script", CONDITIONS_OF_BASH)
def test_every_way_that_a_condition_of_bash_may_lead_is_planned(script, seen, request):
    ours, gaps = started(script, "bash")
    if request.node.callspec.params["seen"] == "bash":
        assert gaps or ours >= real(seen(script))


LAUNCHED = [
    (("env", "-u", "MODE", "/s"), {RUN_BY: "", "MODE": "prod"}, b"docker run ${MODE:-a}", {"a"}),
    (("sudo", "/s"), {RUN_BY: "web", "I": "b"}, b"docker run ${I:-a}", None), (("su", "-", "app", "-c", "/s"), {RUN_BY: "", "I": "b"}, b"docker run ${I:-a}", None),
    (("sudo", "/s"), {RUN_BY: ""}, b'[ -z "$SUDO_USER" ] && exit 1\ndocker run a', {"a"}), (("/s",), {RUN_BY: "", "MODE": "b"}, b"[ $MODE = prod ] && docker run a", {"a"}),
    (("env", "USER=root", "/s"), {RUN_BY: "app"}, b"[ $(id -u) = 0 ] || docker run a", {"a"}), (("sudo", "-g", "grp", "/s"), {RUN_BY: "app"}, b"[ $(id -u) = 0 ] || docker run a", {"a"}),
    (("chpst", "-u", ":1000", "/s"), {RUN_BY: ""}, b"[ $(id -u) = 0 ] || docker run a", {"a"}), (("/s",), {RUN_BY: "\0"}, b"[ $(id -u) = 0 ] || docker run a", {"a"}),
    (("/s",), {RUN_BY: ""}, b"[ $(id -u) = 0 ] || docker run a", set()), (("/s", "\0", "prod"), {RUN_BY: ""}, b"[ $1 = prod ] && docker run a; case $2 in prod) docker run b;; *) docker run c;; esac", {"a", "b", "c"}),
    (("/s", "prod"), {RUN_BY: ""}, b"case $1 in prod) docker run b;; *) docker run c;; esac", {"b"}), (("/s", "@hidden"), {RUN_BY: ""}, b"case prod in $1) docker run b;; *) docker run c;; esac", {"b", "c"}),
    (("env", "-i", "I=b", "/s"), {RUN_BY: "", "I": "c", "J": "c"}, b"docker run $I${J:-a}", {"ba"}), (("env", "A=1", "xargs", "-i", "/s"), {RUN_BY: "", "I": "b"}, b"docker run ${I:-a}", {"b"}),
    (("/s", "\0", "\0"), {RUN_BY: ""}, b"trap 'docker run a' $1; trap 'docker run b' $2", {"a", "b"}),
    (("/s",), {RUN_BY: ""}, b". /etc/none; sh -c 'docker run ${I:-a}'", None),
    (("/s",), {RUN_BY: "app"}, b"export USER=root; sh -c '[ $(id -u) = 0 ] || docker run a'", {"a"}),
]  # fmt: skip
"""A line, its variables, its script, the images that may be started; none where only the host knows them."""


@each_row("line, env, script, images", LAUNCHED)
def test_what_a_script_is_given_by_those_who_start_it_decides_only_where_it_is_sure(line, env, script, images):
    found = find(line, env, read={"/s": b"#!/bin/sh\n" + script + b"\n"}.get)

    assert {run.image for run, _ in found.started} == (images or set())
    assert bool(found.gaps) is (images is None)
