"""What the entrypoints of much pulled images do, in words of our own: script, default command, one other command."""

from dataclasses import dataclass, field

from tests.binary.program.shell.entrypoints import ENTRYPOINTS


@dataclass(frozen=True)
class Official:
    """``text`` is the entrypoint's, none where the image starts its program itself; ``server`` is what ``cmd`` leads to.

    ``other`` is a command that somebody gives beside the image, ``leads`` where that goes.
    """

    text: str
    cmd: tuple[str, ...]
    server: str
    other: tuple[str, ...] = ("bash",)
    leads: str = "bash"
    env: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    volumes: tuple[str, ...] = ()
    shell: str = "bash"
    first: tuple[str, ...] = ()
    cwd: str = "/"


def plain(*cmd, **more):
    return Official("", cmd, cmd[0], **more)


DASHED = 'if [ "${{1#-}}" != "$1" ]; then\n  set -- {0} "$@"\nfi\nexec "$@"\n'


def dashed(name, **more):
    return Official("#!/bin/sh\nset -e\n" + DASHED.format(name), (name,), name, **({"shell": "dash"} | more))


SWITCHING = """#!/bin/bash
set -e
if [ "${{1:0:1}}" = '-' ]; then set -- {0} "$@"; fi
if [ "$1" = '{0}' ] && [ "$(id -u)" = '0' ]; then
  find {1} \\! -user {2} -exec chown {2} '{{}}' +
  exec gosu {2} "$BASH_SOURCE" "$@"
fi
{3}
exec "$@"
"""


def switching(name, data, user, rest="", **more):
    return Official(SWITCHING.format(name, data, user, rest), (name,), name, volumes=(data,), **more)


MARIADB = switching(
    "mariadbd",
    "/var/lib/mysql",
    "mysql",
    """
note() { printf '%s [Note] %s\\n' "$(date)" "$*"; }
for_each() { local f; for f; do case "$f" in *.sh) if [ -x "$f" ]; then "$f"; else . "$f"; fi;; *.sql) note "$f";; esac; done; }
if [ "$1" = mariadbd ]; then
  DATADIR="$("$@" --verbose --help 2>/dev/null | awk '$1 == "datadir" { print $2 }')"
  declare -g EXISTS
  if [ -d "$DATADIR/mysql" ]; then EXISTS=true; fi
  if [ -z "$EXISTS" ]; then
    mkdir -p "$DATADIR"
    mariadb-install-db --datadir="$DATADIR" --rpm
    "$@" --skip-networking --socket=/run/mysqld.sock & pid=$!
    for i in {30..0}; do if mariadb -e 'SELECT 1' &> /dev/null; then break; fi; sleep 1; done
    if [ "$i" = 0 ]; then exit 1; fi
    for_each /docker-entrypoint-initdb.d/*
    kill "$pid"; wait "$pid"
  fi
fi""",
)

KIBANA = Official("""#!/bin/bash
settings=( server.port elasticsearch.hosts logging.dest )
longopts=''
for setting in ${settings[*]}; do
  env_var=$(echo ${setting^^} | tr . _)
  value=${!env_var}
  if [[ -n $value ]]; then longopts+=" --${setting}=${value}"; fi
done
umask 0002
exec /usr/share/kibana/bin/kibana --allow-root --cpu.period=1 ${longopts} "$@"
""", (), "/usr/share/kibana/node/bin/node", ("--verbose",), "/usr/share/kibana/node/bin/node", files={
    "/usr/share/kibana/bin/kibana": """#!/bin/sh
SCRIPT=$0
while [ -h "$SCRIPT" ]; do
  ls=$(ls -ld "$SCRIPT")
  link=$(expr "$ls" : '.*-> \\(.*\\)$')
  if expr "$link" : '/.*' > /dev/null; then SCRIPT="$link"; else SCRIPT=$(dirname "$SCRIPT")/"$link"; fi
done
DIR="$(dirname "${SCRIPT}")/.."
NODE="${DIR}/node/bin/node"
test -x "$NODE"
if [ ! -x "$NODE" ]; then echo "no node"; exit 1; fi
if [ -f "${DIR}/config/node.options" ]; then
  KBN_NODE_OPTS="$(grep -v ^# < ${DIR}/config/node.options | xargs)"
fi
NODE_OPTIONS="--max-http-header-size=65536 $KBN_NODE_OPTS $NODE_OPTIONS" NODE_ENV=production exec "${NODE}" "${DIR}/src/cli/dist" ${@}
"""})  # fmt: skip

LOGSTASH = Official(
    """#!/bin/bash
env2yaml /usr/share/logstash/config/logstash.yml
export LS_JAVA_OPTS="-Dls.cgroup.cpuacct.path.override=/ $LS_JAVA_OPTS"
if [[ -z $1 ]] || [[ ${1:0:1} == '-' ]]; then
  exec logstash "$@"
else
  exec "$@"
fi
""",
    (),
    "logstash",
)

JENKINS = Official(
    """#! /bin/bash -e
: "${JENKINS_WAR:="/usr/share/jenkins/jenkins.war"}"
: "${JENKINS_HOME:="/var/jenkins_home"}"
: "${COPY_REFERENCE_FILE_LOG:="${JENKINS_HOME}/copy_reference_file.log"}"
touch "${COPY_REFERENCE_FILE_LOG}" || { echo "cannot write" ; exit 1; }
echo "--- at $(date)" >> "$COPY_REFERENCE_FILE_LOG"
find "${REF}" \\( -type f -o -type l \\) -exec bash -c '. /usr/local/bin/jenkins-support; for arg; do copy "$arg"; done' _ {} +
if [[ $# -lt 1 ]] || [[ "$1" == "--"* ]]; then
  java_opts_array=()
  while IFS= read -r -d '' item; do
    java_opts_array+=( "$item" )
  done < <([[ $JENKINS_JAVA_OPTIONS ]] && xargs printf '%s\\0' <<<"$JAVA_OPTS")
  jenkins_opts_array=( )
  while IFS= read -r -d '' item; do
    jenkins_opts_array+=( "$item" )
  done < <([[ $JENKINS_OPTS ]] && xargs printf '%s\\0' <<<"$JENKINS_OPTS")
  exec java -Duser.home="$JENKINS_HOME" "${java_opts_array[@]}" -jar ${JENKINS_WAR} "${jenkins_opts_array[@]}" "$@"
fi
exec "$@"
""",
    (),
    "java",
    first=("tini", "--"),
    env={"REF": "/usr/share/jenkins/ref"},
    volumes=("/var/jenkins_home",),
)

SONARQUBE = Official(
    """#!/usr/bin/env bash
set -euo pipefail
DEFAULT_CMD=('/opt/java/bin/java' '-jar' 'lib/sonar.jar' '-Dsonar.log.console=true')
if [ "$(id -u)" = '0' ]; then
  chown -R "$(id -u):$(id -g)" "${SQ_DATA_DIR}" || :
  chmod -R 700 "${SQ_DATA_DIR}"
fi
if [ $# -eq 0 ]; then
  exec "${DEFAULT_CMD[@]}"
elif [ "${1:0:1}" = '-' ]; then
  exec "${DEFAULT_CMD[@]}" "$@"
fi
exec "$@"
""",
    (),
    "/opt/java/bin/java",
    env={"SQ_DATA_DIR": "/opt/sonarqube/data"},
)

NEXTCLOUD = Official(
    """#!/bin/sh
set -eu
version_greater() { [ "$(printf '%s\\n' "$@" | sort -t '.' -n -k1,1 -k2,2 | head -n 1)" != "$1" ]; }
directory_empty() { [ -z "$(ls -A "$1/")" ]; }
run_as() { if [ "$(id -u)" = 0 ]; then su -p "$user" -s /bin/sh -c "$1"; else sh -c "$1"; fi; }
run_path() {
  local hook="$1" return_code=0
  if ! [ -d "/docker-entrypoint-hooks.d/$hook" ] || directory_empty "/docker-entrypoint-hooks.d/$hook"; then return 0; fi
  find "/docker-entrypoint-hooks.d/$hook" -maxdepth 1 -iname '*.sh' -print | sort | while read -r script; do
    if ! [ -x "$script" ]; then continue; fi
    run_as "$script"
  done
}
if expr "$1" : "apache" 1>/dev/null; then
  if [ -n "${APACHE_DISABLE_REWRITE_IP+x}" ]; then a2disconf remoteip; fi
fi
if expr "$1" : "apache" 1>/dev/null || [ "$1" = "php-fpm" ] || [ "${NEXTCLOUD_UPDATE:-0}" -eq 1 ]; then
  uid="$(id -u)"; gid="$(id -g)"
  if [ "$uid" = '0' ]; then
    case "$1" in
      apache2*) user="${APACHE_RUN_USER:-www-data}"; group="${APACHE_RUN_GROUP:-www-data}"; user="${user#'#'}";;
      *) user='www-data'; group='www-data';;
    esac
  else user="$uid"; group="$gid"; fi
  (
    if ! flock -n 9; then echo "waiting"; flock 9; fi
    installed_version="0.0.0.0"
    if [ -f /var/www/html/version.php ]; then
      installed_version="$(php -r 'require "/var/www/html/version.php"; echo implode(".", $OC_Version);')"
    fi
    image_version="$(php -r 'require "/usr/src/nextcloud/version.php"; echo implode(".", $OC_Version);')"
    if version_greater "$installed_version" "$image_version"; then echo "no downgrade"; exit 1; fi
    if version_greater "$image_version" "$installed_version"; then
      if [ "$(id -u)" = 0 ]; then rsync_options="-rlDog --chown $user:$group"; else rsync_options="-rlD"; fi
      rsync $rsync_options --delete --exclude-from=/upgrade.exclude /usr/src/nextcloud/ /var/www/html/
      for dir in config data custom_apps themes; do
        if [ ! -d "/var/www/html/$dir" ] || directory_empty "/var/www/html/$dir"; then
          rsync $rsync_options --include "/$dir/" /usr/src/nextcloud/ /var/www/html/
        fi
      done
      if [ "$installed_version" = "0.0.0.0" ]; then run_path pre-installation; else run_as 'php /var/www/html/occ upgrade'; fi
    fi
  ) 9> /var/www/html/nextcloud-init-sync.lock
  run_path before-starting
fi
exec "$@"
""",
    ("apache2-foreground",),
    "apache2-foreground",
    shell="busybox",
    volumes=("/var/www/html",),
    cwd="/var/www/html",
)

JOOMLA = Official(
    """#!/bin/bash
set -e
if [[ "$1" == apache2* ]] || [ "$1" == php-fpm ]; then
  : "${JOOMLA_DB_HOST:=mysql}" "${JOOMLA_DB_NAME:=joomla}"
  if [ -z "$JOOMLA_DB_PASSWORD" ] && [ "$JOOMLA_DB_PASSWORD_ALLOW_EMPTY" != 'yes' ]; then
    echo >&2 "error: missing JOOMLA_DB_PASSWORD"
  fi
  if ! [ -e index.php -a \\( -e libraries/cms/version/version.php -o -e libraries/src/Version.php \\) ]; then
    if [ "$(ls -A)" ]; then ( set -x; ls -A; sleep 5 ); fi
    tar cf - --one-file-system -C /usr/src/joomla . | tar xf -
    if [ ! -e .htaccess ]; then sed -r 's/x/y/' htaccess.txt > .htaccess; chown www-data:www-data .htaccess; fi
  fi
  php /makedb.php "$JOOMLA_DB_HOST" "$JOOMLA_DB_NAME"
fi
exec "$@"
""",
    ("apache2-foreground",),
    "apache2-foreground",
    volumes=("/var/www/html",),
    cwd="/var/www/html",
)

ZOOKEEPER = Official("""#!/bin/bash
set -e
if [[ "$1" = 'zkServer.sh' && "$(id -u)" = '0' ]]; then
  chown -R zookeeper "$ZOO_DATA_DIR" "$ZOO_LOG_DIR"
  exec gosu zookeeper "$0" "$@"
fi
if [[ ! -f "$ZOO_CONF_DIR/zoo.cfg" ]]; then
  CONFIG="$ZOO_CONF_DIR/zoo.cfg"
  { echo "dataDir=$ZOO_DATA_DIR"; echo "tickTime=2000"; } >> "$CONFIG"
  if [[ -z $ZOO_SERVERS ]]; then ZOO_SERVERS="server.1=localhost:2888:3888;2181"; fi
  for server in $ZOO_SERVERS; do echo "$server" >> "$CONFIG"; done
fi
if [[ ! -f "$ZOO_DATA_DIR/myid" ]]; then echo "${ZOO_MY_ID:-1}" > "$ZOO_DATA_DIR/myid"; fi
exec "$@"
""", ("zkServer.sh", "start-foreground"), "/opt/java/bin/java", env={
    "ZOO_DATA_DIR": "/data", "ZOO_CONF_DIR": "/conf", "ZOO_LOG_DIR": "/logs", "JAVA_HOME": "/opt/java",
}, files={
    "/usr/bin/zkServer.sh": """#!/usr/bin/env bash
ZOOBIN="${BASH_SOURCE-$0}"
ZOOBIN="$(dirname "${ZOOBIN}")"
ZOOBINDIR="$(cd "${ZOOBIN}"; pwd)"
if [ -e "$ZOOBIN/../libexec/zkEnv.sh" ]; then . "$ZOOBINDIR"/../libexec/zkEnv.sh; else . "$ZOOBINDIR"/zkEnv.sh; fi
case $1 in
start-foreground)
  ZOO_CMD=(exec "$JAVA")
  if [ "${ZOO_NOEXEC}" != "" ]; then ZOO_CMD=("$JAVA"); fi
  "${ZOO_CMD[@]}" "-Dzookeeper.log.dir=${ZOO_LOG_DIR}" -cp "$CLASSPATH" $JVMFLAGS org.Main "$ZOOCFG" ;;
*) echo usage; exit 1 ;;
esac
""",
    "/usr/bin/zkEnv.sh": 'if [[ -n "$JAVA_HOME" ]] && [[ -x "$JAVA_HOME/bin/java" ]]; then JAVA="$JAVA_HOME/bin/java"; else JAVA=java; fi\n'
    'for i in "$ZOOBINDIR"/../lib/*.jar; do CLASSPATH="$i:$CLASSPATH"; done\n',
}, volumes=("/data", "/logs"))  # fmt: skip

CASSANDRA = Official(
    """#!/bin/bash
set -e
if [ "$#" -eq 0 ] || [ "${1:0:1}" = '-' ]; then set -- cassandra -f "$@"; fi
if [ "$1" = 'cassandra' -a "$(id -u)" = '0' ]; then
  find "$CASSANDRA_CONF" /var/lib/cassandra /var/log/cassandra \\! -user cassandra -exec chown cassandra '{}' +
  exec gosu cassandra "$BASH_SOURCE" "$@"
fi
_ip_address() { ip address | awk '$1 != "inet" { next } { gsub(/\\/.+/, "", $2); print $2; exit }'; }
_sed-in-place() {
  local filename="$1"; shift
  local tempFile
  tempFile="$(mktemp)"
  sed "$@" "$filename" > "$tempFile"
  cat "$tempFile" > "$filename"
  rm "$tempFile"
}
if [ "$1" = 'cassandra' ]; then
  : ${CASSANDRA_RPC_ADDRESS='0.0.0.0'}
  : ${CASSANDRA_LISTEN_ADDRESS='auto'}
  if [ "$CASSANDRA_LISTEN_ADDRESS" = 'auto' ]; then CASSANDRA_LISTEN_ADDRESS="$(_ip_address)"; fi
  _sed-in-place "$CASSANDRA_CONF/cassandra.yaml" -r 's/(- seeds:).*/\\1 "'"$CASSANDRA_SEEDS"'"/'
  for yaml in broadcast_address cluster_name listen_address; do
    var="CASSANDRA_${yaml^^}"
    val="${!var}"
    if [ "$val" ]; then _sed-in-place "$CASSANDRA_CONF/cassandra.yaml" -r 's/^(# )?('"$yaml"':).*/\\2 '"$val"'/'; fi
  done
fi
exec "$@"
""",
    ("cassandra", "-f"),
    "cassandra",
    env={"CASSANDRA_CONF": "/etc/cassandra"},
    volumes=("/var/lib/cassandra",),
)

COUCHDB = Official(
    """#!/bin/bash
set -e
if [ "${1:0:1}" = '-' ]; then set -- /opt/couchdb/bin/couchdb "$@"; fi
if [ "$1" = 'couchdb' ]; then shift; set -- /opt/couchdb/bin/couchdb "$@"; fi
if [ "$1" = '/opt/couchdb/bin/couchdb' ]; then
  touch /opt/couchdb/etc/local.d/docker.ini
  if [ "$(id -u)" = '0' ]; then
    find /opt/couchdb \\! \\( -user couchdb -group couchdb \\) -exec chown -f couchdb:couchdb '{}' +
    find /opt/couchdb/etc -type d ! -perm 0755 -exec chmod -f 0755 '{}' +
  fi
  if [ ! -z "$NODENAME" ] && ! grep "couchdb@" /opt/couchdb/etc/vm.args; then
    echo "-name couchdb@$NODENAME" >> /opt/couchdb/etc/vm.args
  fi
  if [ "$COUCHDB_USER" ] && [ "$COUCHDB_PASSWORD" ]; then
    printf "\\n[admins]\\n%s = %s\\n" "$COUCHDB_USER" "$COUCHDB_PASSWORD" >> /opt/couchdb/etc/local.d/docker.ini
  fi
  chown -f couchdb:couchdb /opt/couchdb/etc/local.d/docker.ini || true
  if [ "$(id -u)" = '0' ]; then
    export HOME=$(echo ~couchdb)
    exec setpriv --reuid=couchdb --regid=couchdb --clear-groups "$@"
  fi
fi
exec "$@"
""",
    ("/opt/couchdb/bin/couchdb",),
    "/opt/couchdb/bin/couchdb",
    first=("tini", "--"),
    volumes=("/opt/couchdb/data",),
)

NEO4J = Official(
    """#!/bin/bash -eu
cmd="$1"
running_as_root() { test "$(id -u)" = "0"; }
secure_mode_enabled() { test "${SECURE_FILE_PERMISSIONS:=no}" = "yes"; }
if running_as_root; then
  userid="neo4j"; groupid="neo4j"; groups=($(id -G neo4j)); exec_cmd="exec gosu neo4j:neo4j"
else
  userid="$(id -u)"; groupid="$(id -g)"; groups=($(id -G)); exec_cmd="exec"
fi
readonly userid groupid groups exec_cmd
if [[ "${cmd}" == "neo4j" ]]; then
  if running_as_root; then
    chmod -R 755 /var/lib/neo4j || true
    while IFS= read -r -d '' dir; do
      if running_as_root && [[ "$(stat -c %U "${dir}")" = "neo4j" ]]; then chown -R neo4j "${dir}"; fi
    done < <(find /var/lib/neo4j -type d -mindepth 1 -maxdepth 1 -print0)
  fi
  : ${NEO4J_dbms_memory:=512M}
  for i in $( set | grep ^NEO4J_ | awk -F'=' '{print $1}' | sort -rn ); do
    setting=$(echo "${i}" | sed 's|^NEO4J_||' | sed 's|_|.|g')
    value=$(echo "${!i}")
    if [[ -n ${value} ]]; then echo "${setting}=${value}" >> "${NEO4J_HOME}/conf/neo4j.conf"; fi
  done
  ${exec_cmd} neo4j console
else
  ${exec_cmd} "$@"
fi
""",
    ("neo4j",),
    "neo4j",
    first=("tini", "-g", "--"),
    env={"NEO4J_HOME": "/var/lib/neo4j"},
    volumes=("/data",),
)

SOLR = Official("""#!/bin/bash
set -e
if [[ "$VERBOSE" == "yes" ]]; then set -x; fi
if [[ -v SOLR_PORT ]] && ! grep -E -q '^[0-9]+$' <<<"${SOLR_PORT:-}"; then
  SOLR_PORT=8983; export SOLR_PORT
fi
if [[ "${1:0:1}" == '-' ]]; then set -- solr-foreground "$@"; fi
exec "$@"
""", ("solr-foreground",), "/opt/solr/bin/solr", files={
    "/usr/bin/solr-foreground": """#!/bin/bash
set -e
if [[ "$VERBOSE" == "yes" ]]; then set -x; fi
EXTRA_ARGS=()
. /opt/docker/run-initdb
if [[ -n "${SOLR_HOME:-}" ]]; then EXTRA_ARGS+=(-s "$SOLR_HOME"); fi
exec solr start -f "${EXTRA_ARGS[@]}" "$@"
""",
    "/opt/docker/run-initdb": """INITDB=/docker-entrypoint-initdb.d
if [ "$(ls -A $INITDB)" ]; then
  while read -r f; do
    case "$f" in *.sh) echo "$f"; . "$f" ;; *) echo "ignoring $f" ;; esac
  done < <(find $INITDB -mindepth 1 -type f | sort -n)
fi
""",
}, env={"PATH": "/opt/solr/bin:/usr/bin:/bin"})  # fmt: skip

VAULT = Official(
    """#!/usr/bin/dumb-init /bin/sh
set -e
ulimit -c 0
get_addr () { local if_name=$1; ip -4 addr show dev $if_name | awk '/inet/ { print $2 }'; }
if [ -n "$VAULT_REDIRECT_INTERFACE" ]; then
  export VAULT_REDIRECT_ADDR=${VAULT_REDIRECT_ADDR:-"http://$(get_addr $VAULT_REDIRECT_INTERFACE):8200"}
fi
VAULT_CONFIG_DIR=/vault/config
if [ -n "$VAULT_LOCAL_CONFIG" ]; then echo "$VAULT_LOCAL_CONFIG" > "$VAULT_CONFIG_DIR/local.json"; fi
if [ "${1:0:1}" = '-' ]; then set -- vault "$@"; fi
if [ "$1" = 'server' ]; then
  shift
  set -- vault server -config="$VAULT_CONFIG_DIR" -dev-root-token-id="$VAULT_DEV_ROOT_TOKEN_ID" "$@"
elif [ "$1" = 'version' ]; then set -- vault "$@"
elif vault --help "$1" 2>&1 | grep -q "vault $1"; then set -- vault "$@"
fi
if [ "$1" = 'vault' ]; then
  if [ -z "$SKIP_CHOWN" ]; then
    if [ "$(stat -c %u /vault/config)" != "$(id -u vault)" ]; then chown -R vault:vault /vault/config || echo "not ours"; fi
  fi
  if [ -z "$SKIP_SETCAP" ]; then
    setcap cap_ipc_lock=+ep $(readlink -f $(which vault))
    if ! vault -version 1>/dev/null 2>/dev/null; then
      >&2 echo "no IPC_LOCK"
      setcap cap_ipc_lock=-ep $(readlink -f $(which vault))
    fi
  fi
  if [ "$(id -u)" = '0' ]; then set -- su-exec vault "$@"; fi
fi
exec "$@"
""",
    ("server", "-dev"),
    "vault",
    ("version",),
    "vault",
    shell="busybox",
    volumes=("/vault/logs",),
)

CONSUL = Official(
    """#!/usr/bin/dumb-init /bin/sh
set -e
CONSUL_BIND=
if [ -n "$CONSUL_BIND_INTERFACE" ]; then
  CONSUL_BIND_ADDRESS=$(ip -o -4 addr list $CONSUL_BIND_INTERFACE | head -n1 | awk '{print $4}' | cut -d/ -f1)
  if [ -z "$CONSUL_BIND_ADDRESS" ]; then echo "no address"; exit 1; fi
  CONSUL_BIND="-bind=$CONSUL_BIND_ADDRESS"
fi
if [ "${1:0:1}" = '-' ]; then set -- consul "$@"; fi
if [ "$1" = 'agent' ]; then
  shift
  set -- consul agent -data-dir=/consul/data -config-dir=/consul/config $CONSUL_BIND "$@"
elif consul --help "$1" 2>&1 | grep -q "consul $1"; then set -- consul "$@"
fi
if [ "$1" = 'consul' -a -z "${CONSUL_DISABLE_PERM_MGMT+x}" ]; then
  if [ "$(stat -c %u /consul/data)" != "$(id -u consul)" ]; then chown consul:consul /consul/data; fi
  set -- su-exec consul:consul "$@"
fi
exec "$@"
""",
    ("agent", "-dev"),
    "consul",
    ("-v",),
    "consul",
    shell="busybox",
    volumes=("/consul/data",),
)

REGISTRY = Official(
    """#!/bin/sh
set -e
case "$1" in
  *.yaml|*.yml) set -- registry serve "$@" ;;
  serve|garbage-collect|help|-*) set -- registry "$@" ;;
esac
exec "$@"
""",
    ("/etc/docker/registry/config.yml",),
    "registry",
    shell="busybox",
    volumes=("/var/lib/registry",),
)

KONG = Official(
    """#!/usr/bin/env bash
set -Eeo pipefail
file_env() {
  local var="$1" fileVar="${1}_FILE" def="${2:-}"
  if [ "${!var:-}" ] && [ "${!fileVar:-}" ]; then return; fi
  local val="$def"
  if [ "${!var:-}" ]; then val="${!var}"; elif [ "${!fileVar:-}" ]; then val="$(< "${!fileVar}")"; fi
  export "$var"="$val"
  unset "$fileVar"
}
export KONG_NGINX_DAEMON=${KONG_NGINX_DAEMON:=off}
if [[ "$1" == "kong" ]]; then
  all_kong_options="/usr/local/share/kong_defaults"
  set +Eeo pipefail
  while IFS='' read -r LINE || [ -n "${LINE}" ]; do
    opt=$(echo "$LINE" | sed 's/=.*//' | tr a-z A-Z)
    file_env "KONG_$opt"
  done < $all_kong_options
  set -Eeo pipefail
  file_env KONG_PASSWORD
  PREFIX=${KONG_PREFIX:=/usr/local/kong}
  if [[ "$2" == "docker-start" ]]; then
    kong prepare -p "$PREFIX" "$@"
    rm -f "$PREFIX"/worker_events.sock
    ln -sfn /dev/stdout "$PREFIX"/logs/access.log
    exec /usr/local/openresty/nginx/sbin/nginx -p "$PREFIX" -c nginx.conf
  fi
fi
exec "$@"
""",
    ("kong", "docker-start"),
    "/usr/local/openresty/nginx/sbin/nginx",
    ("kong", "check"),
    "kong",
)

TELEGRAF = Official(
    """#!/bin/bash
set -e
if [ "${1:0:1}" = '-' ]; then set -- telegraf "$@"; fi
if [ $EUID -eq 0 ]; then
  setcap cap_net_raw,cap_net_bind_service+ep /usr/bin/telegraf || echo "failed"
  exec setpriv --reuid telegraf --init-groups "$@"
else
  exec "$@"
fi
""",
    ("telegraf",),
    "telegraf",
)

GRAFANA = Official("""#!/bin/bash -e
PERMISSIONS_OK=0
if [ ! -r "$GF_PATHS_CONFIG" ]; then PERMISSIONS_OK=1; fi
if [ ! -d "$GF_PATHS_PLUGINS" ]; then mkdir "$GF_PATHS_PLUGINS"; fi
if [ ! -z ${GF_AWS_PROFILES+x} ]; then
  > "$GF_PATHS_HOME/.aws/credentials"
  for profile in ${GF_AWS_PROFILES}; do
    access_key_varname="GF_AWS_${profile}_ACCESS_KEY_ID"
    if [ ! -z "${!access_key_varname}" ]; then echo "[${profile}]" >> "$GF_PATHS_HOME/.aws/credentials"; fi
  done
fi
for VAR_NAME in $(env | grep '^GF_[^=]\\+__FILE=.\\+' | sed -r "s/([^=]*)__FILE=.*/\\1/g"); do
  VAR_NAME_FILE="$VAR_NAME"__FILE
  if [ "${!VAR_NAME}" ]; then echo >&2 "both are set"; exit 1; fi
  export "$VAR_NAME"="$(< "${!VAR_NAME_FILE}")"
  unset "$VAR_NAME_FILE"
done
export HOME="$GF_PATHS_HOME"
if [ ! -z "${GF_INSTALL_PLUGINS}" ]; then
  OLDIFS=$IFS
  IFS=','
  for plugin in ${GF_INSTALL_PLUGINS}; do
    IFS=$OLDIFS
    grafana cli --pluginsDir "${GF_PATHS_PLUGINS}" plugins install ${plugin}
  done
fi
exec grafana server --homepath="$GF_PATHS_HOME" --config="$GF_PATHS_CONFIG" "$@" cfg:default.log.mode="console"
""", (), "grafana", ("--verbose",), "grafana", env={
    "GF_PATHS_CONFIG": "/etc/grafana/grafana.ini", "GF_PATHS_PLUGINS": "/var/lib/grafana/plugins",
    "GF_PATHS_HOME": "/usr/share/grafana",
})  # fmt: skip

MINIO = Official(
    """#!/bin/sh
if [ "${1}" != "minio" ]; then if [ -n "${1}" ]; then set -- minio "$@"; fi; fi
docker_switch_user() {
  if [ -n "${MINIO_USERNAME}" ] && [ -n "${MINIO_GROUPNAME}" ]; then
    if [ -n "${MINIO_UID}" ] && [ -n "${MINIO_GID}" ]; then
      chroot --userspec=${MINIO_UID}:${MINIO_GID} / "$@"
    else
      echo "${MINIO_USERNAME}:x:1000:1000::/:/sbin/nologin" >>/etc/passwd
      chroot --userspec=${MINIO_USERNAME}:${MINIO_GROUPNAME} / "$@"
    fi
  else
    exec "$@"
  fi
}
docker_switch_user "$@"
""",
    ("minio",),
    "minio",
    ("server", "/data"),
    "minio",
    shell="dash",
    volumes=("/data",),
)

GITEA = Official(
    """#!/bin/sh
if [ ! -x /bin/sh ]; then echo "Executable test for /bin/sh failed."; exit 1; fi
if [ "${USER}" != "git" ]; then sed -i -e "s/^git\\:/${USER}\\:/g" /etc/passwd; fi
if [ -z "${USER_GID}" ]; then USER_GID="$(id -g ${USER})"; fi
for FOLDER in /data/gitea/conf /data/gitea/log /data/git; do mkdir -p ${FOLDER}; done
if [ $# -gt 0 ]; then exec "$@"; else exec /usr/bin/s6-svscan /etc/s6; fi
""",
    (),
    "AT RUN TIME",
    env={"USER": "git"},
    shell="busybox",
    volumes=("/data",),
)

ADMINER = Official(
    """#!/bin/sh
set -e
if [ -n "$ADMINER_DESIGN" ]; then ln -sf "designs/$ADMINER_DESIGN/adminer.css" .; fi
number=1
for PLUGIN in $ADMINER_PLUGINS; do
  php plugin-loader.php "$PLUGIN" > plugins-enabled/$(printf "%03d" $number)-$PLUGIN.php
  number=$(($number+1))
done
exec "$@"
""",
    ("php", "-S", "[::]:8080", "-t", "/var/www/html"),
    "php",
    shell="busybox",
)

MATOMO = Official(
    """#!/bin/sh
set -e
if [ ! -e matomo.php ]; then
  tar cf - --one-file-system -C /usr/src/matomo . | tar xf -
  chown -R www-data:www-data .
fi
exec "$@"
""",
    ("apache2-foreground",),
    "apache2-foreground",
    shell="dash",
    volumes=("/var/www/html",),
    cwd="/var/www/html",
)

REDMINE = Official(
    """#!/usr/bin/env bash
set -Eeuo pipefail
isLikelyRedmine=
case "$1" in rails | rake | passenger ) isLikelyRedmine=1 ;; esac
_fix_permissions() {
  local dirs=( config log public/plugin_assets tmp ) args=()
  if [ "$(id -u)" = '0' ]; then args+=( ${args[@]:+,} '(' '!' -user redmine -exec chown redmine:redmine '{}' + ')' ); fi
  if [ "${#args[@]}" -gt 0 ]; then find "${dirs[@]}" "${args[@]}"; fi
}
if [ -n "$isLikelyRedmine" ] && [ "$(id -u)" = '0' ]; then
  _fix_permissions
  exec gosu redmine "$BASH_SOURCE" "$@"
fi
if [ -n "$isLikelyRedmine" ]; then
  _fix_permissions
  if [ ! -f './config/database.yml' ]; then
    if [ "${REDMINE_DB_MYSQL:-}" ]; then adapter=mysql2; host="$REDMINE_DB_MYSQL"; else adapter=sqlite3; host=localhost; fi
    REDMINE_DB_ADAPTER="$adapter"
    echo "$RAILS_ENV:" > config/database.yml
    for var in adapter host; do
      env="REDMINE_DB_${var^^}"
      val="${!env:-}"
      [ -n "$val" ] || continue
      echo "  $var: \\"$val\\"" >> config/database.yml
    done
  fi
  bundle check || bundle install
  if [ ! -s config/secrets.yml ]; then
    if [ "${REDMINE_SECRET_KEY_BASE:-}" ]; then cat > 'config/secrets.yml' <<-YML
\t$RAILS_ENV:
\t  secret_key_base: "$REDMINE_SECRET_KEY_BASE"
\tYML
    elif [ ! -f config/initializers/secret_token.rb ]; then rake generate_secret_token; fi
  fi
  if [ "$1" != 'rake' -a -z "${REDMINE_NO_DB_MIGRATE:-}" ]; then rake db:migrate; fi
  if [ "$1" != 'rake' -a -n "${REDMINE_PLUGINS_MIGRATE:-}" ]; then rake redmine:plugins:migrate; fi
  rm -f tmp/pids/server.pid
fi
exec "$@"
""",
    ("rails", "server", "-b", "0.0.0.0"),
    "rails",
    env={"RAILS_ENV": "production"},
    cwd="/usr/src/redmine",
)

MOSQUITTO = Official(
    """#!/bin/ash
set -e
user="$(id -u)"
if [ "$user" = '0' ]; then
  [ -d "/mosquitto" ] && chown -R mosquitto:mosquitto /mosquitto || true
fi
exec "$@"
""",
    ("/usr/sbin/mosquitto", "-c", "/mosquitto/config/mosquitto.conf"),
    "/usr/sbin/mosquitto",
    shell="busybox",
)

DIND = Official("""#!/bin/sh
set -eu
if [ "$#" -eq 0 ] || [ "${1#-}" != "$1" ]; then
  set -- dockerd --host=unix:///var/run/docker.sock "$@"
fi
if [ "$1" = 'dockerd' ]; then
  set -- docker-init -- "$@"
  if ! iptables -nL > /dev/null 2>&1; then modprobe ip_tables || :; fi
  uid="$(id -u)"
  if [ "$uid" != '0' ]; then
    exec rootlesskit "$@"
  elif [ -x '/usr/local/bin/dind' ]; then
    set -- '/usr/local/bin/dind' "$@"
  fi
  find /run /var/run -iname 'docker*.pid' -delete || :
else
  set -- docker-entrypoint.sh "$@"
fi
exec "$@"
""", (), "dockerd", ("--debug",), "dockerd", shell="busybox", files={
    "/usr/local/bin/dind": """#!/bin/sh
set -e
if ! mountpoint -q /tmp; then mount -t tmpfs none /tmp; fi
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
  mkdir -p /sys/fs/cgroup/init
  while ! { xargs -rn1 < /sys/fs/cgroup/cgroup.procs > /sys/fs/cgroup/init/cgroup.procs || :; sed -e 's/ / +/g' -e 's/^/+/' < /sys/fs/cgroup/cgroup.controllers > /sys/fs/cgroup/cgroup.subtree_control; }; do true; done
fi
mount --make-rshared /
if [ $# -gt 0 ]; then exec "$@"; fi
""",
}, volumes=("/var/lib/docker",))  # fmt: skip

TEMURIN = Official(
    """#!/usr/bin/env bash
set -e
JRE_CACERTS_PATH=$JAVA_HOME/lib/security/cacerts
if [ -n "$USE_SYSTEM_CA_CERTS" ]; then
  if [ ! -w "$JRE_CACERTS_PATH" ]; then JRE_CACERTS_PATH_NEW=$(mktemp); cp "$JRE_CACERTS_PATH" "$JRE_CACERTS_PATH_NEW"; fi
  for dir in /certificates /usr/local/share; do
    if [ -d "$dir" ]; then cp -a "$dir"/* /usr/local/share/ca-certificates/; fi
  done
fi
export JRE_CACERTS_PATH
exec "$@"
""",
    ("jshell",),
    "jshell",
    env={"JAVA_HOME": "/opt/java/openjdk"},
)

MAVEN = Official(
    """#! /bin/sh -eu
copy_reference_file() { local root="${1}"; local f="${2%/}"; mkdir -p "${MAVEN_CONFIG}"; cp -r "${f}" "${MAVEN_CONFIG}"; }
owd="$(pwd)"
unset MAVEN_CONFIG
cd "${owd}"
exec "$@"
""",
    ("mvn",),
    "mvn",
    shell="dash",
    env={"MAVEN_CONFIG": "/root/.m2"},
)

VARNISH = Official(
    """#!/bin/sh
set -e
if [ "$#" -eq 0 ] || [ "${1#-}" != "$1" ]; then
  set -- varnishd -F -f /etc/varnish/default.vcl -a http=:${VARNISH_HTTP_PORT:-80},HTTP -s malloc,$VARNISH_SIZE "$@"
fi
exec "$@"
""",
    (),
    "varnishd",
    shell="dash",
    env={"VARNISH_SIZE": "100M"},
)

MONGO_EXPRESS = Official(
    """#!/usr/bin/env bash
set -eo pipefail
function wait_tcp_port {
  local host="$1" port="$2"
  local max_tries=5 tries=1
  while ! exec 6<>/dev/tcp/$host/$port && [[ $tries -lt $max_tries ]]; do sleep 1s; ((tries++)); done
  exec 6>&-
}
if [ "$#" -eq 0 ] || [ "${1#-}" != "$1" ]; then set -- mongo-express "$@"; fi
if [ "$1" = 'mongo-express' ]; then
  wait_tcp_port "${ME_CONFIG_MONGODB_SERVER}" "${ME_CONFIG_MONGODB_PORT}"
fi
exec "$@"
""",
    ("mongo-express",),
    "mongo-express",
    env={"ME_CONFIG_MONGODB_SERVER": "mongo", "ME_CONFIG_MONGODB_PORT": "27017"},
)

FLINK = Official(
    """#!/usr/bin/env bash
COMMAND_STANDALONE="standalone-job"
args=("$@")
drop_privs_cmd() {
  if [ $(id -u) != 0 ]; then return
  elif [ -x /sbin/su-exec ]; then echo su-exec flink
  else echo gosu flink; fi
}
prepare_configuration() {
  if [ -n "${FLINK_PROPERTIES}" ]; then echo "${FLINK_PROPERTIES}" >> "$FLINK_HOME/conf/flink-conf.yaml"; fi
  envsubst < "$FLINK_HOME/conf/flink-conf.yaml" > "$FLINK_HOME/conf/flink-conf.yaml.tmp" && mv "$FLINK_HOME/conf/flink-conf.yaml.tmp" "$FLINK_HOME/conf/flink-conf.yaml"
}
if [ "$1" = "help" ]; then printf "Usage\\n"; exit 0
elif [ "$1" = "jobmanager" ]; then
  args=("${args[@]:1}")
  prepare_configuration
  exec $(drop_privs_cmd) "$FLINK_HOME/bin/jobmanager.sh" start-foreground "${args[@]}"
fi
args=("${args[@]}")
prepare_configuration
exec $(drop_privs_cmd) "${args[@]}"
""",
    ("jobmanager",),
    "/opt/flink/bin/jobmanager.sh",
    env={"FLINK_HOME": "/opt/flink"},
)

PHPMYADMIN = Official(
    """#!/bin/bash
get_docker_secret() {
  local env_var="${1}" env_var_file="${1}_FILE"
  if [[ -n "${!env_var_file}" ]]; then export "${env_var}"="$(cat "${!env_var_file}")"; fi
}
for i in PMA_HOST PMA_USER MYSQL_ROOT_PASSWORD; do get_docker_secret $i; done
if [ ! -f /etc/phpmyadmin/config.secret.inc.php ]; then
  cat > /etc/phpmyadmin/config.secret.inc.php <<EOT
<?php
\\$cfg['blowfish_secret'] = '$(tr -dc 'a-zA-Z0-9' < /dev/urandom | fold -w 32 | head -n 1)';
EOT
fi
if [ "${HIDE_PHP_VERSION}" == "true" ]; then echo "expose_php = Off" > $PHP_INI_DIR/conf.d/hide.ini; fi
shopt -s nullglob
for f in /docker-entrypoint.d/*; do . "$f"; done
exec "$@"
""",
    ("apache2-foreground",),
    "apache2-foreground",
    env={"PHP_INI_DIR": "/usr/local/etc/php"},
)

CHRONOGRAF = Official(
    """#!/bin/sh
set -e
if [ "${1:0:1}" = '-' ]; then set -- chronograf "$@"; fi
if [ "$1" = 'chronograf' ]; then export BOLT_PATH=${BOLT_PATH:-/var/lib/chronograf/chronograf-v1.db}; fi
if [ $(id -u) -eq 0 ] ; then exec su-exec chronograf "$@"; else exec "$@"; fi
""",
    ("chronograf",),
    "chronograf",
    shell="busybox",
    volumes=("/var/lib/chronograf",),
)

NGINX_ENVSUBST = Official(ENTRYPOINTS["nginx"].text, ("nginx", "-g", "daemon off;"), "nginx", shell="dash", files={
    "/docker-entrypoint.d/10-listen.sh": "#!/bin/sh\nset -e\ntouch /etc/nginx/conf.d/default.conf\n",
    "/docker-entrypoint.d/15-local-resolvers.envsh": "#!/bin/sh\nexport NGINX_LOCAL_RESOLVERS=x\n",
})  # fmt: skip

_SERVERS = {
    "redis": "redis-server", "postgres": "postgres", "mysql": "mysqld", "mongo": "mongod", "node": "node", "python": "python3",
    "tomcat": "/opt/java/bin/java", "nginx": "nginx", "rabbitmq": "rabbitmq-server", "httpd": "httpd", "haproxy": "haproxy",
    "wordpress": "apache2-foreground", "ghost": "node", "traefik": "traefik", "memcached": "memcached", "influxdb": "influxd",
    "elasticsearch": "/usr/share/elasticsearch/bin/elasticsearch", "php-fpm": "php-fpm", "golang": "go", "rust": "cargo",
}  # fmt: skip


def _earlier(name):
    image = ENTRYPOINTS[name]
    other = {"tomcat": (("run", "-x"), "/opt/java/bin/java"), "httpd": (("-X",), "httpd")}.get(
        name, (("bash",), "bash")
    )
    other = (("eswrapper", "-x"), _SERVERS[name]) if name == "elasticsearch" else other
    other = (("--providers.docker",), "traefik") if name == "traefik" else other
    text = image.text if image.text.startswith("#!") else f"#!/bin/sh\n{image.text}"
    files = {path: text for path, text in image.files.items() if text != "x"}
    return Official(
        text, image.cmd, _SERVERS[name], *other, image.env, files, image.volumes, image.shell,
        cwd={"wordpress": "/var/www/html"}.get(name, "/"),
    )  # fmt: skip


OFFICIAL = {name: _earlier(name) for name in ENTRYPOINTS} | {
    "nginx with scripts": NGINX_ENVSUBST, "mariadb": MARIADB, "kibana": KIBANA, "logstash": LOGSTASH, "jenkins": JENKINS,
    "sonarqube": SONARQUBE, "nextcloud": NEXTCLOUD, "joomla": JOOMLA, "zookeeper": ZOOKEEPER, "cassandra": CASSANDRA,
    "couchdb": COUCHDB, "neo4j": NEO4J, "solr": SOLR, "vault": VAULT, "consul": CONSUL, "registry": REGISTRY, "kong": KONG,
    "telegraf": TELEGRAF, "grafana": GRAFANA, "minio": MINIO, "gitea": GITEA, "adminer": ADMINER, "matomo": MATOMO,
    "redmine": REDMINE, "mosquitto": MOSQUITTO, "dind": DIND, "temurin": TEMURIN, "maven": MAVEN, "varnish": VARNISH,
    "mongo-express": MONGO_EXPRESS, "flink": FLINK, "phpmyadmin": PHPMYADMIN, "chronograf": CHRONOGRAF,
    "kapacitor": dashed("kapacitord"), "nats": dashed("nats-server", shell="busybox"), "drupal": dashed("php"),
    "julia": dashed("julia", shell="bash"), "bash": dashed("bash", shell="bash"), "docker": dashed("docker", shell="busybox"),
    "composer": dashed("composer", shell="busybox"), "percona": switching("mysqld", "/var/lib/mysql", "mysql"),
    "caddy": plain("caddy", "run"), "prometheus": plain("/bin/prometheus"), "portainer": plain("/portainer"),
    "hello-world": plain("/hello"), "rocket.chat": plain("node", "main.js"), "gradle": plain("gradle"), "alpine": plain("/bin/sh"),
    "ubuntu": plain("/bin/bash"), "perl": plain("perl5"), "ruby": plain("irb"), "erlang": plain("erl"), "elixir": plain("iex"),
    "haskell": plain("ghci"), "swift": plain("swift"), "r-base": plain("R"), "corretto": plain("/bin/jshell"),
}  # fmt: skip
