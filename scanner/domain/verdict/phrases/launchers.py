"""Launchers: what programs say that start another program in their place."""

from __future__ import annotations

from scanner.domain.verdict.phrases import causes
from scanner.domain.verdict.phrases.phrase import QUOTED, REFUSED_CODES, Phrase, Speaker
from scanner.domain.verdict.reason import Reason

_CODES = REFUSED_CODES | {1, 2, 100, 111, 125, 255}
"""coreutils 126 or 127, dumb-init 2, gosu 1, catatonit 1, s6 126 or 127, daemontools 111, supervisors 100."""

_DIR = r"(?:/\S{1,60}/)?"
_LEADS = (
    r"\[FATAL tini \(\d{1,9}\)\] exec [^:]{1,300} failed",
    r"\[dumb-init\] [^:]{1,300}",
    r"error: exec failed",
    r"error: exec: \"[^\"]{1,300}\"(?:: stat [^:]{1,300})?",
    r"(?:ERROR|FATAL) \(catatonit:\d{1,9}\): failed to exec pid1",
    r"(?:su-exec|chpst|setuidgid|tini|pid1|yasu|exec): [^:]{1,300}",
    r"(?:exec: )?s6-[\w-]{1,40}(?: \(child\))?: fatal: (?:unable to exec|can't exec) [^:]{1,300}",
    rf"{_DIR}(?:timeout|nohup|chroot|stdbuf|nice|env|busybox|setuidgid): failed to run command {QUOTED}",
    rf"{_DIR}(?:env|nice|nohup|timeout|setsid|chroot|xargs|ionice): {QUOTED}",
    rf"{_DIR}(?:env|nice|timeout|nohup|chroot|setsid|su|start-stop-daemon|xargs|chpst): can't execute {QUOTED}",
    r"(?:/\S{1,60}/)?(?:setpriv|setsid|runuser|su|taskset|ionice|unshare|nsenter|chrt|prlimit|setarch|linux32|linux64|flock|script|capsh|chpst): (?:failed to execute|can't exec) [^:]{1,300}",
    r"(?:chpst|envdir|envuidgid|setuidgid|softlimit|setlock|pgrphack): fatal: unable to run:? [^:]{1,300}",
    r"start-stop-daemon: (?:unable to start|failed to exec) [^:(]{1,300}",
    r"supervisor: couldn't exec [^:]{1,300}",
    r"strace: exec",
    r"(?:kata-agent|nomad|containerd-shim): [^:]{1,100}: fork/exec [^:]{1,300}",
)
_LEAD = rf"(?:{'|'.join(_LEADS)})(?:: ?|(?= \()) ?"


def _phrase(reason: Reason, says: str, said_by: str, cause: str, has: str, line: str) -> Phrase:  # noqa: PLR0913, PLR0917 -- a row has as many columns as a phrase has parts
    return Phrase(Speaker.LAUNCHER, reason, says, said_by, cause, has, line, exits=_CODES)


_ALL = "tini, docker-init, dumb-init, catatonit, gosu, su-exec, s6, env, timeout, nohup, nice, chroot, setpriv, setsid, runuser"
_ENV = rf"{_DIR}env: "

LAUNCHERS = (
    _phrase(
        Reason.CRLF_SHEBANG, "/usr/bin/env: 'bash\\r': No such file or directory", "coreutils' env (since 8.30 with a line that hints at -S); busybox env: can't execute 'bash\\r'",
        causes.CRLF, "env: ", rf"{_ENV}(?:can't execute )?['\u2018\"`]?[\w./-]{{1,60}}(?:\\r|\^M|\r| (?=['\u2019\"])|(?<=sh)\?)['\u2019\"]?: no such file or directory",
    ),
    _phrase(
        Reason.INTERPRETER_MISSING, "/usr/bin/env: 'node': No such file or directory", "coreutils' env (since 8.30 with a line that hints at -S); busybox env: can't execute 'node'",
        "the interpreter that env(1) looks for is not in PATH", "env: ", rf"{_ENV}(?:can't execute )?['\u2018\"`]?[\w.+-]{{1,60}}['\u2019\"]?: no such file or directory",
    ),
    _phrase(
        Reason.INTERPRETER_MISSING, "/usr/bin/env: 'bash -e': No such file or directory", "env, whose interpreter line holds options without -S; busybox env knows no -S",
        "env(1) takes all that follows in an interpreter line as one name: options need -S, which busybox's env does not know", "env: ",
        rf"{_ENV}(?:can't execute )?['\u2018\"`][\w./+-]{{1,60}} [^'\u2019\"]{{1,100}}['\u2019\"]: no such file or directory|{_ENV}(?:unrecognized option|invalid option)(?: -- |: )'?S'?",
    ),
    _phrase(
        Reason.EXEC_FORMAT_ERROR, "[FATAL tini (7)] exec /app failed: Exec format error",
        f"{_ALL} (with musl; glibc's execvp has /bin/sh read the file instead)",
        causes.FOREIGN, "exec format error", rf"{_LEAD}\(?exec format error\)?",
    ),
    _phrase(
        Reason.INTERPRETER_MISSING, "[FATAL tini (7)] exec /app failed: No such file or directory", _ALL,
        causes.ABSENT, "no such file|file does not exist", rf"(?!error: exec: ){_LEAD}\(?(?:no such file or directory|file does not exist)\)?",
    ),
    _phrase(
        Reason.ENTRYPOINT_MISSING, 'error: exec: "/app": stat /app: no such file or directory', "gosu and other launchers in Go", causes.MISSING, "error: exec",
        r"error: exec: \"[^\"]{1,300}\": (?:stat [^:]{1,300}: no such file or directory|executable file not found in \$PATH)",
    ),
    _phrase(
        Reason.ENTRYPOINT_NOT_EXECUTABLE, "[FATAL tini (7)] exec /app failed: Permission denied", _ALL, causes.DENIED, "permission denied|access denied",
        rf"{_LEAD}\(?(?:permission|access) denied\)?",
    ),
    _phrase(
        Reason.USER_MISSING, "su: user app does not exist or the user entry does not contain all the required fields",
        "su, runuser, setpriv, chroot, su-exec, gosu, start-stop-daemon, chpst", causes.NO_USER, "does not exist|unknown user|unknown login|getpwnam|invalid user|invalid group|failed to parse|user name|unable to look|unable to find user",
        r"(?:su|runuser|chpst|su-exec|s6-setuidgid|start-stop-daemon|setpriv): (?:(?:user|fatal: unknown user:?|unknown user(?:/group)?:?|user name) ['\u2018\"]?[\w.-]{1,64}['\u2019\"]?(?: does not exist.{0,80}| not found)?|getpwnam\([^)]{1,64}\).{0,80}|fatal: unable to (?:look ?up|find) user.{0,80})|"
        r"chroot: invalid (?:user|group)(?:: .{1,64})?|su: unknown (?:user|login):? .{1,64}|setpriv: failed to parse (?:reuid|regid|euid).{0,60}",
    ),
)  # fmt: skip
"""In the order in which they are tried."""
