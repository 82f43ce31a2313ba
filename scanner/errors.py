"""What ends a command: every error that leaves the program, as a tree.

::

    Exception
    ├── UsageError           the operator has to change something: exit code 2
    │   ├── SettingsError    the configuration is refused (scanner.settings.problem)
    │   └── InventoryError   a source of the inventory is refused (scanner.inventory.error)
    └── ServiceError         the service cannot run where it is, although its configuration is read: exit code 2
        ├── StoreError       the store refuses (scanner.store.error)
        ├── TrailError       the trail cannot be continued (scanner.trail.log)
        └── ListenError      the address cannot be listened on (scanner.web.http.server)

Each is raised with its text made: one line per problem, no traceback. What a key, known_hosts (``TrustError``) or a file
of mirrors (``MirrorsError``) is refused for becomes a ``SettingsError`` that names its section where adapters are opened.
"""

from __future__ import annotations

import errno
import re

EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""What the system says where this machine has no descriptor, buffer or memory left: no fault of whoever is talked to."""

NO_PROCESS = EXHAUSTED | {errno.EAGAIN}
"""The same where a process is to be started: there EAGAIN is the limit of processes."""

NO_TEXT = "what is asked holds bytes that are no text (UTF-8), in a name perhaps"
"""Of a question to a server that cannot be sent: a shell passes on any bytes."""

_NUMBERS = re.compile(r"\[Errno -?\d+\] |\[(?:SSL|X509|PEM|ASN1|SYS|CONF)\b[^\]]{0,200}\] ?| \(_ssl\.c:\d+\)")
_WRAPPED = re.compile(r"<urlopen error (.*)>", re.DOTALL)


class UsageError(Exception):
    """Something the operator has to change: one line per problem, ends the command with exit code 2."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class ServiceError(Exception):
    """The service cannot run where it is (port in use, no such store): one line, exit code 2."""


def in_words(error: BaseException) -> str:
    """What a library's exception says to a person, on one line: without errno, OpenSSL's codes, Python's brackets.

    The name of its class where it says nothing.
    """
    said = " ".join(str(error).split())
    wrapped = _WRAPPED.fullmatch(said)
    return _NUMBERS.sub("", wrapped[1] if wrapped else said) or type(error).__name__
