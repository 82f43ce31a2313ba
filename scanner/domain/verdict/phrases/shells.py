"""Shells: what they say of a command that they could not start."""

from __future__ import annotations

from scanner.domain.verdict.phrases import causes
from scanner.domain.verdict.phrases.phrase import REFUSED_CODES, Phrase, Speaker
from scanner.domain.verdict.reason import Reason

_WHO = r"(?:[^:\s]{1,200}: )"
_LEAD = rf"{_WHO}(?:line )?(?:\d{{1,6}}: )?(?:exec: )?(?:line \d{{1,6}}: )?"
_PATH = r"(?:\.{0,2}/[^:]{1,299}|[^:\s]{1,300})"
_SLASHED = r"[^:\s]{0,200}/[^:]{0,299}"
_NO_SH = r"(?!\S{1,300}\.(?:sh|bash|ash|env|conf):)"
"""A line 1 that is wrong is hardly a script's, which begins with its interpreter; still less where it is named so."""
_NO_SCRIPT = r"(?!\S{0,300}(?:\.\w{1,5}|entry\w{0,10}|start\w{0,10}|run|init|script\w{0,10}|hooks?|configure|bootstrap|setup|launch\w{0,10}):)"
"""A program that was read as a script, by its name: one that is a script has mistakes of its own."""
_GIVEN = rf"(?P<given>{_SLASHED}|[^:\s/]{{1,100}})"

_READ_AS_SCRIPT = frozenset({2, 126, 127})
"""How a shell ends that read the bytes of a program."""


def _phrase(  # noqa: PLR0913, PLR0917 -- a row has as many columns as a phrase has parts
    reason: Reason,
    says: str,
    said_by: str,
    cause: str,
    has: str,
    line: str,
    exits: frozenset[int],
    *,
    needs_code: bool = False,
) -> Phrase:
    """A phrase of a shell, which goes on where it reads a program as a script."""
    is_followed = exits == _READ_AS_SCRIPT
    return Phrase(
        Speaker.SHELL,
        reason,
        says,
        said_by,
        cause,
        has,
        line,
        exits=exits,
        is_followed=is_followed,
        needs_code=needs_code,
    )


SHELLS = (
    _phrase(
        Reason.NOT_A_PROGRAM, "/bin/bash: /bin/bash: cannot execute binary file",
        "bash, told to read a program as a script (ENTRYPOINT is a shell without -c, CMD names a program)",
        "a shell was told to read a binary as a script: ENTRYPOINT names a shell without -c, and CMD a program. Not the CPU",
        "cannot execute binary file", rf"{_GIVEN}: (?:(?P=given)|/\S{{0,200}}/(?P=given)): cannot execute binary file", frozenset({126}),
    ),
    _phrase(
        Reason.EXEC_FORMAT_ERROR, "/entry.sh: line 3: /app: cannot execute binary file: Exec format error",
        "bash (before 4.3 without the last three words; 5.2's exec adds a line that ends in Success)", causes.FOREIGN, "cannot execute binary file",
        rf"{_LEAD}{_PATH}: (?:cannot execute(?: binary file)?: )?(?:cannot execute binary file|exec format error)|{_SLASHED}: cannot execute binary file(?:: exec format error)?", frozenset({2, 126}),
    ),
    _phrase(
        Reason.EXEC_FORMAT_ERROR, "/bin/sh: 1: /app: Exec format error", "dash; ksh93 (cannot execute [Exec format error]); zsh (zsh:1: exec format error: /app)",
        causes.FOREIGN, "exec format error",
        rf"{_LEAD}{_PATH}: (?:cannot execute:? )?\[?exec format error\]?|(?:zsh|\S{{0,100}}/zsh|[^:\s]{{1,100}}):\d{{0,6}}:? ?exec format error: {_PATH}",
        frozenset({2, 126}),
    ),
    _phrase(
        Reason.EXEC_FORMAT_ERROR, "mksh: /app: not executable: 64-bit ELF file", "mksh (Android, Alpine, Debian)", causes.FOREIGN, "not executable",
        rf"(?:E: )?{_LEAD}{_PATH}: not executable: (?:\d\d-bit )?(?:ELF|Mach-O|PE|magic)\b.{{0,60}}", frozenset({1, 126}),
    ),
    _phrase(
        Reason.EXEC_FORMAT_ERROR, "/app: Exec format error. Binary file not executable.", "tcsh, csh", causes.FOREIGN, "exec format error",
        rf"{_PATH}: exec format error\. (?:binary file|wrong architecture)[a-z ]{{0,40}}\.", frozenset({1, 126}),
    ),
    _phrase(
        Reason.EXEC_FORMAT_ERROR, "fish: Failed to execute process '/app'. Reason: exec: Exec format error", "fish (3.4 and newer say: could not be run by the operating system)",
        causes.FOREIGN, "failed to execute process", r"(?:exec: |fish: )?failed to execute process:? '[^']{1,300}'[.:]? ?(?:reason: exec: exec format error|unsupported format\.?|.{0,60}could not be run by the operating system\.?)",
        frozenset({125, 126}),
    ),
    _phrase(
        Reason.EXEC_FORMAT_ERROR, "zsh: bad CPU type in executable: /app", "zsh, bash on macOS (Apple silicon without Rosetta)", causes.FOREIGN, "bad cpu type",
        rf"(?:zsh|[^:\s]{{1,200}}):(?: ?\d{{1,6}}:)? ?bad cpu type in executable(?:: {_PATH})?|{_LEAD}{_PATH}: bad cpu type in executable", frozenset({126}),
    ),
    _phrase(
        Reason.EXEC_FORMAT_ERROR, "/app: line 1: \x7fELF: not found", "busybox ash, dash (behind execvp, see launchers), which read a foreign program as a script",
        causes.FOREIGN_SCRIPT, ": elf|\x7felf|\ufffdelf|177elf", rf"{_WHO}(?:line )?\d{{1,3}}: (?:{_WHO})?[^\w\s/]{{0,8}}(?:177)?ELF[^/:]{{0,300}}: (?:command )?not found", _READ_AS_SCRIPT,
    ),
    _phrase(
        Reason.EXEC_FORMAT_ERROR, '/app: line 1: syntax error: unexpected "("', "busybox ash, which reads a foreign program as a script", causes.FOREIGN_SCRIPT,
        "syntax error", rf"{_NO_SH}[^:\s]{{0,200}}/[^:\s]{{1,200}}: line 1: syntax error: (?:unexpected (?:\S{{1,12}}|word|redirection|newline|end of file)(?: \(expecting \S{{1,12}}\))?|unterminated quoted string|bad substitution)", _READ_AS_SCRIPT,
    ),
    _phrase(
        Reason.EXEC_FORMAT_ERROR, '/app: 1: Syntax error: "(" unexpected', "dash, behind an execvp (tini, env, setpriv, dumb-init on Debian) that reads a foreign program as a script",
        causes.FOREIGN_SCRIPT, "syntax error", rf"{_NO_SH}[^:\s]{{0,200}}/[^:\s]{{1,200}}: 1: (?:[^:\s]{{1,300}}: )?syntax error: (?:\"?[^\s\"]{{1,12}}\"? unexpected(?: \(expecting \S{{1,12}}\))?|word unexpected(?: \(expecting \S{{1,12}}\))?|newline unexpected|end of file unexpected(?: \(expecting \S{{1,12}}\))?|unterminated quoted string|bad substitution)", _READ_AS_SCRIPT,
    ),
    Phrase(
        Speaker.SHELL, Reason.EXEC_FORMAT_ERROR, './app: 2: ./app: Syntax error: "(" unexpected', "dash, busybox ash, bash, which read a foreign program as a script (a script of that name says the same of its own mistake)",
        causes.FOREIGN_SCRIPT, "syntax error", within=rf"^{_NO_SCRIPT}(\.?/[^:\s]{{1,200}}): (?:line )?[1-4]: (?:\1: )?syntax error(?:: \"[()]\" unexpected|: unexpected \"?[()]\"?$|: unexpected word \(expecting \S{{1,12}}\)| near unexpected token `[()]')",
    ),
    _phrase(
        Reason.CRLF_SHEBANG, "bash: ./entry.sh: /bin/bash^M: bad interpreter: No such file or directory", "bash, zsh (before 5.1 of bash; newer say: required file not found)",
        causes.CRLF, "bad interpreter|windows line endings", r"exec: failed to execute process '[^']{1,300}': {1,2}the file uses windows line endings.{0,80}|"
        rf"(?:{_LEAD})?(?:{_PATH}: )?/\S{{1,200}}(?:\^M|\\r|\r): bad interpreter: no such file or directory|(?:zsh|\S{{0,100}}/zsh):(?:\d{{0,6}}:)? ?{_PATH}: bad interpreter: [^:]{{1,200}}(?:\^M|\\r|\r): no such file or directory",
        REFUSED_CODES,
    ),
    _phrase(
        Reason.LOADER_MISSING, "bash: ./app: /lib/ld-linux.so.2: bad ELF interpreter: No such file or directory", "bash of RHEL and its kin, up to 9",
        "the dynamic loader that the program names is not there: it is for another CPU, word size or C library than the image", "bad elf interpreter",
        rf"(?:{_LEAD})?(?:{_PATH}: )?/\S{{1,200}}: bad ELF interpreter: no such file or directory", REFUSED_CODES,
    ),
    _phrase(
        Reason.INTERPRETER_MISSING, "/entry.sh: line 3: /app: cannot execute: required file not found", "bash 5.2 and newer; before: bad interpreter: No such file or directory; zsh; fish",
        causes.NEEDS, "required file not found|bad interpreter|interpreter",
        rf"{_LEAD}{_PATH}: (?:\S{{1,300}}: )?(?:cannot execute: required file not found|bad interpreter: no such file or directory)|/\S{{1,200}}: bad interpreter: no such file or directory|"
        rf"(?:zsh|\S{{0,100}}/zsh):(?:\d{{0,6}}:)? ?{_PATH}: bad interpreter: [^:]{{1,200}}: no such file or directory|"
        r"exec: failed to execute process '[^']{1,300}'[.:] .{0,60}specified the interpreter '[^']{1,300}', which is not an executable command\.?|"
        r"exec: failed to execute process '[^']{1,300}': the file exists and is executable\. check the interpreter or linker\?",
        REFUSED_CODES,
    ),
    _phrase(
        Reason.ENTRYPOINT_NOT_EXECUTABLE, "/entry.sh: line 3: /app: Permission denied", "bash, dash, busybox ash, ksh93, mksh, zsh", causes.DENIED, "permission denied",
        rf"{_WHO}(?:line \d{{1,6}}: |\d{{1,6}}: |exec: line \d{{1,6}}: |(?=\.?/))(?:exec: )?{_SLASHED}: (?:cannot execute:? |can't execute: )?\[?permission denied\]?|zsh:\d{{0,6}}:? permission denied: {_SLASHED}", frozenset({126}),
    ),
    _phrase(
        Reason.PERMISSION_DENIED, "/bin/sh: 0: cannot open /entry.sh: Permission denied", "dash (up to 0.5.10 can't open), busybox ash (can't open '/entry.sh'), bash (/entry.sh: /entry.sh: Permission denied)",
        causes.UNREADABLE, "permission denied", rf"{_WHO}(?:0: )?(?:can't open|cannot open) {_PATH}: permission denied|{_GIVEN}: (?P=given): permission denied", frozenset({2, 126, 127}),
    ),
    _phrase(
        Reason.ENTRYPOINT_MISSING, "/bin/sh: 0: cannot open /entry.sh: No such file", "dash (up to 0.5.10 can't open), busybox ash (can't open '/entry.sh'), bash (/entry.sh: No such file or directory)",
        causes.MISSING, "no such file", rf"{_WHO}(?:0: )?(?:can't open|cannot open) {_PATH}: no such file(?: or directory)?|(?:/bin/)?(?:ba|da|a|k)?sh: {_SLASHED}: no such file or directory", frozenset({2, 126, 127}),
    ),
    _phrase(
        Reason.ENTRYPOINT_MISSING, "/bin/sh: 1: /app: not found", "dash, busybox ash, ksh93; bash says: No such file or directory; mksh: inaccessible or not found", causes.ABSENT, ": not found|inaccessible or not found",
        rf"{_LEAD}{_SLASHED}: (?:not found|inaccessible or not found)", frozenset({127}),
    ),
    _phrase(
        Reason.ENTRYPOINT_MISSING, "/entry.sh: line 3: /app: No such file or directory", "bash (of a redirection it says the same, and ends with 1)", causes.MISSING,
        "no such file", rf"{_WHO}line \d{{1,6}}: (?:exec: )?{_SLASHED}: (?:cannot execute: )?no such file or directory", frozenset({127}), needs_code=True,
    ),
    _phrase(
        Reason.ENTRYPOINT_DIRECTORY, "bash: line 1: /app: Is a directory", "bash", causes.DIRECTORY, "is a directory",
        rf"{_WHO}line \d{{1,6}}: (?:exec: )?{_SLASHED}: (?:cannot execute: )?is a directory", frozenset({126}),
    ),
    _phrase(
        Reason.ILLEGAL_INSTRUCTION, "/entry.sh: line 3:    12 Illegal instruction     (core dumped) /app", "bash, dash, busybox ash, mksh; zsh says: illegal hardware instruction",
        causes.ILLEGAL, "illegal",
        r"(?:[^:]{1,200}: ){0,2}(?:line \d{1,6}: {1,8})?\d{1,9}:? {1,4}illegal instruction(?: {1,9}\S.{0,300})?|"
        r"(?!SIGILL)(?:[^:\s]{1,200}: ){0,2}(?:\[\d{1,9}\] {0,4}[+-]? {0,4}(?:\d{1,9} )?)?illegal (?:hardware )?instruction(?: {1,9}\(core dumped\)(?: {1,9}\S.{0,300})?|\(coredump\))?|"
        r"zsh:\d{0,6}:? (?:illegal hardware instruction|\d{1,9} illegal hardware instruction)(?: {1,9}\S.{0,300})?|"
        r"\[\d{1,9}\] {1,4}[+-]? {0,4}\d{1,9} illegal hardware instruction {1,9}\S.{0,300}",
        frozenset({132, 4}),
    ),
)  # fmt: skip
"""In the order in which they are tried."""
