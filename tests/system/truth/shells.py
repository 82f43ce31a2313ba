"""Kinds of images whose script decides what is run: each once with a right program behind it, once with a foreign one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.real.images import File, Image
from tests.system.truth.build import Kind, Tree, on_debian
from tests.system.truth.programs import FOREIGN, NATIVE
from tests.system.truth.userland import busybox, tools

SERVER = "opt/app/bin/server"


@dataclass(frozen=True)
class Script:
    """An entrypoint script; ``at`` is where the program lies that it comes to, or is thought to come to."""

    id: str
    text: str
    cmd: Sequence[str] = ()
    at: str = SERVER
    shell: str = "/bin/sh"
    tree: Tree = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)

    def image(self, program: bytes) -> Image:
        """The image with this program."""
        below = [tools("bash")] if "bash" in self.shell else []
        own: Tree = {"start.sh": f"#!{self.shell}\n{self.text}\n".encode(), self.at: program}
        return on_debian(*below, self.tree, own, argv=["/start.sh"], cmd=self.cmd, **self.config)


@dataclass(frozen=True)
class Line:
    """A command line of the image itself."""

    id: str
    argv: Sequence[str]
    cmd: Sequence[str] = ()
    at: str = "app"
    tree: Tree = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)

    def image(self, program: bytes) -> Image:
        """The image with this program."""
        return on_debian(self.tree, {self.at: program}, argv=self.argv, cmd=self.cmd, **self.config)


def twins(each: Script | Line) -> tuple[Kind, Kind]:
    """The same with a program for this machine, and with one for another."""
    return (
        Kind(f"{each.id}-right", lambda: each.image(NATIVE)),
        Kind(f"{each.id}-foreign", lambda: each.image(FOREIGN)),
    )


def _env(**variables: str) -> dict[str, Any]:
    path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return {"Env": [path, *(f"{name}={value}" for name, value in variables.items())]}


REDIS = """set -e
if [ "${1#-}" != "$1" ] || [ "${1%.conf}" != "$1" ]; then
	set -- redis-server "$@"
fi
if [ "$1" = 'redis-server' -a "$(id -u)" = '0' ]; then
	find . \\! -user redis -exec chown redis '{}' +
	exec setpriv --reuid=1000 --clear-groups -- "$0" "$@"
fi
um="$(umask)"
if [ "$um" = '0022' ]; then umask 0077; fi
exec "$@\""""
POSTGRES = """set -Eeo pipefail
file_env() { local var="$1"; local def="${2:-}"; export "$var"="$def"; }
_is_sourced() {
	[ "${#FUNCNAME[@]}" -ge 2 ] && [ "${FUNCNAME[0]}" = '_is_sourced' ] && [ "${FUNCNAME[1]}" = 'source' ]
}
_main() {
	if [ "${1:0:1}" = '-' ]; then
		set -- postgres "$@"
	fi
	if [ "$1" = 'postgres' ]; then
		file_env 'POSTGRES_PASSWORD'
		mkdir -p /var/lib/postgresql/data
	fi
	exec "$@"
}
if ! _is_sourced; then
	_main "$@"
fi"""
NODE = """set -e
if [ "${1#-}" != "${1}" ] || [ -z "$(command -v "${1}")" ] || { [ -f "${1}" ] && ! [ -x "${1}" ]; }; then
  set -- node "$@"
fi
exec "$@\""""
TOMCAT = """PRG="$0"
PRGDIR=`dirname "$PRG"`
[ -z "$CATALINA_HOME" ] && CATALINA_HOME=`cd "$PRGDIR/opt/app" >/dev/null; pwd`
if [ "$1" = "run" ]; then
  shift
  exec "$CATALINA_HOME"/bin/server -Dcatalina.home="$CATALINA_HOME" start "$@"
fi
echo "Usage: catalina.sh" ; exit 1"""
MYSQL = """set -eo pipefail
shopt -s nullglob
mysql_note() { echo "[Note] $*" >&2; }
_main() {
	if [ "${1:0:1}" = '-' ]; then set -- mysqld "$@"; fi
	if [ "$1" = 'mysqld' ]; then
		mysql_note "Entrypoint script started."
		for f in /docker-entrypoint-initdb.d/*; do . "$f"; done
	fi
	exec "$@"
}
_main "$@\""""
NGINX = """set -e
entrypoint_log() { if [ -z "${NGINX_ENTRYPOINT_QUIET_LOGS:-}" ]; then echo "$@" >&2; fi; }
if [ "$1" = "nginx" ] || [ "$1" = "nginx-debug" ]; then
    if find "/docker-entrypoint.d/" -mindepth 1 -maxdepth 1 -type f -print -quit 2>/dev/null | read v; then
        entrypoint_log "$0: Launching"
    else
        entrypoint_log "$0: No files found in /docker-entrypoint.d/, skipping configuration"
    fi
fi
exec "$@\""""
APPLETS = busybox(
    "id", "find", "chown", "mkdir", "dirname", "sed", "cp", "chmod", "sleep", "cat", "ls", "touch", "true", "which"
)
BASH = "/bin/bash"

FILE_ENV = """file_env() {
	local var="$1"
	local fileVar="${var}_FILE"
	eval local val="\\${$var:-}"
	eval local fileVal="\\${$fileVar:-}"
	if [ -n "$fileVal" ]; then val=$(cat "$fileVal"); fi
	export "$var"="$val"
}
file_env DB_PASSWORD
exec /opt/app/bin/server"""

SCRIPTS = (
    Script("sh-exec-with-arguments", 'exec /opt/app/bin/server "$@"'),
    Script("sh-cd-then-exec", "cd /opt/app\nexec ./bin/server"),
    Script("sh-cd-and-exec", "cd /opt/app && exec bin/server"),
    Script("sh-runs-last-without-exec", "/opt/app/bin/server"),
    Script("sh-runs-first-of-two", "/opt/app/bin/server\necho done"),
    Script("sh-redis", REDIS, ["redis-server", "/etc/redis.conf"], "usr/local/bin/redis-server", tree={**tools("setpriv"), **APPLETS}),
    Script("sh-redis-by-option", REDIS, ["--port", "1"], "usr/local/bin/redis-server", tree={**tools("setpriv"), **APPLETS}),
    Script("bash-postgres", POSTGRES, ["postgres"], "usr/lib/postgresql/bin/postgres", BASH, APPLETS, {"Env": ["PATH=/usr/bin:/bin:/usr/lib/postgresql/bin"]}),
    Script("bash-mysql", MYSQL, ["mysqld"], "usr/sbin/mysqld", BASH, APPLETS),
    Script("bash-mysql-by-option", MYSQL, ["--verbose"], "usr/sbin/mysqld", BASH, APPLETS),
    Script("sh-node", NODE, ["node", "app.js"], "usr/local/bin/node"),
    Script("sh-node-file", NODE, ["app.js"], "usr/local/bin/node"),
    Script("sh-tomcat", TOMCAT, ["run"], tree=APPLETS),
    Script("sh-nginx", NGINX, ["nginx", "-g", "daemon off;"], "usr/sbin/nginx", tree=APPLETS),
    Script("sh-variable-default", 'exec "${SERVER:-/opt/app/bin/server}"'),
    Script("sh-variable-of-image", 'exec "$SERVER"', config=_env(SERVER="/opt/app/bin/server")),
    Script("sh-variable-unbraced-path", "exec $APP_HOME/bin/server", config=_env(APP_HOME="/opt/app")),
    Script("sh-variable-assigned", "BIN=/opt/app/bin\nexec $BIN/server"),
    Script("sh-variable-split", 'CMD="/opt/app/bin/server --flag"\nexec $CMD'),
    Script("sh-path-extended", "export PATH=/opt/app/bin:$PATH\nexec server"),
    Script("sh-path-extended-and", "export PATH=/opt/app/bin:$PATH && exec server"),
    Script("sh-path-for-one-command", "PATH=/opt/app/bin:$PATH server"),
    Script("sh-set-then-at", 'set -- /opt/app/bin/server -x\nexec "$@"'),
    Script("sh-shift-then-at", 'shift\nexec "$@"', ["serve", "/opt/app/bin/server"]),
    Script("sh-first-argument", 'exec "$1"', ["/opt/app/bin/server"]),
    Script("sh-star-arguments", "exec $*", ["/opt/app/bin/server", "a"]),
    Script("sh-if-then", "if [ -x /opt/app/bin/server ]; then exec /opt/app/bin/server; fi\nexit 3"),
    Script("sh-if-else", "if [ -e /nowhere ]; then exit 4; else exec /opt/app/bin/server; fi"),
    Script("sh-if-variable", 'if [ "$MODE" = server ]; then exec /opt/app/bin/server; fi\necho other', config=_env(MODE="server")),
    Script("sh-if-never", 'if [ "$MODE" = server ]; then exec /opt/app/bin/server; fi\necho hello'),
    Script("sh-case-command", 'case "$1" in\n  serve) exec /opt/app/bin/server ;;\n  *) exec "$@" ;;\nesac', ["serve"]),
    Script("sh-case-other", 'case "$1" in\n  serve) exec /opt/app/bin/server ;;\n  *) echo hello ;;\nesac', ["help"]),
    Script("sh-case-pattern", 'case "$1" in\n  -*) set -- /opt/app/bin/server "$@" ;;\nesac\nexec "$@"', ["-v"]),
    Script("sh-function", "serve() { exec /opt/app/bin/server; }\nserve"),
    Script("sh-function-arguments", 'main() { exec "$@"; }\nmain /opt/app/bin/server'),
    Script("sh-sourced", ". /lib.sh\nserve", tree={"lib.sh": b"serve() { exec /opt/app/bin/server; }\n"}),
    Script("sh-sourced-variable", ". /etc/app.env\nexec $SERVER", tree={"etc/app.env": b"SERVER=/opt/app/bin/server\n"}),
    Script("sh-other-script", "exec /second.sh", tree={"second.sh": b"#!/bin/sh\nexec /opt/app/bin/server\n"}),
    Script("sh-other-shell", "exec sh /second.sh /opt/app/bin/server", tree={"second.sh": b'exec "$1"\n'}),
    Script("sh-redirected", "exec /opt/app/bin/server 2>&1"),
    Script("sh-redirected-before", "exec 2>&1 /opt/app/bin/server"),
    Script("sh-output-moved-first", "exec 2>/dev/null\nexec /opt/app/bin/server"),
    Script("sh-command-builtin", "exec /usr/bin/env -- /opt/app/bin/server"),
    Script("sh-command-word", "command /opt/app/bin/server"),
    Script("bash-exec-a", "exec -a renamed /opt/app/bin/server", shell=BASH),
    Script("sh-trap-then-run", "trap 'echo bye' TERM\n/opt/app/bin/server"),
    Script("sh-background-wait", "/opt/app/bin/server &\nwait $!"),
    Script("sh-background-then-native", "/opt/app/bin/server &\nexec /last", tree={"last": NATIVE}),
    Script("sh-subshell", "( cd /opt/app; exec ./bin/server )"),
    Script("sh-and-or", "[ -d /nowhere ] || exec /opt/app/bin/server"),
    Script("sh-test-and-exec", "[ -x /opt/app/bin/server ] && exec /opt/app/bin/server"),
    Script("sh-not", "if ! [ -e /nowhere ]; then exec /opt/app/bin/server; fi"),
    Script("sh-pipe", "/opt/app/bin/server | cat", tree=APPLETS),
    Script("sh-substituted", 'exec "$(command -v server)"', at="usr/bin/server"),
    Script("sh-backquotes", "exec `echo /opt/app/bin/server`"),
    Script("sh-echoed-captured", 'OUT=$(/opt/app/bin/server)\necho "$OUT"'),
    Script("sh-heredoc", "cat >/tmp.conf <<EOF\nexec /nowhere\nEOF\nexec /opt/app/bin/server", tree=APPLETS),
    Script("sh-comment-behind", "exec /opt/app/bin/server # exec /nowhere"),
    Script("sh-comment-names-s6", "# like s6-overlay\nexec /opt/app/bin/server"),
    Script("sh-echo-with-hash", 'echo "x # no; /nowhere"\nexec /opt/app/bin/server'),
    Script("sh-sed-first", "sed -i 's/\\r$//' /etc/app.conf\nexec \"$@\"", ["/opt/app/bin/server"], tree={**APPLETS, "etc/app.conf": b"a\r\n"}),
    Script("sh-cp-first", 'cp /etc/app.conf /app.conf\nexec "$@"', ["/opt/app/bin/server"], tree={**APPLETS, "etc/app.conf": b"a\n"}),
    Script("sh-copies-the-program", "cp /opt/app/bin/server /run.bin\nchmod 755 /run.bin\nexec /run.bin", tree=APPLETS),
    Script("sh-writes-a-script", "echo 'exec /opt/app/bin/server' >/run.sh\nexec sh /run.sh", tree=APPLETS),
    Script("sh-while-loop", "n=0\nwhile [ $n -lt 2 ]; do n=$((n+1)); done\nexec /opt/app/bin/server"),
    Script("sh-for-found", "for p in /nowhere /opt/app/bin/server; do if [ -e $p ]; then exec $p; fi; done\nexit 5"),
    Script("sh-set-e-fails-before", "set -e\nfalse\nexec /opt/app/bin/server"),
    Script("sh-exit-before", "echo hello\nexit 0\nexec /opt/app/bin/server"),
    Script("sh-exit-in-branch", 'if [ "$1" = check ]; then exit 1; fi\nexec /opt/app/bin/server'),
    Script("sh-arch-by-uname", "exec /opt/app/$(uname -m)/server", at="opt/app/x86_64/server", tree=busybox("uname")),
    Script("sh-eval", 'eval "exec /opt/app/bin/server"'),
    Script("sh-zero-dirname", 'exec "$(dirname "$0")/opt/app/bin/server"', tree=APPLETS),
    Script("sh-zero-stripped", 'exec "${0%/*}/opt/app/bin/server"'),
    Script("sh-continued-line", "exec \\\n  /opt/app/bin/server \\\n  --port 80"),
    Script("sh-quoted-path", "exec '/opt/app/bin/server'"),
    Script("bash-array", 'args=(/opt/app/bin/server -v)\nexec "${args[@]}"', shell=BASH),
    Script("bash-double-bracket", 'if [[ -z "$NOTHING" && -x /opt/app/bin/server ]]; then exec /opt/app/bin/server; fi', shell=BASH),
    Script("bash-time", "time /opt/app/bin/server", shell=BASH),
    Script("bash-regex", 'if [[ "$1" =~ ^serve ]]; then exec /opt/app/bin/server; fi\necho none', ["serve-it"], shell=BASH),
    Script("sh-fallback-after-failure", "/opt/app/bin/server || echo hello"),
    Script("sh-ignores-failure", "/opt/app/bin/server || true\nexec /last", tree={"last": NATIVE}),
    Script("sh-check-then-other", "if /opt/app/bin/server --version; then exec /last; fi\nexit 9", tree={"last": NATIVE}),
    Script("sh-unset-nounset", 'set -u\nexec "${SERVER}"'),
    Script("sh-read-from-file", 'read -r BIN </etc/bin.path\nexec "$BIN"', tree={"etc/bin.path": b"/opt/app/bin/server\n"}),
    Script("sh-env-variable-in-exec", "exec env MODE=x /opt/app/bin/server"),
    Script("sh-relative-to-workdir", "exec ./server", at="srv/server", config={"WorkingDir": "/srv"}),
    Script("sh-missing-behind", "exec /opt/app/bin/nothing"),
    Script("sh-not-executable-behind", "exec /opt/app/data", tree={"opt/app/data": File(b"x", mode=0o644)}),
    Script("sh-directory-behind", "exec /opt/app"),
    Script("sh-crlf-behind", "exec /second.sh", tree={"second.sh": b"#!/bin/sh\r\necho hello\r\n"}),
    Script("sh-crlf-inside", "echo x\r\nexec /opt/app/bin/server\r"),
    Script("sh-without-shebang-behind", "exec /second.sh", tree={"second.sh": b"echo hello\n"}),
    Script("sh-syntax-error", "if true; then\nexec /opt/app/bin/server"),
    Script("busybox-ash", "exec /opt/app/bin/server", shell="/usr/bin/busybox sh", tree=APPLETS),
    Script("busybox-ash-without-exec", "/opt/app/bin/server", shell="/usr/bin/busybox sh", tree=APPLETS),
    Script("sh-missing-tool-and-set-e", "set -e\ncurl -s http://localhost/\nexec /opt/app/bin/server"),
    Script("bash-missing-tool-and-set-e", "set -e\ncurl -s http://localhost/\nexec /opt/app/bin/server", shell=BASH),
    Script("sh-missing-tool-then-server", "curl -s x\nexec /opt/app/bin/server"),
    Script("sh-missing-tool-and-server", "jq --version && exec /opt/app/bin/server"),
    Script("sh-missing-tool-or-server", "curl -s x || exec /opt/app/bin/server"),
    Script("sh-missing-tool-in-a-word", 'set -e\nX=$(jq -r .x /x.json)\nexec /opt/app/bin/server "$X"'),
    Script("sh-missing-tool-in-an-export", 'set -e\nexport X=$(jq -r .x /x.json)\nexec /opt/app/bin/server "$X"'),
    Script("sh-missing-tool-behind-a-pipe", "echo x | grep -q x && exec /opt/app/bin/server\nexit 7"),
    Script("sh-missing-tool-that-prepares", "set -e\nmkdir -p /data\nexec /opt/app/bin/server"),
    Script("sh-tool-not-executable", "set -e\n/usr/bin/setup\nexec /opt/app/bin/server", tree={"usr/bin/setup": File(b"#!/bin/sh\n", mode=0o644)}),
    Script("sh-output-without-directory", "set -e\necho x >/nowhere/file\nexec /opt/app/bin/server"),
    Script("sh-output-without-directory-goes-on", "echo x >/nowhere/file\nexec /opt/app/bin/server"),
    Script("sh-exec-output-without-directory", "exec /opt/app/bin/server >/nowhere/log"),
    Script("sh-exec-input-missing", "exec /opt/app/bin/server </nowhere"),
    Script("sh-copies-what-is-missing", "set -e\ncp /etc/none.conf /etc/app.conf\nexec /opt/app/bin/server", tree=busybox("cp")),
    Script("sh-makes-what-is-there", "set -e\nmkdir /opt\nexec /opt/app/bin/server", tree=busybox("mkdir")),
    Script("sh-removes-what-is-missing", "set -e\nrm -f /etc/none.conf\nexec /opt/app/bin/server", tree=busybox("rm")),
    Script("sh-function-named-as-in-bash", "my-fn() { exec /opt/app/bin/server; }\nmy-fn"),
    Script("bash-function-named-as-in-bash", "my-fn() { exec /opt/app/bin/server; }\nmy-fn", shell=BASH),
    Script("sh-function-fails-in-set-e", "set -e\nf() { [ -d /nowhere ] && echo there; }\nf\nexec /opt/app/bin/server"),
    Script("sh-exec-dashes", "exec -- /opt/app/bin/server"),
    Script("sh-path-unset", "unset PATH\nserver", at="usr/bin/server"),
    Script("sh-arch-by-case", 'case "$(uname -m)" in\n  x86_64|amd64) A=amd64 ;;\n  aarch64|arm64) A=arm64 ;;\n  *) exit 1 ;;\nesac\nexec "/opt/app-$A" "$@"', at="opt/app-amd64", tree={**busybox("uname"), "opt/app-arm64": FOREIGN}),
    Script("sh-not-a-missing-tool-and-exit", "if ! jq -e . /x.json; then exit 1; fi\nexec /opt/app/bin/server"),
    Script("sh-not-a-missing-tool-and-go-on", "set -e\nif ! jq -e . /x.json; then echo no; fi\nexec /opt/app/bin/server"),
    Script("sh-adduser-missing-then-gosu", "adduser -D app 2>/dev/null\nexec gosu app /opt/app/bin/server", tree=tools("gosu")),
    Script("sh-version-stripped", 'T="${VERSION#v}"\nexec "/opt/app-$T/server"', at="opt/app-1.2/server", config=_env(VERSION="v1.2")),
    Script("sh-name-by-arithmetic", "N=$((BASE + 1))\nexec /opt/app$N/server", at="opt/app3/server", config=_env(BASE="2")),
    Script("sh-arch-by-sed", "A=$(uname -m | sed -e s/x86_64/amd64/ -e s/aarch64/arm64/)\nexec /opt/app-$A", at="opt/app-amd64", tree={**busybox("uname", "sed"), "opt/app-arm64": FOREIGN}),
    Script("sh-major-by-cut", 'V=$(echo "$VERSION" | cut -d. -f1)\nexec /opt/app$V/server', at="opt/app12/server", tree=busybox("cut"), config=_env(VERSION="12.3")),
    Script("sh-mode-by-tr", 'M=$(echo "$MODE" | tr a-z A-Z)\nif [ "$M" = SERVE ]; then exec /opt/app/bin/server; fi\nexit 4', tree=busybox("tr"), config=_env(MODE="serve")),
    Script("sh-path-of-a-file", 'exec "$(cat /etc/server.path)"', tree={**busybox("cat"), "etc/server.path": b"/opt/app/bin/server\n"}),
    Script("bash-grep-behind-a-pipe-finds-nothing", "set -eo pipefail\ncat /etc/x | grep -q y\nexec /opt/app/bin/server", shell=BASH, tree={**busybox("cat", "grep"), "etc/x": b"x\n"}),
    Script("sh-newer-than-what-is-missing", "if [ /start.sh -nt /nowhere ]; then exec /opt/app/bin/server; fi\nexit 3"),
    Script("busybox-ash-applet-without-file", "timeout 5 /opt/app/bin/server", shell="/usr/bin/busybox sh", tree=APPLETS),
    Script("sh-file-env", FILE_ENV),
    Script("sh-options-by-getopts", 'while getopts "p:d" o; do case $o in p) P=$OPTARG;; d) D=1;; *) exit 2;; esac; done\nshift $((OPTIND-1))\nexec /opt/app/bin/server "$P" "$@"', ["-p", "80", "-d", "x"]),
    Script("sh-wait-for-port", "until [ -e /start.sh ]; do sleep 1; done\nexec /opt/app/bin/server", tree=APPLETS),
)  # fmt: skip

LINES = (
    Line("c-exec-redirected", ["sh", "-c", "exec /app 2>&1"]),
    Line("c-test-and-exec", ["sh", "-c", "[ -x /app ] && exec /app"]),
    Line("c-cd-and-run", ["sh", "-c", "cd /srv && ./app"], at="srv/app"),
    Line("c-ls-and-run", ["sh", "-c", "ls / >/dev/null; /app"], tree=APPLETS),
    Line("c-export-and-run", ["sh", "-c", "export A=1 B=2 && /app"]),
    Line("c-variable", ["sh", "-c", "$APP"], config=_env(APP="/app")),
    Line("c-variable-default", ["sh", "-c", "exec ${APP:-/app} --x"]),
    Line("c-arguments", ["sh", "-c", 'exec "$0" "$@"', "/app", "x"]),
    Line("c-at-with-cmd", ["sh", "-c", 'exec "$@"', "--"], ["/app"]),
    Line("c-ec", ["sh", "-ec", "/app"]),
    Line("c-options-apart", ["/bin/sh", "-e", "-c", "exec /app"]),
    Line("c-nested", ["sh", "-c", "sh -c 'exec /app'"]),
    Line("c-of-bash", ["bash", "-c", "/app"], tree=tools("bash")),
    Line("c-of-bash-login", ["bash", "-lc", "exec /app"], tree=tools("bash")),
    Line("c-of-busybox", ["busybox", "sh", "-c", "/app"], tree=busybox()),
    Line("c-of-busybox-link", ["/bin/ash", "-c", "exec /app"], tree=busybox("ash")),
    Line("c-script-file", ["sh", "/run.sh"], tree={"run.sh": b"exec /app\n"}),
    Line("c-script-file-with-arguments", ["sh", "/run.sh"], ["/app"], tree={"run.sh": b'exec "$@"\n'}),
    Line("c-option-that-dash-lacks", ["sh", "-euxo", "pipefail", "-c", "/app"]),
    Line("c-option-of-bash", ["bash", "-euxo", "pipefail", "-c", "exec /app"], tree=tools("bash")),
    Line("c-shebang-of-dashes", ["/run.sh"], tree={"run.sh": b"#!/bin/sh --norc\nexec /app\n"}),
    Line("c-shebang-of-two-options", ["/run.sh"], tree={"run.sh": b"#!/bin/sh -e -x\nexec /app\n"}),
    Line("c-semicolon-hash", ["sh", "-c", "echo x # no; /nowhere\n/app"]),
    Line("c-background", ["sh", "-c", "/app & wait"]),
    Line("c-pipe-to-cat", ["sh", "-c", "/app | cat"], tree=APPLETS),
    Line("c-or-true", ["sh", "-c", "/app || true"]),
    Line("c-sleep-first", ["sh", "-c", "sleep 0 && exec /app"], tree=APPLETS),
    Line("c-shell-form-cmd", [], ["/bin/sh", "-c", "exec /app --port ${PORT:-80}"]),
    Line("c-shell-form-entrypoint-ignores-cmd", ["/bin/sh", "-c", "/app"], ["/nowhere"]),
)  # fmt: skip

KINDS = tuple(kind for each in (*SCRIPTS, *LINES) for kind in twins(each))
