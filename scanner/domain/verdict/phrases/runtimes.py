"""Runtimes: what runc, crun, systemd or LXC say when they could not start the first process."""

from __future__ import annotations

from scanner.domain.verdict.phrases import causes
from scanner.domain.verdict.phrases.phrase import NEVER_STARTED, Phrase, Speaker
from scanner.domain.verdict.reason import Reason

_RUNC = "runc 1.0.0-rc95 and newer (Docker 20.10.7 to 29, containerd 1.5 to 2.x, Podman, Kubernetes)"
_OLD_RUNC = "runc up to 1.0.0-rc94 (Docker 1.11 to 20.10.6); with quotes up to 1.0.0-rc9"
_CRUN = "crun 1.0 and newer (Podman 4 and 5, CRI-O); as JSON where the log is JSON, since Podman 4"
_OTHERS = "youki, kata-agent, gVisor's runsc, LXC, hcsshim and others that hand on what the kernel said"

_FATAL = r"(?:time=\S{1,60} level=\w{1,9} msg=\"|(?:FATA|ERRO)\[\d{1,9}\] )?"
_OLD_INIT = rf"{_FATAL}(?:container_linux\.go:\d{{1,5}}: starting container process caused:? \\?\"?)?standard_init_linux\.go:\d{{1,5}}: exec user process caused:? \\?\"?"
_NEW_INIT = r"exec [^\s:]{0,200}/[^:]{0,299}: "
_CRUN_LINE = r"(?:\{\"msg\":\")?(?:crun: )?(?:exec container process|executing container process) (?:\(missing dynamic library\?\) )?`[^`]{1,300}`: "
_END = r"(?:\\?\")?(?:\"(?:,\"[^{}]{0,200})?\})?"
_LAST = r"(?=$|[\s\"'\\,;:.)\]}])"
_CREATE = r"(?<!error: )exec: \\{0,3}\"[^\"]{1,300}\": "


def _line(errno: str) -> str:
    return rf"(?:{_OLD_INIT}|{_NEW_INIT}|{_CRUN_LINE}){errno}{_END}"


def _within(errno: str) -> str:
    """Also behind a prefix that nobody knows: an absolute path, or a runtime's own lead, tells it from a sentence."""
    return (
        rf"(?:standard_init_linux\.go:\d{{1,5}}: )?exec user process caused:? \\{{0,3}}\"?{errno}{_LAST}|"
        rf"(?:exec|executing) container process (?:\(missing dynamic library\?\) )?`[^`]{{1,300}}`: {errno}{_LAST}|"
        rf"(?:^|start container process: |[|\]>\"] ?)exec (?:\.{{0,2}}/)[^\":\s]{{1,300}}: {errno}{_LAST}"
    )


def _phrase(  # noqa: PLR0913, PLR0917 -- a row has as many columns as a phrase has parts
    reason: Reason,
    says: str,
    said_by: str,
    cause: str,
    has: str,
    line: str = "",
    within: str = "",
    *,
    fallback: bool = False,
) -> Phrase:
    return Phrase(Speaker.RUNTIME, reason, says, said_by, cause, has, line, within, NEVER_STARTED, is_fallback=fallback)


_EXECVE = (
    (Reason.EXEC_FORMAT_ERROR, causes.FOREIGN, "exec format error"),
    (Reason.INTERPRETER_MISSING, causes.NEEDS, "no such file or directory"),
    (Reason.ENTRYPOINT_NOT_EXECUTABLE, causes.DENIED, "permission denied"),
    (Reason.SHEBANG_TOO_DEEP, causes.LOOP, "too many levels of symbolic links"),
    (Reason.LOADER_INVALID, causes.BAD_LOADER, "accessing a corrupted shared library"),
)
"""What execve(2) answers: ENOEXEC, ENOENT, EACCES, ELOOP, ELIBBAD."""

_OF_EXECVE = tuple(
    _phrase(reason, f"exec /app: {errno}", f"{_RUNC}; {_OLD_RUNC}; {_CRUN}", cause, errno, _line(errno), _within(errno))
    for reason, cause, errno in _EXECVE
)  # fmt: skip

_NOT_A_SENTENCE = (
    r"(?:(?:^|[:\])] |ENOEXEC: |caused:? \\{0,3}\"?|(?:error|errno)[=: ]{1,2}8,? \(?|\[Errno 8\] |reason: |[|>] |(?:message|error|msg|err|reason|caused)\\{0,3}\"?[:= ]{1,2}\\{0,3}\")(?:exec: )?)"
    r"exec format error(?= ?\(os error 8\)| - |[\"'\\)\]}]{1,6}(?:$|[,:;.}\s])|[:;,](?: unknown| /| '/|$|\s?\\| see | goroutine)| at \S{1,200} line \d{1,6}|\.?$)"
)

_LOOKED = (
    _phrase(
        Reason.ENTRYPOINT_MISSING, 'exec: "app": executable file not found in $PATH',
        "runc, in an engine's error (Docker, containerd, CRI-O, Podman); crun: executable file `app` not found in $PATH",
        causes.MISSING, "executable file",
        within=r"executable file (?:`[^`]{1,300}` )?not found(?: in \$?PATH)?(?=$|[\s\"'\\,;:.)\]}])",
    ),
    _phrase(
        Reason.ENTRYPOINT_MISSING, 'exec: "/app": stat /app: no such file or directory', "runc, in an engine's error",
        causes.MISSING, "no such file or directory",
        within=rf"{_CREATE}(?:stat|lstat) [^:]{{1,300}}: no such file or directory|\bopen executable: no such file or directory|"
        r"crun: cannot find `[^`]{1,300}` in \$?PATH",
    ),
    _phrase(
        Reason.ENTRYPOINT_DIRECTORY, 'exec: "/etc": is a directory', "runc, in an engine's error", causes.DIRECTORY, "is a directory",
        within=rf"{_CREATE}(?:stat [^:]{{1,300}}: )?is a directory",
    ),
    _phrase(
        Reason.ENTRYPOINT_NOT_EXECUTABLE, 'exec: "/app": permission denied',
        "runc, in an engine's error; crun: open executable: Permission denied", causes.DENIED, "permission denied",
        within=rf"{_CREATE}(?:stat [^:]{{1,300}}: )?permission denied|open executable: permission denied|"
        r"the path `?[^`:]{1,300}`? is not executable|start container process: exec [^\":]{1,300}: permission denied",
    ),
    _phrase(
        Reason.ENTRYPOINT_MISSING, 'exec: "app": cannot run executable found relative to current directory',
        "runc 1.1.3 and newer, in an engine's error", "PATH holds a relative directory, and runtimes start nothing that they find there",
        "relative to current directory",
        within=r"exec: \\{0,3}\"[^\"]{1,300}\": cannot run executable found relative to current directory",
    ),
    _phrase(
        Reason.SYMLINK_LOOP, 'exec: "/app": stat /app: too many levels of symbolic links', "runc, in an engine's error",
        "symbolic links lead in a circle", "too many levels", within=rf"{_CREATE}stat [^:]{{1,300}}: too many levels of symbolic links",
    ),
    _phrase(
        Reason.NO_COMMAND, "no command specified", "Docker, Podman (no command or entrypoint provided), containerd (no command specified)",
        "neither the image nor the container says what to run", "no command",
        within=r"\bno command specified(?=$|[.\"'\\:])|no command or entrypoint provided|no command provided, and image has no default",
    ),
    _phrase(
        Reason.WORKDIR_INVALID, 'chdir to cwd ("/app") set in config.json failed: not a directory',
        'runc 1.0 and newer; runc: cwd must be an absolute path; crun: chdir to `/app`; Podman: workdir "/app" does not exist; Docker: Cannot mkdir: /app is not a directory',
        causes.NO_DIRECTORY, "cwd|chdir|workdir|working directory|/merged|container init: mkdir|cannot mkdir",
        within=r"chdir to cwd \(\\{0,3}\"[^\"]{1,300}\"\) set in config\.json failed: (?:no such file or directory|not a directory|too many levels of symbolic links)|"
        r"\bcwd must be an absolute path|crun: chdir(?: to)? `[^`]{1,300}`: (?:no such file or directory|not a directory)|"
        r"workdir \\{0,3}\"[^\"]{1,300}\" (?:does not exist on container|exists on container [^,]{1,100}, but is not a directory)|cannot mkdir: [^:]{1,300} is not a directory|the working directory '[^']{1,300}' is invalid|"
        r"(?:mkdir [^:]{1,300}/merged|container init: mkdir /)[^:]{0,300}: not a directory",
    ),
    _phrase(
        Reason.PERMISSION_DENIED, 'chdir to cwd ("/app") set in config.json failed: permission denied', "runc 1.0 and newer, in an engine's error",
        "the user that is to run the program may not enter its working directory", "chdir",
        within=r"chdir to cwd \(\\{0,3}\"[^\"]{1,300}\"\) set in config\.json failed: permission denied|crun: chdir(?: to)? `[^`]{1,300}`: permission denied",
    ),
    _phrase(
        Reason.USER_MISSING, "unable to find user app: no matching entries in passwd file",
        "Docker, Podman, CRI-O, BuildKit; containerd: mount callback failed … no users found; gosu, su-exec", causes.NO_USER, "unable to find|unable to look|no users found|no groups found|uids and gids|user/group",
        r"(?:error: failed switching to \"[^\"]{1,100}\": )?unable to find (?:user|group) [^:]{1,100}: no matching entries in (?:passwd|group) file",
        r"unable to find (?:user|group) [^:]{1,100}: no matching entries in (?:passwd|group) file|"
        r"(?:failed|error|callback)[^\"]{1,300}: no (?:users|groups) found(?=$|[\s\"'\\,;:.)\]}])|get user \\{0,3}\"[^\"]{1,100}\\{0,3}\": no users found|"
        r"uids and gids must be in range 0-\d{1,12}|chown: (?:invalid|unknown) user/group|unable to (?:find|look up) (?:user|group) [^:]{1,60} in image",
    ),
    _phrase(
        Reason.ENVIRONMENT_INVALID, "invalid environment variable: =x", "Docker, BuildKit, runc 1.3 (invalid environment variable: name cannot be empty)",
        "the environment holds an entry that is no NAME=value", "environment variable",
        within=r"invalid environment variable: \S{0,100}|invalid environment variable name|environment variable [^:]{0,100} contains (?:a )?(?:null|nul) byte",
    ),
)  # fmt: skip

_CONMON = _phrase(
    Reason.EXEC_FORMAT_ERROR, "conmon: error: exec format error", "conmon, handing on what the runtime said (Podman, CRI-O)", causes.FOREIGN, "exec format error",
    within=r"(?<![\w/-])\[?conmon\b[^:]{0,20}: (?:.{1,200}: )?exec format error",
)  # fmt: skip

_SYSTEMD_LEAD = r"(?:^|[\w@.\\:-]{1,200}\.(?:service|scope|socket|mount): |\]: )"


def _systemd(reason: Reason, errno: str, cause: str) -> Phrase:
    within = rf"{_SYSTEMD_LEAD}(?:failed to execute (?:command|[^\s:]{{0,3}}/[^:]{{1,300}})|failed at step exec spawning [^:]{{1,300}}|failed to locate executable [^:]{{1,300}}): {errno}{_LAST}"
    says = f"api.service: Failed at step EXEC spawning /app: {errno.capitalize()}"
    said_by = "systemd (Failed to execute since v233, Failed to locate executable since v247), in the journal"
    return _phrase(reason, says, said_by, cause, errno, within, within)


_SYSTEMD = (
    _systemd(Reason.EXEC_FORMAT_ERROR, "exec format error", causes.FOREIGN),
    _systemd(Reason.ENTRYPOINT_MISSING, "no such file or directory", causes.ABSENT),
    _systemd(Reason.ENTRYPOINT_NOT_EXECUTABLE, "permission denied", causes.DENIED),
    _phrase(
        Reason.WORKDIR_INVALID, "api.service: Failed at step CHDIR spawning /app: No such file or directory", "systemd, with status=200/CHDIR",
        causes.NO_DIRECTORY, "chdir", within=r"failed at step chdir spawning [^:]{1,300}: [a-z ]{1,60}|changing to the requested working directory failed: [a-z ]{1,60}|status=200/CHDIR",
    ),
    _phrase(
        Reason.USER_MISSING, "api.service: Failed at step USER spawning /app: No such process", "systemd, with status=217/USER",
        causes.NO_USER, "user", within=r"failed at step (?:user|group) spawning [^:]{1,300}: [a-z ]{1,60}|failed to determine user credentials: [a-z ]{1,60}|status=21[67]/(?:USER|GROUP)",
    ),
    _phrase(
        Reason.ILLEGAL_INSTRUCTION, "api.service: Main process exited, code=dumped, status=4/ILL", "systemd, in the journal and in systemctl status",
        causes.ILLEGAL, "4/ill|signal=ill", within=r"(?:code=(?:dumped|killed), )?\bstatus=4/ILL\b|code=(?:dumped|killed), signal=ILL\b",
    ),
    _phrase(
        Reason.BINARY_UNKNOWN, "api.service: Main process exited, code=exited, status=203/EXEC", "systemd, in the journal and in systemctl status",
        "systemd could not execute the program; the line above it (Failed to execute, Failed at step EXEC) says why: another CPU's, missing, or not executable",
        "203/exec", within=r"(?:code=exited, )?\bstatus=203(?:/EXEC)?\b", fallback=True,
    ),
)  # fmt: skip

ANY_RUNTIME = (
    _phrase(
        Reason.EXEC_FORMAT_ERROR, "ENOEXEC: Exec format error", _OTHERS, causes.FOREIGN, "exec format error",
        within=rf"{_NOT_A_SENTENCE}|fork/exec \S{{1,300}}: exec format error|exec format error - failed to exec|exec /\S{{0,300}}: exec format error", fallback=True,
    ),
    _phrase(
        Reason.ENTRYPOINT_MISSING, 'lxc-start: c1: start.c: start: 2197 No such file or directory - Failed to exec "/sbin/init"',
        "LXC, Incus, LXD", causes.ABSENT, "failed to exec", within=r"no such file or directory - failed to exec \"[^\"]{1,300}\"",
    ),
    _phrase(
        Reason.ENTRYPOINT_MISSING, "starting container: creating process: failed to load /app: no such file or directory",
        "gVisor's runsc; Cloud Run, App Engine", causes.ABSENT, "failed to", within=r"failed to (?:load|find) [^\s:/]{0,3}/[^:]{1,300}: no such file or directory",
    ),
    _phrase(
        Reason.ENTRYPOINT_MISSING, "hcs::System::CreateProcess: app: The system cannot find the file specified.", "Windows containers (hcsshim)",
        causes.MISSING, "cannot find the file", within=r"CreateProcess[^:]{0,40}: .{0,300}The system cannot find the (?:file|path) specified",
    ),
    _phrase(
        Reason.BINARY_UNKNOWN, "unable to start container process: exec", "runc 1.0 and newer, in an engine's error",
        "the runtime could not start the program, in words that are not known here", "container process",
        within=r"start(?:ing)? container process:? (?:caused: )?\\?\"?exec\b", fallback=True,
    ),
)  # fmt: skip

RUNTIMES = (_CONMON, *_OF_EXECVE, *_LOOKED, *_SYSTEMD)
"""In the order in which they are tried; the words that many hand on are tried last of all."""
