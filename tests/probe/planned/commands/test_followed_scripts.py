"""Scripts followed through functions, loops, substitutions, beside what real shells start."""

from pathlib import Path

import pytest

from scanner.probe.planned.commands import command, engine_options
from scanner.probe.planned.commands.command import Run
from scanner.probe.planned.commands.command_lines import find
from scanner.probe.planned.commands.run_as import RUN_BY
from scanner.probe.planned.commands.script_commands import MAX_CALLS
from tests.rows import each_row

FOLLOWED = [
    "CID=$(docker run -d a:1); docker logs $CID", "CID=`docker run -d a:1`", 'echo "$(docker run --rm a:1 version)" >/dev/null',
    "docker run -e A=$(docker run b:1) a:1", '[ -n "x$(docker run a:1)" ] && docker run b:1', "case $(docker run a:1) in *) docker run b:1;; esac",
    "for i in x$(docker run a:1); do docker run b:1; done", 'if [ "$(docker run a:1)" ]; then :; fi',
    'f() { docker run "$1"; }; f nginx:1; f nginx:2', 'f() { docker run -d --name "$1" "$2"; }\nf web nginx:1',
    'f() {\n  local image="$1"; shift\n  docker run --rm "$image" "$@"\n}\nf alpine:3 echo hi', "f() { I=b; }; I=a; f; docker run $I",
    "f() { local I=b; docker run $I; }; I=a; f; docker run $I", 'f() { g "$@" x; }; g() { docker run "$1" "$2"; }; f a',
    'I=a; f() { if [ -z "$1" ]; then return; fi; I=b; docker run "$I$1"; }; f x', "f() { return; docker run never; }; f; docker run a",
    "never() { docker run b; }; docker run a", "f() { docker run a; }; trap f EXIT",
    'ARGS="-d"; ARGS="$ARGS --rm"; docker run $ARGS a:1', 'ARGS=-d; for i in 1 2; do ARGS="$ARGS -e A$i=1"; done; docker run $ARGS a',
    "sh <<'X'\ndocker run a:1\nX\n", "I=a; sh <<X\ndocker run $I\nX\n", "sh -s x <<'X'\ndocker run a:1 $1\nX\n", 'echo "docker run a:1" | sh',
    "trap 'docker run a:1' EXIT", "trap 'docker run $I' EXIT; I=a; trap - EXIT; docker run $I",
    "IMAGE=a:1; sh -c 'docker run ${IMAGE:-b:2}'", "export IMAGE=a:1; sh -c 'docker run ${IMAGE:-b:2}'", "set -a; I=a; sh -c 'docker run ${I:-b}'",
    "I=a sh -c 'docker run ${I:-b}'; docker run ${I:-c}", "env I=a sh -c 'docker run $I'", ': "${I:=a:1}"; docker run "$I"',
    "DOCKER=$(command -v docker); $DOCKER run a:1", 'D=`which docker`; "$D" run a:1', "command docker run a:1", "exec docker run a:1; docker run never",
    "docker run a:1; exit 0; docker run never", "(exit; docker run never); docker run a", "{ docker run a; exit; } || :; docker run never",
    "eval 'I=a'; docker run $I", 'I=a; eval "docker run $I"', 'set -eu -- a x; docker run "$1" "$2"', "set -- a b c; shift; shift; docker run $1",
    "I=a; if true; then :; else I=a; fi; docker run $I", "if docker run a; then exit; fi; docker run b", "I=a & wait; docker run ${I:-b}",
    "I=a; (cd /tmp && docker run $I)", "I=x; unset I; docker run ${I-a}", "while docker run a; do I=b; break; done", "f() ( docker run $1 ); f a",
    "I=a; case x in x) I=b;; *) I=b;; esac; docker run $I", "docker run ${X:+-e X} a:1",
    'Y=1; docker run ${Y:+--name "my web"} a:1 x', 'docker run ${X--e "A=b c"} ${X+"--no" "x y"} a:1', 'set -- -d a:1 "x y"; docker run ${1+"$@"}',
    'docker run a${1-:5}; docker run ${1---rm} a:1 ${1+no}; f() { docker run -d "${2-b}:${1-2}"; T=${3-v2}; docker run c:$T x$4; }; f; f 7; f "" ""',
    'docker() { command docker "$1" "r/$2"; }; docker run a:1', 'docker() { command docker "$@" x; }; docker run a:1', "docker() { exec docker run a:2; }; docker run a:1",
    'Y="p q"; docker run ${Y:+-e "A=$Y" --label=$Y} b:1', "A=1 B=$A docker run a$A", "readonly I=a:1; docker run $I",
    'set -- prod; if [ "$1" = prod ]; then I=a; elif [ "$1" = test ]; then I=b; else I=c; fi; docker run $I', "set -- x; if [ $# -eq 0 ]; then docker run a; else docker run b:$#; fi", 'if [ -z "$1" ]; then docker run a; exit; fi; docker run b',
    'set -- v1.2; case "$1" in v[0-9]*) T=${1#v};; latest|main) T=x;; *) exit 1;; esac; docker run a:$T', "set -- -h; case $1 in -*) docker run a;; *) docker run b;; esac", "case a.b in a?b) docker run a;; esac; case '*' in \\*) docker run b;; *) docker run c;; esac",
    "T=v1.2.3; docker run a:${T#v} b:${T%.*} c:${T%%.*} d:${T##*.} e:${T#x} ${#T}", 'P=v; T=v1; docker run a:${T#$P} b:${T#"$P"}', "I=r.example/a:1; docker run ${I%:*}:2; docker run b:${I##*[:/]}",
    "N=2; docker run a:$((N+1)) $((2*(3+N)%4)) $((N<3)) $((X+1)) $((0x10)) $((N==2&&N!=3))", "i=0; while [ $i -lt 3 ]; do docker run a:$i; i=$((i+1)); done; docker run b:$i", "i=3; until [ $i = 0 ]; do i=$((i - 1)); [ $i = 1 ] && continue; docker run a:$i; done",
    "set -- -t v2 --name w x; while [ $# -gt 0 ]; do case $1 in -t) T=$2; shift 2;; --name) N=$2; shift 2;; *) break;; esac; done; docker run --name $N a:$T $1", "for i in a b c; do [ $i = b ] && break; docker run $i; done", "for i in a b; do docker run $i; break; done; docker run c",
    "for i in a b c; do if [ $i != b ]; then docker run $i; continue; fi; docker run x; done", "for i in a b; do for j in c d; do docker run $i$j; break; done; done", "[ a = b ] || docker run a; [ a = a ] && docker run b || docker run c", "[ a = b ] && docker run a && docker run b; ! [ a = b ] && docker run c",
    "test -n '' || { I=a; docker run $I; }; if ! test x; then docker run b; fi", 'f() { [ -n "$1" ] || return; docker run $1; }; f; f a', "[ 1 -gt x ] || docker run a; [ -f '' ] || docker run b",
    "while :; do docker run a; break; done; docker run b", "i=0; while :; do [ $i -ge 2 ] && exit; docker run a; i=$((i+1)); done", "for i in $(seq 2) $(echo x y); do docker run a:$i; done; docker run $(printf 'b:%s\\n' 1)", "if true; then docker run a; fi; if false; then docker run b; fi",
    '[ "x$(docker run a)" = y ] && docker run b; :', 'I=a; if [ "$I" = a ] && [ -z "$X" ]; then docker run b; fi; if [ $I = b -o $I = c ]; then docker run d; fi',
    'set -- -t v2 -dx w -- y; while getopts "t:dx:" o; do case $o in t) T=$OPTARG;; d) D=-d;; x) X=$OPTARG;; esac; done; shift $((OPTIND-1)); docker run $D a:$T $X $# $1', "set -- -ab c; while getopts ab o; do docker run $o:1; done; docker run x:$OPTIND $1",
    'set -- -qa; while getopts :a o; do docker run a:1 "$o"; done; docker run b:$((OPTIND-1))', "docker run a:$OPTIND; [ a = a ] && T=1 || T=2; docker run a:$T; [ a = b ] && T=3 || { T=4; echo; }; docker run b:$T",
    "set -- -ab; [ -f /etc/passwd ] && getopts ab o; getopts ab o; docker run a", "set -- -abc; getopts abc o; getopts abc o; set -- -; getopts abc o; docker run a", "set -- -ab; getopts ab o; OPTIND=1; getopts ab o; docker run $o", "archscan_getopts=x; getopts a o; docker run $o",
    "f() { docker run a:$T; }; T=1; T=2 f", "d() { docker run a:${T:-x}; }; T=2 d; T=3 d", 'V=7 eval "docker run a:\\$V"', "f() { g; }; g() { docker run $V; }; V=a f; V=b command docker run b",
    "IFS=,; X=a,b; for i in $X; do docker run $i; done", "IFS=:; X=a::b:; set -- $X; docker run $# $1 $3", "IFS=' ,'; X=' a , b '; for i in $X; do docker run $i; done", "IFS=_; c=docker_run_a; $c", "IFS=; X=' b'; docker run a p$X", "while IFS= read -r l; do :; done </etc/passwd; X='--rm a'; docker run $X", "O=$IFS; IFS=,; X=a,b; for i in $X; do docker run $i; done; IFS=$O; X='--rm c'; docker run $X",
    'echo " $(docker run a) $(docker run b) $((1+1)) `docker run c`"', 'D=x; docker run -e "A=$(echo 1) $(echo 2)" " $D"', "case x in $(docker run a)) ;; esac; x=$(( $(docker run b | wc -l) + 1 ))",
    "while read -r i; do docker run -i $i </dev/null; echo $i; [ a = b ] || docker run x; done <<X\na\nb\nX",
    'while read -r i; do docker run "$i"; done <<X\na:1\n b:2 \nX', "printf 'a\\nb' | while read -r i; do docker run $i; done", "echo a | while read i; do docker run $i; done; echo -n b | while read i; do docker run $i; done", "(echo a; echo b) | while read i; do docker run $i; done", 'while read -r n i; do docker run --name "$n" $i; done <<X\nx a:1 p  q\ny b:2\nX\ndocker run z', "while read i; do [ $i = b ] && break; docker run $i; done <<X\na\nb\nc\nX", 'while IFS=, read -r n i; do docker run "$n" $i; done <<X\nn,a\nq\nX', 'while IFS= read -r i; do docker run "$i"; done <<X\n a\nX', 'read -r I <<X\na 1\nb\nX\ndocker run "$I"',
    "for i in $(cat <<X\na\nb\nX\n); do docker run $i; done", "I=$(cat <<'X'\na:$1\n\nX\n); docker run \"$I\"",
    "printf 'docker run a\\n' | sh", "printf 'docker run %s:%s\\n' a 1 b 2 | sh", "echo -n docker run a | sh", "printf ': x%%y\\n\\144ocker run a' | sh",
]  # fmt: skip
"""What a shell starts, no more, no less; both outcomes of each engine's command are tried."""

BASH = [
    'args=(-d --rm); docker run "${args[@]}" a:1', 'args=(-d); args+=(-e "A=b c"); docker run "${args[@]}" a:1', "I+=a; docker run $I",
    'run() { local -r image=$1; docker run "$image"; }; run a', "function go { docker run a:1; }; go", "docker run a |& cat", "I=(a b); docker run ${I[1]}",
    'T=v1.2; [[ $T == v* ]] && docker run a; [[ $T == "v*" || $T != v1.* ]] || docker run b; [[ -z $T && a ]] && docker run c', "T=Ab.c; docker run a:${T,,} b:${T//./-} ${T^^} ${T:0:2} ${T: 1} ${T/b}", "for ((i=0; i<3; i++)); do docker run a:$i; done", "for i in {1..3} {a,b}; do docker run r:$i; done",
    "i=1; ((i+=2)); let i=i*2; docker run a:$i; if ((i > 5)); then docker run b; fi; ((i--)); docker run c:$i:$((i++))$i", "[ a == a ] && docker run a; [ a == b ] && docker run b",
    f"OPTIND={'9' * 5000}; getopts a o; docker run a", "shift ²; docker run a",
    "(( $(docker run a | wc -l) ))", "for ((i=$(docker run a | wc -l); i<1; i++)); do docker run b; done", "bash -O extglob -c 'docker run a'",
    "exec {fd}>/dev/null; docker run a:1", "source /dev/stdin <<< 'docker run a:1'", ". /dev/stdin <<X\ndocker run a:1\nX\n",
    "V=1; f() { V=2; docker run b:$V; }; V=5 f; docker run a:$V", 'V=1; V=5 eval "V=9; docker run a:\\$V"; docker run b:$V', 'V=1; V=5 . /dev/stdin <<< "docker run a:\\$V"; docker run b:$V', "V=1 :; docker run a:${V-u}",
    "I=a; f() { declare -g I=b; }; f; docker run $I", "[[ -n x$(docker run a) ]] && docker run b", 'X=$(</etc/hostname); docker run -e "X=$X" a', "echo -e '\\0144ocker run a:1%s' | sh",
    'mapfile -t a <<X\na:1\nb\nX\ndocker run "${a[@]}"', 'readarray -t a <<< "a"; docker run "${a[0]}"', 'IFS=: read -r a b <<< "x:y"; docker run "$a:$b"', "a[0]=x; a[1]=y; a[0]=z; docker run ${a[@]}",
    "docker run --name ${c[1]} z x", "c=p; docker run --name ${c[1]} z ${c[0]}", "docker run -e ${b[*]} a b", "set -- a b; docker run $*", "a=(p q r); docker run ${a[*]:1}",
    "docker run -e ${v@Q} a b", "v=; docker run -e ${v@Q} a b", "v='x y'; docker run -e ${v@Q} a b", "v=ab; docker run a:${v^} b:${v@U} ${v@L}", "docker run -e ${v^} a b", "v=x; x=q; docker run --name ${!v} a b",
    'set -- x -d a:1 c; docker run "${@:2}"; docker run "${@:2:2}" z', 'set -- a b c; docker run "${@: -1}" q', 'f() { docker run "${@:2}"; }; f x a:1 y', "a=(x -d a:1); docker run ${a[@]:1}", 'docker run "${@:2}" x',
    'a=(-d --rm); docker run ${a[@]+"${a[@]}"} i ${#a[@]}', 'docker run ${a[@]+"${a[@]}"} i ${#a[@]}', 'set -- a.x b.x; docker run "${@%.x}" $#',
    'mapfile -t a <<X\nX\ndocker run "${a[@]}" x',
]  # fmt: skip

UNCLEAR = [
    "while read i; do docker load; docker run $i; done <<X\na\nb\nX", "while read i; do docker run -d $i; docker attach c; done <<X\na\nb\nX",
    "while read i; do docker run -i $i; done <<X\na\nb\nX", "while read i; do docker run $i; cat >/dev/null; done <<X\na\nb\nX",
    "f() { cat; }; while read i; do docker run $i x$(f); done <<X\na\nb\nX", "printf 'a\\nb\\n' | while read -r i; do docker run -i $i; done",
    "cat <<X\n$(docker run a:1)\nX\n", "cat <<X | sh\ndocker run a:1\nX\n", "i=0; while [ $i -lt 2 ]; do docker run a:$i; i=$((i+1)); done", "for i in $(seq 1 2); do docker run a:$i; done", 'eval "$(echo docker run a:1)"',
    "IFS=,; X=a,b; set -- $X; docker run $1", "printf 'a:1\\n' | xargs -n1 docker run", "echo a | xargs -n1 sh -c 'docker run \"$0\"'", "echo a | xargs -I@ sh -c 'docker run @'", "echo 'docker run a' | xargs -I@ sh -c '@'",
    "d='-e A=1 x'; docker run ${d[@]:3} z", "docker $(echo run | cat) a", "docker compose $(cat /none)", 'set -- $(cat /none); docker run --name "$@" a b',
    'declare -A m=([x]=a:1); docker run "${m[@]}"', 'a=([1]=x [0]=y); docker run "${a[@]}"', 'declare -A m; m[1]=a; m[0]=b; docker run "${m[@]}"', "a=(p q); a[5]=z; docker run ${a[@]}", "{ read a; read b; docker run $b; } <<X\nx\ny\nX", "while read -r i; do docker run $(cat); done <<X\na\nb\nX", "while read i; do docker run $i; done <<'X'\na\\b\nX", "IFS=: read -r a b <<X\nx:y:z:\nX\ndocker run $b",
    'a=($(cat /none) x); docker run "${a[1]}"', 'a=($(cat /none)); a[1]=x; docker run "${a[1]}"', 'IFS=$(cat /none) read -r a b <<X\nx y\nX\ndocker run "$a"', "docker run $(cat 3<<X\na\nX\n)", "read() { :; }; i=b; read i <<X\na\nX\ndocker run $i",
    "v=ab; docker run -e ${v: -5} a b", "v=; docker run -e ${v/#x/} a b", "v=x; docker run --name ${v@a} a b", "x=; v=x; docker run -e ${!v:+q} a b",
    "find /etc/passwd -exec sh -c 'docker run $1' _ {} ';'", "sh -c \"$(cat <<'X'\ndocker run a\nX\n)\"", "sh /dev/fd/3 3<<X\ndocker run a\nX", "printf 'docker run a:%d\\n' 1 | sh",
    "printf ': \\8\\ndocker run a\\n' | sh", "echo -e ': \\9\\ndocker run a' | sh",
    "I=a; printf -v I b; docker run $I", "I=a; ! { I=b; }; docker run $I", "I=a; ! if true; then I=b; fi; docker run $I", "echo docker run a | { . /dev/stdin; }",
    'docker run "${1?no}"', 'docker run "a:${1=b}"', 'f() { docker run "${2-b}"; }; f $(echo x y)',
    "V=b; declare -n r=V; docker run $r", "declare -n r=V; V=a; r=b; docker run $V", "declare -l T; T=V1; docker run a:$T",
    "declare -i n=1+2; docker run a:$n", "f() { local -u t=x; docker run a:$t; }; f",
    "echo 'docker run a\\ndocker run b' | sh", "alias d='docker run'\nd a", '"$1" run a; : docker run',
    'f() { docker run a; }; "$(echo f)"; :', "X=docker; Y=$(echo $X); $Y run a", "read I <<X\na\nX\ndocker run $I", "i=1; let i=i+1; docker run a:$i",
    "if [ -f / ]; then I=a; fi; docker run $I", "i=1; ((i++)); docker run a:$i", "[[ a == b ]] || docker run a", "[ a == a ] && I=a || I=b; docker run $I", "case $(echo x | cat) in y) I=a;; *) I=b;; esac; docker run $I",
    "V=1; f() { V=2; }; V=5 f; docker run a:$V", "V=1; V=5 eval V=9; docker run a:$V", "V=1 :; docker run a:${V-u}", "readonly V=2; V=3; docker run a:$V", "declare -r V=2\nV=3\ndocker run a:$V", "readonly V=2; unset V; docker run a:${V-u}", "V=1; readonly V; f() { local V; V=3; }; f; V=4; docker run a:$V",
    "set -- a b; while read x; do shift; docker run $1; done <<X\n1\n2\nX", "for i in a b; do if [ -e /etc/passwd ]; then break; fi; I=$i; done; docker run ${I:-c}", 'f() { [ "$#" -gt 1 ] && I=a; docker run ${I:-b}; }; f $(cat /etc/none)', "[ -d /none/$$ ] && I=a || I=b; docker run $I", "T=ä; docker run a${#T}",
    f"a=(x); docker run a:${{a[{'9' * 5000}]}}", "a=(0 1 2 3 4 5 6 7 8); docker run a:${a[010]}",
    "cd /; [ x = * ] || docker run a; case [a in [a) docker run b;; esac", "X=$(cat /etc/none); [ $X ] || docker run a; [ -z $X ] && docker run b", "i=0; while [ $i -lt 99 ]; do i=$((i+1)); done; docker run a:$i", "docker run a:$((1/0)) || docker run b", 'while getopts a: o -x "$(cat /none)"; do T=$OPTARG; done; docker run a:${T:-b}', "for i in {1..2}; do docker run a:$i; done", 'f() { [ -n "$1" ] && return; I=b; }; I=a; f x; docker run $I',
]  # fmt: skip
"""What depends on what only the host knows: never another image without a word."""


def started(script, shell="sh"):
    found = find((shell, "-c", script), {})
    return {(run.engine, run.image, *run.command) for run, _ in found.started if isinstance(run, Run)}, found.gaps


def real(words):
    return {(one[0], *engine_options.RUN[one[0]].read(one[2:]).rest) for one in words if one[1:2] == ("run",)}


@each_row("script", FOLLOWED)
def test_a_script_starts_what_a_shell_starts(script, seen):
    ours, gaps = started(script)

    assert gaps == []
    assert ours == real(seen(script))


@pytest.mark.parametrize("script", BASH)
def test_a_script_for_bash_starts_what_bash_starts(script, seen, request):
    ours, gaps = started(script, "bash")
    if request.node.callspec.params["seen"] == "bash":
        assert gaps == []
        assert ours == real(seen(script))


@each_row("script", UNCLEAR)
def test_what_depends_on_the_host_is_a_gap_or_all_of_it(script, seen):
    ours, gaps = started(script)

    assert gaps or ours >= real(seen(script))
    assert all(gaps or one in real(seen(script)) for one in ours)


OF_FOLDERS = [
    '. "$(dirname "$0")/lib.sh"', 'D=$(dirname "$0"); . "$D/lib.sh"; docker run $D', 'cd "$(dirname "$0")" && . ./lib.sh', '"${0%/*}/start.sh" a:1', 'sh "${0%/*}/start.sh" b:${0##*/}',
    'D="$(cd "$(dirname -- "$0")" && pwd)"; sh "$D/$(basename /x/start.sh)" c:1', 'f() { . "${0%/*}/lib.sh"; }; f', 'sh < "${0%/*}/lib.sh"', 'cd "${0%/*}"; cat lib.sh start.sh | sh -s x',
    "sh /dev/stdin y <<'X'\ndocker run $1\nX\n",
    '(cat "${0%/*}/lib.sh") | sh', '{ echo :; cat "${0%/*}/lib.sh"; } | sh', 'cat < "${0%/*}/lib.sh" | sh', 'cd "${0%/*}"; sh -c "$(cat lib.sh)"', 'cd "${0%/*}"; eval "$(cat lib.sh)"; $(cat lib.sh) x',
    'cd "${0%/*}"; I=$(cat image); docker run $I; docker run "$(cat < image)"', 'cd "${0%/*}"; for i in $(cat image image); do docker run $i y; done',
]  # fmt: skip
BASH_OF_FOLDERS = [
    'D="$( cd "$( dirname "${BASH_SOURCE[0]}" )" && pwd )"; . "$D/lib.sh"; . "${BASH_SOURCE[0]%/*}/lib.sh"',
]

OPEN_IN_FOLDERS = [
    "python3 - <<X\nimport os; os.system('docker run a')\nX", "expect <<X\nspawn docker run a\nX", "echo 'docker run a' | fish",    'echo a | xargs "${0%/*}/start.sh"', 'find / -maxdepth 0 -exec "${0%/*}/start.sh" {} +',    'cd "${0%/*}"; for f in d/*.sh; do . "$f"; done', '. "$HOME/none.sh"', '"$(readlink -f "${0%/*}")/start.sh" a', 'sh "$(realpath "${0%/*}")/start.sh" a', 'run-parts "${0%/*}/d"',
    'find "${0%/*}/d" -name "*.sh" -exec sh {} \\;', "{ echo docker run a:1; } | sh", "f() { echo docker run a:1; }; f | sh", "sed s/x/y/ <<X | sh\ndocker run a:1\nX", "{ sh; } <<X\ndocker run a:1\nX",
    'cd "${0%/*}"; for i in $(a); do ./start.sh a; cd d; done', 'cd "$(a)"; sh start.sh a', 'cd "$(a)"; . ./lib.sh',
    "cat > /tmp/y.sh <<X\ndocker run a\nX\nsh /tmp/y.sh", "echo docker run a > y.sh; . ./y.sh", "echo docker run a | tee y.sh; sh y.sh", "hash -p /usr/bin/docker d; d run a",
    "echo 'ExecStart=docker run a' > /etc/systemd/system/w.service; systemctl start w", "ln -s /usr/bin/docker d; ./d run a", 'watch "docker run b:1"', "echo docker run a | at now", 'crontab - <<X\n* * * * * docker run "$(a)"\nX',
    'run() { docker run "$@"; }; export -f run; bash -c "run a:1"', 'run() { docker run "$@"; }; declare -fx run; bash -c "run a:1"', "source <(echo docker run a:1)", "envsubst </etc/x | sh # docker run",
    'sed s/b/a/ "${0%/*}/lib.sh" | sh', "curl -s http://r.example/up.sh | sh", 'sh -c "$(curl -s http://r.example/up.sh)"', "ssh web-2 docker run a", "echo docker run a | ssh web-2", "lxc exec c -- docker run a",
    "curl --unix-socket /run/docker.sock -d '{\"Image\": \"a\"}' http://d/v1.41/containers/create", "printf 'POST /containers/create HTTP/1.0\r\n' | nc -U /run/docker.sock", "wget --post-file=x http://d/libpod/play/kube",
    "echo '0 3 * * * root docker run a' > /etc/cron.d/a", "printf '[Container]\nImage=a\n' > /etc/containers/systemd/a.container", "tee /etc/containers/systemd/a.kube <x", "find / -exec docker run {} +", 'declare -A m=([a]=b); docker run "${m[a]}"',
]  # fmt: skip
"""What is a gap, or as much as a shell may start; none of them is run here."""


DATA = [
    "envsubst </etc/t >/etc/c.yml; docker run -v /etc/c.yml:/c a", "install -d -m 700 /data; docker run -v /data:/data a", "cp n.conf /etc/n.conf; docker run --name n a",
    "curl -o /t.tar http://x; docker load -i /t.tar; docker run a", "docker inspect a >/j; jq . /j; sudo cat /j; docker run a", "echo x >/etc/app/app; /usr/bin/app; docker run a",
    "echo x >/etc/n.conf; systemctl reload n; docker run a", "echo x >/s; sed -i s/x/y/ /s; docker run a",
]  # fmt: skip
"""What a script writes and no command runs."""


@each_row("script", DATA)
def test_a_file_that_a_script_writes_for_others_to_read_is_no_gap(script):
    assert find(("sh", "-c", script), {"PWD": "/"}).gaps == []


RUN = ["sudo sh /s", "env A=b /s", "cd /; ./s", "sed -f /s x", "odd --file=/s", "docker compose -f /s up"]


@each_row("command", RUN)
def test_a_file_that_a_script_writes_and_may_run_is_a_gap(command):
    gaps = find(("sh", "-c", f"echo x >/s; {command}; docker run a"), {"PWD": "/"}).gaps
    assert "its script runs a file that it writes itself" in gaps


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("scripts")
    (made / "lib.sh").write_text("docker run lib:1\n")
    (made / "image").write_text("image:1\n\n")
    (made / "start.sh").write_text('#!/bin/sh\ndocker run "$1"\n')
    (made / "start.sh").chmod(0o755)
    return made


def in_folder(folder, script):
    def read(path):
        return Path(path).read_bytes() if path.startswith(str(folder)) and Path(path).is_file() else None

    (folder / "x.sh").write_text(script)
    found = find(("bash", f"{folder}/x.sh"), {"PWD": "/"}, read=read)
    return {(run.engine, run.image, *run.command) for run, _ in found.started if isinstance(run, Run)}, found.gaps


@pytest.mark.parametrize("script", [*OF_FOLDERS, *BASH_OF_FOLDERS])
def test_a_script_finds_others_as_a_shell_finds_them(script, folder, seen, request):
    shell = request.node.callspec.params["seen"]
    ours, gaps = in_folder(folder, script)
    if shell == "bash" or script not in BASH_OF_FOLDERS:
        assert gaps == []
        assert ours == real(seen(f"{shell} {folder}/x.sh")) != set()


@each_row("script", OPEN_IN_FOLDERS)
def test_what_a_script_makes_or_names_only_then_is_a_gap_or_what_it_says(script, folder):
    ours, gaps = in_folder(folder, script)

    assert gaps or ours, script


NAMES = [
    ("sudo -g docker docker run a:1", "a:1"),
    ("sudo -u docker /usr/bin/docker run a:1", "a:1"),
    ("sudo -u podman bash -c 'podman run a:1'", "a:1"),
    ("gosu docker docker run a:1", "a:1"),
    ("find /x -name y -exec docker run a:1 -f {} ;", "a:1"),
    ("xargs -a /list docker run a:1", "a:1"),
]


@pytest.mark.parametrize(("line", "image"), NAMES)
def test_what_stands_in_front_of_an_engine_hides_nothing(line, image):
    words = ["sudo", "-u", "podman", "bash", "-c", "podman run a:1"] if "bash" in line else line.split()

    assert [run.image for run, _ in find(tuple(words), {}).started] == [image]


@pytest.mark.parametrize(
    "line", ["ctr run docker.io/library/a:1 x", "ctr -n k8s.io run -d a y", "parallel docker run ::: a:1"]
)
def test_what_is_not_read_here_is_a_gap(line):
    found = find(tuple(line.split()), {})

    assert found.started == []
    assert found.gaps


TEXTS = [
    ("python3", "-c", "import os; os.system('docker run -e PASSWORD=hunter2 a:1')"),
    ("fish", "-c", "docker run -e PASSWORD=hunter2 a:1"),
    ("tmux", "new", "-d", "podman run -e PASSWORD=hunter2 a:1"),
    ("env", "-S", "docker run -e PASSWORD=hunter2 a:1"),
    ("/opt/launcher", "--run=docker run -e PASSWORD=hunter2 a:1"),
    ("sh", "-c", "exec perl -e 'system(\"docker run -e PASSWORD=hunter2 a:1\")'"),
    ("/opt/docker-start.py",),
]


@pytest.mark.parametrize("words", TEXTS, ids=" ".join)
def test_a_text_in_which_an_engine_is_named_is_a_gap_that_does_not_show_it(words):
    found = find(words, {})

    assert found.started == []
    assert len(found.gaps) == 1
    assert "hunter2" not in found.gaps[0]


@pytest.mark.parametrize(
    "words",
    [
        ("echo", "now docker run a"),
        ("sh", "-c", "tell-operators 'docker run failed'"),
        ("python3", "-c", "print('docker is there')"),
        ("docker", "exec", "web", "sh", "-c", "docker run a:1"),
    ],
    ids=" ".join,
)
def test_a_text_that_starts_nothing_here_is_none(words):
    assert find(words, {}).gaps == []


AGAIN = (
    '#!/bin/bash\nif [[ $EUID -ne 0 ]]; then exec sudo "$0" "$@"; fi\n[ "$(id -u)" = 0 ] && I=a || I=b\ndocker run $I\n'
)


@pytest.mark.parametrize(("env", "images", "is_gap"), [({RUN_BY: ""}, ["a"], False), ({RUN_BY: "web"}, ["a"], True)])
def test_a_script_knows_who_runs_it_and_starts_itself_once(env, images, is_gap):
    found = find(("/opt/x",), env, read={"/opt/x": AGAIN.encode()}.get)

    assert ([run.image for run, _ in found.started], bool(found.gaps)) == (images, is_gap)
    assert len(found.gaps) <= 1


def test_a_circle_of_functions_ends():
    found = find(("sh", "-c", "f() { docker run a; f; }; f"), {})

    assert 1 <= len(found.started) <= MAX_CALLS + 1
    deep = "".join(f"f{at}() {{ f{at - 1}; }}; " for at in range(1, MAX_CALLS + 1))
    assert find(("sh", "-c", f"f0() {{ docker run a; }}; {deep}f{MAX_CALLS}"), {}).gaps


def test_commands_share_their_variables_until_these_change():
    found = find(("sh", "-c", "export A=1; docker run a; docker run b; export A=2; docker run c"), {})

    (_, one), (_, same), (_, other) = found.started
    assert one is same
    assert (one["A"], other["A"]) == ("1", "2")


def test_a_fault_of_ours_costs_one_command(monkeypatch):
    own = command.started

    def faulty(program, words, env):
        return {}["x"] if "bad" in words else own(program, words, env)

    monkeypatch.setattr(command, "started", faulty)
    found = find(("sh", "-c", "docker run a; docker run bad; docker run b"), {})

    assert [run.image for run, _ in found.started] == ["a", "b"]
    assert found.gaps == ["a fault of archscan's own: KeyError: 'x'"]


# ---------------------------------------------------------------- files

FILES = {
    "/opt/start.sh": b"#!/bin/bash\nset -e\n. /etc/default/web\nexec docker run --name web reg/web:${TAG:-$1}\n",
    "/etc/default/web": b"TAG=7\n",
    "/opt/plain": b"docker run plain\n",
    "/opt/python": b"#!/usr/bin/env python3\ndocker run no\n",
    "/opt/env": b"#!/usr/bin/env -S bash -e\ndocker run env\n",
    "/opt/program": b"\x7fELF\0docker run no",
    "/opt/lib.sh": b"set -- lib\ndeclare TAG=9\nreturn 0\ndocker run never\n",
    "/opt/with-lib": b"#!/bin/bash\n. /opt/lib.sh\ndocker run $1:$TAG\n",
    "/opt/calls": b"#!/bin/sh\ncd /opt && ./start.sh 8\n/opt/none.sh\n",
}


@pytest.mark.parametrize(
    ("line", "images"),
    [
        ("/opt/start.sh 1", ["reg/web:7"]),
        ("/usr/bin/env A=b /opt/start.sh", ["reg/web:7"]),
        ("bash -e /opt/plain", ["plain"]),
        ("/opt/plain", []),
        ("/opt/python", []),
        ("/opt/env", ["env"]),
        ("/opt/program", []),
        ("/opt/calls", ["reg/web:7"]),
        ("/opt/with-lib x", ["lib:9"]),
        ("sh -c '/opt/start.sh'", ["reg/web:7"]),
        ("sudo -u x /opt/start.sh", ["reg/web:7"]),
        ("cat /opt/start.sh", []),
        ("/opt/gone.sh", []),
    ],
)
def test_a_script_in_a_file_is_followed(line, images):
    words = ("sh", "-c", "/opt/start.sh") if line.startswith("sh -c") else tuple(line.split())

    assert [run.image for run, _ in find(words, {}, read=FILES.get).started] == images


@pytest.mark.parametrize(
    "line", ["/opt/docker-web.sh", "bash /opt/run-containers.sh", "/usr/local/bin/compose-up.sh x"]
)
def test_a_script_that_is_not_there_is_a_gap_where_its_name_tells_what_it_does(line):
    assert find(tuple(line.split()), {}).gaps == [
        f"it runs {line.split()[-1 if 'bash' in line else 0]}, a script that cannot be read"
    ]


NAMED = {
    "/srv/docker-compose.yml": b"services: {}\n# docker compose up\n",
    "/srv/notes": b"docker run a",
    "/srv/start.rb": b"system('docker run a')",
}


@pytest.mark.parametrize(
    ("line", "is_gap"),
    [
        ("sudo chown app /srv/docker-compose.yml", False),
        ("sudo -E env A=b chmod 600 /srv/notes", False),
        ("sudo apt-get install make docker-up", False),
        ("timeout 5m apt-get install kubectl run", False),
        ("sudo -n /srv/notes x", True),
        ("sudo launch /srv/start.rb", True),
        ("sudo -u app nice -n 5 make docker-up", True),
        ("timeout -s KILL 5m kubectl run a", True),
        ("flock -n /run/lock make up", True),
    ],
)
def test_behind_a_starter_a_file_that_is_only_named_is_no_gap(line, is_gap):
    found = find(tuple(line.split()), {}, read=NAMED.get)

    assert found.started == []
    assert bool(found.gaps) is is_gap
