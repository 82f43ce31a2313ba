"""Entrypoints that do what those of well-known images do, written anew: script, default command, where it leads."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Entrypoint:
    """One image: ``files`` beside the usual ones, ``reaches`` the words of the program that does the work."""

    text: str
    cmd: tuple[str, ...]
    reaches: tuple[tuple[str, ...], ...]
    env: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    volumes: tuple[str, ...] = ()
    shell: str = "bash"


REDIS = Entrypoint(
    """#!/bin/sh
set -e
if [ "${1#-}" != "$1" ] || [ "${1%.conf}" != "$1" ]; then
    set -- redis-server "$@"
fi
if [ "$1" = 'redis-server' -a "$(id -u)" = '0' ]; then
    find . \\! -user redis -exec chown redis '{}' +
    exec gosu redis "$0" "$@"
fi
um="$(umask)"
if [ "$um" = '0022' ]; then
    umask 0077
fi
exec "$@"
""",
    ("redis-server",),
    (("gosu", "redis", "/entry.sh", "redis-server"),),
    shell="dash",
)

POSTGRES = Entrypoint(
    """#!/usr/bin/env bash
set -Eeo pipefail
file_env() {
    local var="$1"
    local fileVar="${var}_FILE"
    local def="${2:-}"
    if [ "${!var:-}" ] && [ "${!fileVar:-}" ]; then
        printf >&2 'error: both %s and %s are set' "$var" "$fileVar"
        exit 1
    fi
    local val="$def"
    if [ "${!var:-}" ]; then
        val="${!var}"
    elif [ "${!fileVar:-}" ]; then
        val="$(< "${!fileVar}")"
    fi
    export "$var"="$val"
    unset "$fileVar"
}
is_sourced() {
    [ "${#FUNCNAME[@]}" -ge 2 ] && [ "${FUNCNAME[0]}" = 'is_sourced' ] && [ "${FUNCNAME[1]}" = 'source' ]
}
create_dirs() {
    local user; user="$(id -u)"
    mkdir -p "$PGDATA"
    chmod 00700 "$PGDATA" || :
    if [ "$user" = '0' ]; then
        find "$PGDATA" \\! -user postgres -exec chown postgres '{}' +
    fi
}
process_init_files() {
    printf '\\n'
    local f
    for f; do
        case "$f" in
            *.sh)
                if [ -x "$f" ]; then
                    "$f"
                else
                    . "$f"
                fi
                ;;
            *.sql) psql -f "$f" ;;
            *) printf 'ignoring %s\\n' "$f" ;;
        esac
    done
}
setup_env() {
    declare -g ALREADY_THERE
    : "${ALREADY_THERE:=}"
    if [ -s "$PGDATA/PG_VERSION" ]; then
        ALREADY_THERE='true'
    fi
}
_main() {
    if [ "${1:0:1}" = '-' ]; then
        set -- postgres "$@"
    fi
    if [ "$1" = 'postgres' ]; then
        setup_env
        create_dirs
        if [ "$(id -u)" = '0' ]; then
            exec gosu postgres "$BASH_SOURCE" "$@"
        fi
        if [ -z "$ALREADY_THERE" ]; then
            ls /docker-entrypoint-initdb.d/ > /dev/null
            initdb -D "$PGDATA"
            process_init_files /docker-entrypoint-initdb.d/*
            pg_ctl -D "$PGDATA" -m fast -w stop
        fi
    fi
    exec "$@"
}
if ! is_sourced; then
    _main "$@"
fi
""",
    ("postgres",),
    (("gosu", "postgres", "/entry.sh", "postgres"),),
    {"PGDATA": "/var/lib/postgresql/data"},
    volumes=("/var/lib/postgresql/data",),
)

MYSQL = Entrypoint(
    """#!/bin/bash
set -eo pipefail
shopt -s nullglob
log() { local type="$1"; shift; printf '[%s] %s\\n' "$type" "$*"; }
wants_help() {
    local arg
    for arg; do
        case "$arg" in
            -'?'|--help|--print-defaults|-V|--version) return 0 ;;
        esac
    done
    return 1
}
get_config() {
    local conf="$1"; shift
    "$@" --verbose --help 2>/dev/null | awk -v conf="$conf" '$1 == conf { print $2; exit }'
}
start_temporary() {
    "$@" --skip-networking &
    local pid=$!
    sleep 1
}
init_files() {
    local f
    for f; do
        case "$f" in
            *.sh) . "$f" ;;
            *) log Warn "ignoring $f" ;;
        esac
    done
}
_main() {
    if [ "${1:0:1}" = '-' ]; then
        set -- mysqld "$@"
    fi
    if [ "$1" = 'mysqld' ] && ! wants_help "$@"; then
        log Note started
        DATADIR="$(get_config 'datadir' "$@")"
        if [ "$(id -u)" = "0" ]; then
            find "$DATADIR" \\! -user mysql -exec chown mysql '{}' +
            exec gosu mysql "$BASH_SOURCE" "$@"
        fi
        if [ ! -d "$DATADIR/mysql" ]; then
            "$@" --initialize-insecure
            start_temporary "$@"
            init_files /docker-entrypoint-initdb.d/*
            kill "$!"
        fi
    fi
    exec "$@"
}
_main "$@"
""",
    ("mysqld",),
    (("gosu", "mysql", "/entry.sh", "mysqld"),),
)

MONGO = Entrypoint(
    """#!/bin/bash
set -Eeuo pipefail
if [ "${1:0:1}" = '-' ]; then
    set -- mongod "$@"
fi
originalArgOne="$1"
if [[ "$originalArgOne" == mongo* ]] && [ "$(id -u)" = '0' ]; then
    if [ "$originalArgOne" = 'mongod' ]; then
        find /data/configdb /data/db \\! -user mongodb -exec chown mongodb '{}' +
    fi
    exec gosu mongodb "$BASH_SOURCE" "$@"
fi
if [[ "$originalArgOne" == mongo* ]]; then
    numa='numactl --interleave=all'
    if $numa true &> /dev/null; then
        set -- $numa "$@"
    fi
fi
unset "${!MONGO_INITDB_@}" 2>/dev/null || true
exec "$@"
""",
    ("mongod",),
    (("gosu", "mongodb", "/entry.sh", "mongod"),),
    volumes=("/data/configdb", "/data/db"),
)

NODE = Entrypoint(
    """#!/bin/sh
set -e
if [ "${1#-}" != "${1}" ] || [ -z "$(command -v "${1}")" ] || { [ -f "${1}" ] && ! [ -x "${1}" ]; }; then
  set -- node "$@"
fi
exec "$@"
""",
    ("node",),
    (("node",),),
    files={"/usr/local/bin/node": "x"},
    shell="dash",
)

PYTHON_STYLE = Entrypoint('#!/bin/sh\nexec "$@"\n', ("python3",), (("python3",),), shell="dash")

TOMCAT = Entrypoint(
    """#!/bin/sh
cygwin=false
case "`uname`" in
CYGWIN*) cygwin=true;;
esac
PRG="$0"
while [ -h "$PRG" ]; do
  PRG=`readlink -f "$PRG"`
done
PRGDIR=`dirname "$PRG"`
[ -z "$CATALINA_HOME" ] && CATALINA_HOME=`cd "$PRGDIR/.." >/dev/null; pwd`
CLASSPATH=
if [ -r "$CATALINA_HOME/bin/setenv.sh" ]; then
  . "$CATALINA_HOME/bin/setenv.sh"
fi
if $cygwin; then
  CATALINA_HOME=`cygpath --unix "$CATALINA_HOME"`
fi
. "$CATALINA_HOME"/bin/setclasspath.sh
if [ "$1" = "start" ]; then
  shift
  eval $_NOHUP "\\"$_RUNJAVA\\"" start "&"
elif [ "$1" = "run" ]; then
  shift
  eval exec "\\"$_RUNJAVA\\"" "\\"-Dcatalina.home=$CATALINA_HOME\\"" org.apache.catalina.startup.Bootstrap "$@" start
fi
""",
    ("run",),
    (("/opt/java/bin/java", "-Dcatalina.home=/usr/local/tomcat", "org.apache.catalina.startup.Bootstrap", "start"),),
    {"CATALINA_HOME": "/usr/local/tomcat", "JAVA_HOME": "/opt/java"},
    {
        "/usr/local/tomcat/bin/setclasspath.sh": """
if [ -z "$JAVA_HOME" ] && [ -z "$JRE_HOME" ]; then exit 1; fi
if [ -z "$JRE_HOME" ]; then JRE_HOME="$JAVA_HOME"; fi
if [ -z "$_RUNJAVA" ]; then
  _RUNJAVA="$JRE_HOME"/bin/java
fi
""",
    },
    shell="bash",
)

NGINX = Entrypoint(
    """#!/bin/sh
set -e
entrypoint_log() {
    if [ -z "${NGINX_ENTRYPOINT_QUIET_LOGS:-}" ]; then
        echo "$@"
    fi
}
if [ "$1" = "nginx" ] || [ "$1" = "nginx-debug" ]; then
    if /usr/bin/find "/docker-entrypoint.d/" -mindepth 1 -maxdepth 1 -type f -print -quit 2>/dev/null | read v; then
        entrypoint_log "$0: looking for shell scripts"
        find "/docker-entrypoint.d/" -follow -type f -print | sort -V | while read -r f; do
            case "$f" in
                *.envsh)
                    if [ -x "$f" ]; then
                        entrypoint_log "sourcing $f"
                        . "$f"
                    fi
                    ;;
                *.sh)
                    if [ -x "$f" ]; then
                        entrypoint_log "launching $f"
                        "$f"
                    else
                        entrypoint_log "not executable"
                    fi
                    ;;
                *) entrypoint_log "ignoring";;
            esac
        done
    else
        entrypoint_log "no files found"
    fi
fi
exec "$@"
""",
    ("nginx", "-g", "daemon off;"),
    (("nginx", "-g", "daemon off;"),),
    shell="dash",
)

RABBITMQ = Entrypoint(
    """#!/usr/bin/env bash
set -eu
if [[ "$1" == rabbitmq* ]] && [ "$(id -u)" = '0' ]; then
    if [ "$1" = 'rabbitmq-server' ]; then
        find /var/lib/rabbitmq \\! -user rabbitmq -exec chown rabbitmq '{}' +
    fi
    exec gosu rabbitmq "$BASH_SOURCE" "$@"
fi
deprecated=( RABBITMQ_DEFAULT_PASS_FILE RABBITMQ_SSL_CERT )
hasOld=
for old in "${deprecated[@]}"; do
    if [ -n "${!old:-}" ]; then
        echo >&2 "error: $old is set"
        hasOld=1
    fi
done
[ -z "$hasOld" ] || exit 1
exec "$@"
""",
    ("rabbitmq-server",),
    (("gosu", "rabbitmq", "/entry.sh", "rabbitmq-server"),),
    volumes=("/var/lib/rabbitmq",),
)

HTTPD = Entrypoint(
    """#!/bin/sh
set -e
rm -f /usr/local/apache2/logs/httpd.pid
exec httpd -DFOREGROUND "$@"
""",
    (),
    (("httpd", "-DFOREGROUND"),),
    shell="dash",
)

WORDPRESS = Entrypoint(
    """#!/usr/bin/env bash
set -Eeuo pipefail
if [[ "$1" == apache2* ]] || [ "$1" = 'php-fpm' ]; then
    uid="$(id -u)"
    gid="$(id -g)"
    if [ "$uid" = '0' ]; then
        case "$1" in
            apache2*)
                user="${APACHE_RUN_USER:-www-data}"
                group="${APACHE_RUN_GROUP:-www-data}"
                pound='#'
                user="${user#$pound}"
                group="${group#$pound}"
                ;;
            *)
                user='www-data'
                group='www-data'
                ;;
        esac
    else
        user="$uid"
        group="$gid"
    fi
    if [ ! -e index.php ] && [ ! -e wp-includes/version.php ]; then
        if [ "$uid" = '0' ] && [ "$(stat -c '%u:%g' .)" = '0:0' ]; then
            chown "$user:$group" .
        fi
        sourceTarArgs=( --create --file - --directory /usr/src/wordpress --owner "$user" --group "$group" )
        targetTarArgs=( --extract --file - )
        if [ "$uid" != '0' ]; then
            targetTarArgs+=( --no-overwrite-dir )
        fi
        for contentPath in /usr/src/wordpress/.htaccess /usr/src/wordpress/wp-content/*/*/; do
            contentPath="${contentPath%/}"
            [ -e "$contentPath" ] || continue
            sourceTarArgs+=( --exclude "./$contentPath" )
        done
        tar "${sourceTarArgs[@]}" . | tar "${targetTarArgs[@]}"
    fi
fi
exec "$@"
""",
    ("apache2-foreground",),
    (("apache2-foreground",),),
    volumes=("/var/www/html",),
)

GHOST = Entrypoint(
    """#!/bin/bash
set -e
if [[ "$*" == node*current/index.js* ]] && [ "$(id -u)" = '0' ]; then
    find "$GHOST_CONTENT" \\! -user node -exec chown node '{}' +
    exec gosu node "$BASH_SOURCE" "$@"
fi
if [[ "$*" == node*current/index.js* ]]; then
    baseDir="$GHOST_INSTALL/content.orig"
    for src in "$baseDir"/*/ "$baseDir"/themes/*; do
        src="${src%/}"
        target="$GHOST_CONTENT/${src#$baseDir/}"
        mkdir -p "$(dirname "$target")"
        if [ ! -e "$target" ]; then
            tar -cC "$(dirname "$src")" "$(basename "$src")" | tar -xC "$(dirname "$target")"
        fi
    done
fi
exec "$@"
""",
    ("node", "current/index.js"),
    (("gosu", "node", "/entry.sh", "node", "current/index.js"),),
    {"GHOST_INSTALL": "/var/lib/ghost", "GHOST_CONTENT": "/var/lib/ghost/content"},
    volumes=("/var/lib/ghost/content",),
)

HAPROXY = Entrypoint(
    """#!/bin/sh
set -e
if [ "${1#-}" != "$1" ]; then
    set -- haproxy "$@"
fi
if [ "$1" = 'haproxy' ]; then
    shift
    set -- haproxy -W -db "$@"
fi
exec "$@"
""",
    ("haproxy", "-f", "/usr/local/etc/haproxy/haproxy.cfg"),
    (("haproxy", "-W", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg"),),
    shell="dash",
)

TRAEFIK = Entrypoint(
    """#!/bin/sh
set -e
if [ "${1#-}" != "$1" ]; then
    set -- traefik "$@"
fi
if traefik "$1" --help >/dev/null 2>&1; then
    set -- traefik "$@"
else
    echo "= '$1' is not a Traefik command"
fi
exec "$@"
""",
    ("traefik",),
    (("traefik", "traefik"), ("traefik",)),
    files={"/usr/local/bin/traefik": "x"},
    shell="busybox",
)

MEMCACHED = Entrypoint(
    """#!/bin/sh
set -e
if [ "${1#-}" != "$1" ]; then
    set -- memcached "$@"
fi
exec "$@"
""",
    ("memcached",),
    (("memcached",),),
    shell="busybox",
)

INFLUXDB = Entrypoint(
    """#!/bin/bash
set -e
if [ "${1:0:1}" = '-' ]; then
    set -- influxd "$@"
fi
if [ "$1" = 'influxd' ]; then
    /init-influxdb.sh "${@:2}"
fi
exec "$@"
""",
    ("influxd",),
    (("influxd",),),
    files={"/init-influxdb.sh": "x"},
)

ELASTICSEARCH = Entrypoint(
    """#!/bin/bash
set -e
umask 0002
if [[ "$1" != "eswrapper" ]]; then
  if [[ "$(id -u)" == "0" && $(basename "$1") == "elasticsearch" ]]; then
    set -- "elasticsearch" "${@:2}"
    exec chroot --userspec=1000:0 / "$@"
  else
    exec "$@"
  fi
fi
if [[ -f bin/elasticsearch-users ]]; then
  if [[ -n "$ELASTIC_PASSWORD" ]]; then
    echo "$ELASTIC_PASSWORD" | bin/elasticsearch-keystore add -x 'bootstrap.password'
  fi
fi
if [[ "$(id -u)" == "0" ]]; then
  if [[ -n "$TAKE_FILE_OWNERSHIP" ]]; then
    chown -R 1000:0 /usr/share/elasticsearch/data
  fi
fi
exec /usr/share/elasticsearch/bin/elasticsearch $POSITIONAL_PARAMETERS <<<"$KEYSTORE_PASSWORD"
""",
    ("eswrapper",),
    (("/usr/share/elasticsearch/bin/elasticsearch",),),
)

PHP = Entrypoint(
    """#!/bin/sh
set -e
if [ "${1#-}" != "$1" ]; then
    set -- php "$@"
fi
exec "$@"
""",
    ("php-fpm",),
    (("php-fpm",),),
    shell="dash",
)

GOLANG = Entrypoint('exec "$@"\n', ("go", "version"), (("go", "version"),), shell="dash")
RUST = Entrypoint('#!/bin/bash\nset -e\n. "$CARGO_HOME/env"\nexec "$@"\n', ("cargo",), (("cargo",),), {
    "CARGO_HOME": "/usr/local/cargo",
}, {
    "/usr/local/cargo/env": 'case ":${PATH}:" in\n*:"$CARGO_HOME/bin":*) ;;\n*) export PATH="$CARGO_HOME/bin:$PATH" ;;\nesac\n',
})  # fmt: skip

ENTRYPOINTS = {
    "redis": REDIS, "postgres": POSTGRES, "mysql": MYSQL, "mongo": MONGO, "node": NODE, "python": PYTHON_STYLE,
    "tomcat": TOMCAT, "nginx": NGINX, "rabbitmq": RABBITMQ, "httpd": HTTPD, "wordpress": WORDPRESS, "ghost": GHOST,
    "haproxy": HAPROXY, "traefik": TRAEFIK, "memcached": MEMCACHED, "influxdb": INFLUXDB, "elasticsearch": ELASTICSEARCH,
    "php-fpm": PHP, "golang": GOLANG, "rust": RUST,
}  # fmt: skip

AS_ITS_USER = {
    "redis": ("redis-server",), "postgres": ("postgres",), "mysql": ("mysqld",), "rabbitmq": ("rabbitmq-server",),
    "ghost": ("node", "current/index.js"), "mongo": ("mongod",),
}  # fmt: skip
"""Where the same script leads when gosu has started it again for the image's own user."""
