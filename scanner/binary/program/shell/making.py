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
    "unexpand", "factor", "logname", "users", "groups", "hostid", "zgrep", "bzcat", "xzcat", "lz4cat", "strings", "bc",
    "readelf", "nm", "size", "dmesg", "lscpu", "lsblk", "lspci", "ifconfig", "route", "arp", "vmstat", "last", "ssh-keyscan",
    "traceroute", "killall", "renice", "ipcs", "swapon", "swapoff", "lsb_release", "dpkg-query", "figlet", "toilet", "lolcat", "cowsay",
    "iptables", "ip6tables", "iptables-legacy", "iptables-nft", "nft", "tc", "modprobe", "brctl", "ntpdate",
    "pg_isready", "mysqladmin", "mariadb-admin", "mysqlshow", "mariadb-show", "createdb", "dropdb", "createuser", "dropuser", "vacuumdb",
    "reindexdb", "wait4ports", "uuidgen", "mcookie", "lsns", "findmnt", "blkid", "numactl", "cal",
})  # fmt: skip
"""Programs that write no file, whatever they are told."""

_WRITING = frozenset({
    "certtool", "cfssl", "htpasswd", "pg_dump", "pg_dumpall", "pg_restore", "mysqldump", "mariadb-dump", "xmllint", "xmlstarlet",
    "nvidia-smi", "tree", "telnet", "ipset", "ethtool", "zstdcat",
})  # fmt: skip
"""Programs that write data where their words say, and nowhere else."""

_KEEPING = frozenset({
    "keytool", "initdb", "mysql_install_db", "mariadb-install-db", "mysql_upgrade", "mariadb-upgrade", "pg_createcluster", "locale-gen",
    "localedef", "a2enmod", "a2dismod", "a2ensite", "a2dissite", "a2enconf", "a2disconf", "phpenmod", "phpdismod", "docker-php-ext-enable",
    "rabbitmq-plugins", "rabbitmq-diagnostics", "kafka-storage.sh", "kafka-topics.sh", "kafka-configs.sh", "kafka-broker-api-versions.sh",
    "nodetool", "couchbase-cli", "systemd-machine-id-setup", "dbus-uuidgen", "ssh-keygen", "update-ca-trust", "trust", "c_rehash",
    "mysql_tzinfo_to_sql", "mariadb-tzinfo-to-sql", "Xvfb", "nginx", "memcached", "chpasswd", "gpasswd", "passwd", "groupdel", "userdel",
    "delgroup", "deluser", "newaliases", "postmap", "postconf", "tzselect", "chronyd", "redis-server", "hwclock", "apt-cache",
})  # fmt: skip
"""Programs that write data into places of their own, or by names of their own (``ssh-keygen -A``)."""

_SQL = frozenset({"psql", "mysql", "mariadb", "sqlite3", "clickhouse-client", "redis-cli", "influx"})
_LEAVING = re.compile(
    r"[\\`]|^\||\b(?:PROGRAM|OUTFILE|DUMPFILE|SOURCE|SYSTEM|PAGER|TEE|LOAD\w*|LO_EXPORT|WRITEFILE|EDIT|PL\w*U)\b|\bTO\s+E?'/"
    r"|(?:^|\s)\.[a-z]",
    re.IGNORECASE,
)
"""What makes a client of a database write files, read further commands, start programs, itself or by its server."""
_READS_FILE = re.compile(r"-[a-zA-Z]*f|--?(?:file|init|pager|tee|rdb|eval|pipe|functions-rdb|queries|path|import)")

_UNTOLD = re.compile(r"|-[a-zA-Z]{0,4}[ce]|--(?:command|execute|query)", re.ASCII)
"""What is left of a command of which nothing but unknown text is told, signs behind it left out."""
_SIGNS = re.compile(r"[^0-9A-Za-z-]", re.ASCII)

_FIRST_WORDS = {
    "aws": frozenset({"sts", "ssm", "secretsmanager", "ecr", "configure", "ec2", "kms", "route53"}),
    "mc": frozenset({"alias", "config", "mb", "ls", "ready", "policy", "anonymous", "admin", "stat"}),
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

_WITH_OWN_FILES = frozenset({"aws", "mc", "kubectl", "rabbitmqctl", "redis-cli", "influx", "git config", "vault login"})
"""Those that write down in places of their own, or have their server write down, what they are told."""

_VERSION = frozenset({"--version", "-version", "-V", "--help", "-h", "-help"})
_VERBOSE = frozenset(
    {"python", "python3", "python2", "mysqld", "mariadbd", "mongod", "celery", "gunicorn", "uvicorn", "composer", "R"}
)
"""Programs to which ``-v`` is another word, with which they start."""

_BY_WORD = frozenset({"go", "docker", "traefik", "caddy", "terraform", "helm"})
"""Programs to which ``version`` is a command, to others the name of a script."""

_OF_VERSIONS = frozenset({
    "java", "javac", "node", "nodejs", "npm", "yarn", "pnpm", "python", "python3", "python2", "ruby", "perl", "php", "go", "dotnet", "deno", "bun",
    "gunicorn", "uvicorn", "celery", "httpd", "apache2", "apache2ctl", "caddy", "traefik", "postgres", "mysqld", "mariadbd", "mongod",
    "docker", "bundle", "rails", "gem", "composer", "mvn", "gradle", "elixir", "mix", "R", "julia", "lua", "terraform", "helm", "envoy",
})  # fmt: skip
"""Programs that print their version, and do nothing else, where they are asked for it alone."""


def makes(command: Command) -> Makes:
    """What a program may have made behind it, by what it is called, unless it stands where an image has scripts of its own."""
    words = command.argv
    directory, slash, name = words[0].rpartition("/")
    if slash and not directory.endswith("bin"):
        return Makes.ANYTHING
    if name in _READING:
        return Makes.NAMED
    if name in _WRITING:
        is_told = not any(UNKNOWN in word or UNKNOWN_WORDS in word for word in words)
        return Makes.NAMED if is_told else Makes.DATA
    if name in _KEEPING:
        return Makes.DATA
    if not (_is_of_version(name, words[1:]) or _is_harmless(name, words[1:], command.input)):
        return Makes.ANYTHING
    return Makes.DATA if _WITH_OWN_FILES & {name, " ".join((name, *words[1:2]))} else Makes.NAMED


def _is_of_version(name: str, words: tuple[str, ...]) -> bool:
    """Whether a program is asked for nothing but its version."""
    more = {"version" if name in _BY_WORD else "", "" if name in _VERBOSE else "-v"} - {""}
    return name in _OF_VERSIONS and bool(words) and (_VERSION | more).issuperset(words)


def _is_harmless(name: str, words: tuple[str, ...], text: str | None) -> bool:
    """Whether what a program is told, as far as it tells, has it start no other and keep no program."""
    if name in _SQL:
        return _asks(words, text)
    return bool(words) and words[0] in _FIRST_WORDS.get(name, ())


def _asks(words: tuple[str, ...], text: str | None) -> bool:
    """Whether a client of a database only asks it, as far as all that it is told is known."""
    if text is None or UNKNOWN in text or any(map(_is_untold, words)):
        return False
    return not any(_LEAVING.search(each) for each in (*words, text)) and not any(map(_READS_FILE.match, words))


def _is_untold(word: str) -> bool:
    known = word.replace(UNKNOWN_WORDS, "").replace(UNKNOWN, "")
    return known != word and _UNTOLD.fullmatch(_SIGNS.sub("", known)) is not None
