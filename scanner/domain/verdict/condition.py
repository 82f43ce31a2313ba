"""What some engines refuse of an image while others start it."""

from __future__ import annotations

from enum import StrEnum


class Condition(StrEnum):
    """One thing about an image of which the engine's kind and version decide; see ``engine_rules``."""

    EXEC_DENIED = "exec_denied"
    """The image's user may not execute a file that the runtime's own execve opens."""
    USER_OF_THREE_PARTS = "user_of_three_parts"
    WORKDIR_RELATIVE = "workdir_relative"
    WORKDIR_MISSING = "workdir_missing"
    """The directory is not the image's own choice, and the image does not hold it."""
    WORKDIR_DANGLING = "workdir_dangling"
    ENV_WITH_NUL = "env_with_nul"
    ENV_WITHOUT_EQUALS = "env_without_equals"
    ENV_EMPTY_WORD = "env_empty_word"
    ENTRYPOINT_EMPTY_WORD = "entrypoint_empty_word"
    """The Entrypoint is one empty word, and Cmd names the program."""
    PATH_EMPTY = "path_empty"
    """PATH is set to nothing, and the working directory holds the program."""
    PATH_UNSET = "path_unset"
    """The image sets variables, PATH is none of them, and the program is looked up in PATH."""
    PATH_RELATIVE = "path_relative"
    """A relative directory of PATH holds the program."""
    ARGV_WITH_NUL = "argv_with_nul"
    BELOW_RUN = "below_run"
    ENGINE_FILE = "engine_file"
    """The program is a file over which engines put their own, such as /etc/hosts."""
