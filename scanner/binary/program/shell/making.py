"""What a program that does work of its own may make, told by its words: nothing, data, programs.

A program of the image that is not known here may make anything, the server that its script starts next among it.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import TYPE_CHECKING

from scanner.binary.program.argv import UNKNOWN, UNKNOWN_WORDS

if TYPE_CHECKING:
    from scanner.binary.program.argv import Command


class Makes(IntEnum):
    """What may be there behind a program that was not there before it."""

    NAMED = 0
    """Nothing but what its words name, if that."""
    DATA = 1
    """Files wherever it keeps its own, none of which may be executed."""
    ANYTHING = 2


_READING = frozenset({
    "true", "false", "echo", "printf", "test", "[", "pwd", "kill", "sha224sum", "sha384sum", "b2sum", "sum", "tsort", "fmt", "expand",
    "unexpand", "factor", "logname", "users", "groups", "hostid", "zgrep", "bzcat", "xzcat", "zstdcat", "lz4cat", "strings", "bc",
    "readelf", "nm", "size", "dmesg", "lscpu", "lsblk", "lsof", "lspci", "nvidia-smi", "ifconfig", "route", "arp", "vmstat", "last", "tree",
    "traceroute", "telnet", "killall", "renice", "ipcs", "swapon", "swapoff", "lsb_release", "dpkg-query", "apt-cache", "figlet", "toilet", "lolcat", "cowsay",
    "iptables", "ip6tables", "iptables-legacy", "iptables-nft", "nft", "tc", "ipset", "modprobe", "brctl", "ethtool", "ntpdate", "hwclock",
    "pg_isready", "mysqladmin", "mariadb-admin", "mysqlshow", "mariadb-show", "createdb", "dropdb", "createuser", "dropuser", "vacuumdb",
    "reindexdb", "nodetool", "rabbitmq-diagnostics", "kafka-topics.sh", "kafka-configs.sh", "kafka-broker-api-versions.sh",
    "wait4ports", "uuidgen", "mcookie", "lsns", "findmnt", "blkid", "numactl", "cal",
})  # fmt: skip
"""Programs that write no file, whatever they are told."""

_WRITING = frozenset({
    "ssh-keyscan", "ssh-keygen", "openssl", "certtool", "cfssl", "htpasswd", "pg_dump", "pg_dumpall", "pg_restore", "mysqldump",
    "mariadb-dump", "mc", "aws", "dbus-uuidgen", "xmllint", "xmlstarlet", "tcpdump", "nslookup", "localedef",
})  # fmt: skip
"""Programs that write data where their words say."""

_KEEPING = frozenset({
    "keytool", "initdb", "mysql_install_db", "mariadb-install-db", "mysql_upgrade", "mariadb-upgrade", "pg_createcluster", "locale-gen",
    "a2enmod", "a2dismod", "a2ensite", "a2dissite", "a2enconf", "a2disconf", "phpenmod", "phpdismod", "docker-php-ext-enable",
    "rabbitmq-plugins", "kafka-storage.sh", "couchbase-cli", "systemd-machine-id-setup", "update-ca-trust", "trust", "c_rehash",
    "mysql_tzinfo_to_sql", "mariadb-tzinfo-to-sql", "Xvfb", "nginx", "memcached", "chpasswd", "gpasswd", "passwd", "groupdel", "userdel", "delgroup", "deluser",
    "newaliases", "postmap", "postconf", "tzselect", "chronyd", "ntpd", "redis-server",
})  # fmt: skip
"""Programs that write data into places of their own."""

_SQL = frozenset({"psql", "mysql", "mariadb", "sqlite3", "clickhouse-client", "redis-cli", "influx"})
_LEAVING = re.compile(
    r"[\\`]|\b(?:PROGRAM|OUTFILE|DUMPFILE|SOURCE|SYSTEM|PAGER|TEE|LOAD\w*|LO_EXPORT|WRITEFILE|EDIT)\b|(?:^|\s)\.[a-z]",
    re.IGNORECASE,
)
"""What makes a client of a database write files, read further commands, start programs, itself or by its server."""
_READS_FILE = re.compile(r"-[a-zA-Z]*f|--?(?:file|init|pager|tee|rdb|eval|pipe|functions-rdb|queries|path|import)")

_FIRST_WORDS = {
    "git": frozenset({"config", "rev-parse", "status", "log", "describe", "--version"}),
    "consul": frozenset({"kv", "members", "info", "services", "validate", "acl", "intention", "version", "catalog"}),
    "vault": frozenset({"kv", "read", "status", "write", "login", "token", "version", "operator", "secrets", "auth", "policy"}),
    "etcdctl": frozenset({"get", "put", "del", "member", "endpoint", "version"}),
    "kubectl": frozenset({"get", "wait", "apply", "describe", "version", "rollout", "annotate", "label", "create", "delete", "patch", "auth"}),
    "dpkg": frozenset({"-l", "-s", "-L", "-S", "--print-architecture", "--status", "--list", "--version"}),
    "apk": frozenset({"info", "--version", "--print-arch", "version", "list", "search"}),
    "rpm": frozenset({"-q", "-qa", "-qi", "-ql", "--version"}),
    "pip": frozenset({"list", "freeze", "show", "--version", "-V", "check"}),
    "pip3": frozenset({"list", "freeze", "show", "--version", "-V", "check"}),
    "rabbitmqctl": frozenset({"add_user", "set_user_tags", "set_permissions", "status", "wait", "await_startup", "delete_user", "list_users", "change_password", "add_vhost"}),
}  # fmt: skip
"""Programs that start no other and keep no program where their first word is one of these."""

_VERSION = frozenset({"--version", "-version", "-v", "-V", "version", "--help", "-h", "-help"})
_OF_VERSIONS = frozenset({
    "java", "javac", "node", "nodejs", "npm", "yarn", "pnpm", "python", "python3", "python2", "ruby", "perl", "php", "go", "dotnet", "deno", "bun",
    "gunicorn", "uvicorn", "celery", "httpd", "apache2", "apache2ctl", "caddy", "traefik", "postgres", "mysqld", "mariadbd", "mongod",
    "docker", "bundle", "rails", "gem", "composer", "mvn", "gradle", "erl", "elixir", "mix", "R", "julia", "lua", "terraform", "helm", "envoy",
})  # fmt: skip
"""Programs that print their version, and do nothing else, where they are asked for it alone."""


def makes(command: Command) -> Makes:
    """What a program may have made behind it, by what it is called."""
    words = command.argv
    name = words[0].rpartition("/")[2]
    if name in _READING:
        return Makes.NAMED
    if name in _WRITING:
        is_told = not any(UNKNOWN in word or UNKNOWN_WORDS in word for word in words)
        return Makes.NAMED if is_told else Makes.DATA
    if name in _KEEPING:
        return Makes.DATA
    if name in _SQL:
        return Makes.NAMED if _asks(words[1:], command.input) else Makes.ANYTHING
    if name in _FIRST_WORDS:
        return Makes.NAMED if words[1:2] and words[1] in _FIRST_WORDS[name] else Makes.ANYTHING
    is_of_version = name in _OF_VERSIONS and len(words) > 1 and _VERSION.issuperset(words[1:])
    return Makes.NAMED if is_of_version else Makes.ANYTHING


def _asks(words: tuple[str, ...], text: str | None) -> bool:
    """Whether a client of a database only asks it, as far as all that it is told is known."""
    if text is None or UNKNOWN in text or any(not word.strip(f"{UNKNOWN}{UNKNOWN_WORDS}") for word in words if word):
        return False
    return not any(_LEAVING.search(each) for each in (*words, text)) and not any(map(_READS_FILE.match, words))
