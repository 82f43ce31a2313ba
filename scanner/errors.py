"""What ends a command: every error that leaves the program, as a tree.

::

    Exception
    ├── UsageError      the operator has to change something: exit code 2
    └── ServiceError    the service cannot run although its configuration is right: exit code 1
"""

from __future__ import annotations


class UsageError(Exception):
    """Something the operator has to change: one line per problem, ends the command with exit code 2."""


class ServiceError(Exception):
    """The service cannot run although its configuration is right (port in use): one line, exit code 1."""
