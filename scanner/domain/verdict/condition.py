"""Conditions of an image for which engines refuse it, some of them or all."""

from __future__ import annotations

from enum import StrEnum


class Condition(StrEnum):
    """One thing about an image of which the engine's kind and version decide; see ``engine_rules``."""

    EXEC_DENIED = "exec_denied"
    """The image's user may not execute a file that the runtime's own execve opens."""
    EXEC_DENIED_ELSEWHERE = "exec_denied_elsewhere"
    """The same, where a later directory of PATH holds another program of its name."""
    CAPABILITY_OF_SOME = "capability_of_some"
    """A file that is executed wants a capability that only some engines give to every container."""
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
    VOLUME_OVER_FILE = "volume_over_file"
    """The image declares a volume where it holds a file."""
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
    MOUNT_POINT_ODD = "mount_point_odd"
    """Something else than a directory stands where the runtime mounts /dev, /proc or /sys."""
    # its layers
    LAYER_DAMAGED = "layer_damaged"
    """What it is packed with breaks off, or its tar archive is none."""
    GZIP_TAIL = "gzip_tail"
    """All of its gzip (or zstd) data is there, but the last member does not end, or something else follows it."""
    GZIP_CHECK = "gzip_check"
    """What it unpacks to has another checksum, or length, than the gzip member, or zstd's frame, says."""
    PACKED_OTHERWISE = "packed_otherwise"
    """It is packed with bzip2, xz or lz4, for which some engines call a tool of their host."""
    DIFF_ID_WRONG = "diff_id_wrong"
    NAME_ABOVE_ROOT = "name_above_root"
    NAMED_TWICE = "named_twice"
    WHITEOUT_TWICE = "whiteout_twice"
    """A whiteout of its own layer came before it, where engines make a device node of each."""
    BELOW_WHITEOUT = "below_whiteout"
    """An entry lies below a whiteout of its own layer, without an entry of that directory between them."""
    BELOW_LOWER_WHITEOUT = "below_lower_whiteout"
    """A layer implies a directory below what a layer under it whites out, or holds as a file."""
    ROOT_REPLACED = "root_replaced"
    """An entry without a name, or the root's, is no directory."""
    HARD_LINK_OUTSIDE = "hard_link_outside"
    """A hard link leads to what its own layer does not hold before it."""
    WHITEOUT_OF_ITSELF = "whiteout_of_itself"
    ZSTD = "zstd"
    ZSTD_SKIPPABLE_FIRST = "zstd_skippable_first"
    PACKED_THOUGH_PLAIN = "packed_though_plain"
    """Its media type says a plain tar archive, and it is packed."""
    LAYER_EMPTY = "layer_empty"
    """It has no bytes at all."""
    # its documents
    CONFIG_UNREADABLE = "config_unreadable"
    """A field of its config has another type, or form, than its specification gives it."""
    CONFIG_TYPE_MIXED = "config_type_mixed"
    """An OCI manifest with a config of Docker's media type."""
    CONFIG_TYPE_ODD = "config_type_odd"
    """An OCI manifest with a config of a media type that is no image's: a chart, a model, whatever a registry keeps."""
    LAYER_TYPE_ODD = "layer_type_odd"
    """A layer of a media type that is no image's."""
    LAYER_TYPE_LOOSE = "layer_type_loose"
    """A layer of a media type that says nothing, or that only comes close to an image's."""
    HISTORY_TOO_LONG = "history_too_long"
    """Its history speaks of more layers than there are."""
    LABEL_NAMELESS = "label_nameless"
    PORT_ODD = "port_odd"
    STOP_SIGNAL_ODD = "stop_signal_odd"
    ENTRY_URLS = "entry_urls"
    """The index entry names addresses, where some engines fetch it from."""
    ENTRY_TYPE_ODD = "entry_type_odd"
    """The index entry for the platform is of a media type that is no manifest's."""


OF_A_PULL = frozenset({
    Condition.LAYER_DAMAGED, Condition.GZIP_TAIL, Condition.GZIP_CHECK, Condition.PACKED_OTHERWISE, Condition.DIFF_ID_WRONG,
    Condition.NAME_ABOVE_ROOT, Condition.NAMED_TWICE, Condition.WHITEOUT_TWICE, Condition.BELOW_WHITEOUT,
    Condition.BELOW_LOWER_WHITEOUT, Condition.ROOT_REPLACED, Condition.HARD_LINK_OUTSIDE, Condition.WHITEOUT_OF_ITSELF, Condition.ZSTD, Condition.ZSTD_SKIPPABLE_FIRST, Condition.PACKED_THOUGH_PLAIN,
    Condition.LAYER_EMPTY, Condition.CONFIG_UNREADABLE, Condition.CONFIG_TYPE_MIXED, Condition.HISTORY_TOO_LONG,
    Condition.ENTRY_URLS, Condition.ENTRY_TYPE_ODD, Condition.CONFIG_TYPE_ODD, Condition.LAYER_TYPE_ODD, Condition.LAYER_TYPE_LOOSE,
})  # fmt: skip
"""What is asked only while an image is pulled: a container that is there has that behind it."""
