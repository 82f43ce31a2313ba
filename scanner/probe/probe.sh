#!/bin/sh
# archscan probe: says what this host can execute and which containers it has. Read-only, takes no arguments.
#
# The answer is `archscan-probe 1`, then sections, then `@end`. A section is a line `@section NAME BYTES`, with
# ` truncated` behind it where a limit was reached, then exactly BYTES bytes, then a newline. An engine's `state`
# section begins with up, absent, down, denied or unknown: only absent means that it has no containers.
# Values of environment variables are left on the host, PATH excepted: they are where secrets live.

# shellcheck disable=SC2086 # "$sudo" and lists of ids are words to be split; names are never expanded (set -f)

main() {
  set -u -f
  unset IFS CDPATH DOCKER_API_VERSION DOCKER_CONTEXT DOCKER_TLS_VERIFY DOCKER_CERT_PATH CONTAINER_HOST CONTAINER_CONNECTION
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin:/opt/homebrew/bin
  PATH=$PATH:/run/current-system/sw/bin:/var/lib/rancher/rke2/bin:/opt/bin
  LC_ALL=C
  DOCKER_CLI_HINTS=false
  export PATH LC_ALL DOCKER_CLI_HINTS

  newline='
'
  small=16384
  large=1048576
  patience=4 # seconds that one command may take: four dead engines stay below the usual deadline of 20
  max_containers=2000
  max_logs=12
  two_bytes=$(printf '\303\251')
  if [ "${#two_bytes}" -eq 2 ]; then bytewise=yes; else bytewise=; fi
  if printf x | head -c 1 >/dev/null 2>&1; then has_head_c=yes; else has_head_c=; fi
  user=$(id -u)
  asked=

  printf 'archscan-probe 1\n'
  kernel
  docker_engines
  podman_engines
  containerd_engine
  cri_engine
  plans
  emit engines "$small" "$asked"
  printf '@end\n'
}

emit() { # name, limit in bytes, text
  size=${#3}
  [ -n "$bytewise" ] || size=$(($(printf %s "$3" | wc -c)))
  mark=
  [ "$size" -le "$2" ] || mark=' truncated'
  printf '@section %s %d%s\n%s\n' "$1" "$size" "$mark" "$3"
}

upto() { # passes as many bytes on as its limit, and one more that tells of the rest
  if [ -n "$has_head_c" ]; then head -c $(($1 + 1)); else dd bs=1 count=$(($1 + 1)) 2>/dev/null; fi
}

have() {
  command -v "$1" >/dev/null 2>&1
}

guard() { # runs a command that may hang, with both outputs as one; tells what it ended with if that is not 0
  "$@" 2>&1 </dev/null &
  job=$!
  (
    trap 'kill $!; exit' TERM
    sleep "$patience" &
    wait $!
    kill "$job"
    sleep 1 &
    wait $!
    kill -9 "$job"
  ) >/dev/null 2>&1 </dev/null &
  dog=$!
  wait "$job" 2>/dev/null
  code=$?
  kill "$dog" 2>/dev/null
  wait "$dog" 2>/dev/null
  if [ "$code" -gt 128 ]; then
    printf '\n@hung %s\n' "$patience"
  elif [ "$code" -ne 0 ]; then
    printf '\n@exit %s\n' "$code"
  fi
  return 0
}

# ---------------------------------------------------------------- kernel and userland

kernel() {
  machine=$(uname -m)
  release=$(uname -r)
  emit uname "$small" "$(uname -s)$newline$machine$newline$release"
  emit userland "$small" "$(userland 2>/dev/null)"
  if [ -r /proc/cpuinfo ]; then
    emit cpuinfo "$small" "$(awk -F '[ \t]*:' '
      $1 ~ /^(flags|[Ff]eatures|CPU architecture|model name|Processor|isa)$/ && !seen[$1]++ { print substr($0, 1, 4096) }
      $1 == "flags" || $1 == "CPU architecture" { exit }' /proc/cpuinfo 2>/dev/null | upto "$small")"
  fi
  emit compat "$small" "$(compat 2>/dev/null)"
  emit binfmt 65536 "$(binfmt 2>/dev/null | upto 65536)"
  pretty=
  for file in /etc/os-release /usr/lib/os-release; do
    if [ -z "$pretty" ] && [ -r "$file" ]; then pretty=$(sed -n '/^PRETTY_NAME=/{p;q;}' "$file" 2>/dev/null | upto 512); fi
  done
  emit os 512 "$pretty"
}

userland() {
  page=$(getconf PAGE_SIZE)
  [ -n "$page" ] || page=$(awk '/^KernelPageSize/ { print $2 * 1024; exit }' /proc/self/smaps)
  [ -z "$page" ] || printf 'page_size %s\n' "$page"
  bits=$(getconf LONG_BIT)
  [ -z "$bits" ] || printf 'long_bit %s\n' "$bits"
  shell=/bin/sh
  [ ! -r "/proc/$$/exe" ] || shell=/proc/$$/exe
  printf 'shell_header %s\n' "$(od -An -tx1 -N 20 "$shell" | tr -d ' \n')"
  if have dpkg; then printf 'dpkg %s\n' "$(dpkg --print-architecture)"; fi
  case $(uname -s) in
    Darwin) printf 'translated %s\narm64 %s\n' "$(sysctl -n sysctl.proc_translated)" "$(sysctl -n hw.optional.arm64)" ;;
  esac
}

compat() { # whether 32-bit programs start beside 64-bit ones
  case $machine in
    aarch64 | arm64 | x86_64) ;;
    i?86 | armv*l)
      if have setarch; then printf 'linux64 %s\n' "$(setarch linux64 uname -m)"; fi
      return 0
      ;;
    *) return 0 ;;
  esac
  config='^(# )?CONFIG_(COMPAT|IA32_EMULATION|IA32_EMULATION_DEFAULT_DISABLED)[ =]'
  if [ -r "/boot/config-$release" ]; then
    grep -E "$config" "/boot/config-$release"
  elif [ -r /proc/config.gz ]; then
    gzip -dc /proc/config.gz | grep -E "$config"
  fi
  tr ' ' '\n' </proc/cmdline | sed -n 's/^ia32_emulation=/cmdline &/p;s/^allow_mismatched_32bit_el0/cmdline &/p'
  [ "$machine" != x86_64 ] || return 0
  if [ -r /sys/devices/system/cpu/aarch32_el0 ]; then printf 'aarch32_el0 %s\n' "$(cat /sys/devices/system/cpu/aarch32_el0)"; fi
  if have setarch; then
    printf 'linux32 %s\n' "$(setarch linux32 uname -m 2>&1)"
  elif have linux32; then
    printf 'linux32 %s\n' "$(linux32 uname -m 2>&1)"
  fi
}

binfmt() {
  dir=/proc/sys/fs/binfmt_misc
  if [ ! -d "$dir" ]; then
    if [ -d /proc/sys/fs ]; then printf 'absent\n'; else printf 'unknown\n'; fi
  elif [ ! -r "$dir/status" ]; then
    printf 'unmounted\n'
  else
    cat "$dir/status"
    set +f
    set -- "$dir"/*
    set -f
    for file; do
      shift
      case $file in
        */status | */register) ;;
        *) [ ! -f "$file" ] || set -- "$@" "$file" ;;
      esac
    done
    [ "$#" -eq 0 ] || awk 'FNR == 1 { print "@entry " substr(FILENAME, 26) } { print }' "$@" </dev/null
  fi
}

# ---------------------------------------------------------------- Docker

docker_engines() {
  emit default_platform 256 "$(default_platform | upto 256)"
  # Only a socket of this machine is this machine: an engine behind tcp:// or ssh:// belongs to another host.
  socket=
  case ${DOCKER_HOST-} in
    unix://*) socket=${DOCKER_HOST#unix://} ;;
  esac
  if [ -z "$socket" ]; then
    for candidate in /var/run/docker.sock /run/docker.sock "${HOME-}/.docker/run/docker.sock" \
      "${HOME-}/.orbstack/run/docker.sock" "${HOME-}/.colima/default/docker.sock" "${HOME-}/.rd/docker.sock"; do
      if [ -z "$socket" ] && [ -S "$candidate" ]; then socket=$candidate; fi
    done
  fi
  system=$socket
  set +f
  set -- /run/user/*/docker.sock
  set -f
  rootless=$#
  [ -S "$1" ] || rootless=0
  if [ -n "$socket" ]; then
    docker_engine docker "$socket"
  elif [ "$rootless" -gt 0 ]; then
    asked=' docker'
    emit docker/state 512 "absent only rootless engines"
  elif have docker && docker_is_docker; then
    asked=' docker'
    emit docker/state 512 "down no socket"
  else
    asked=' docker'
    emit docker/state 512 absent
  fi
  if [ "$rootless" -gt 0 ]; then
    for socket; do
      owner=${socket#/run/user/}
      owner=${owner%/docker.sock}
      [ "$socket" = "$system" ] || docker_engine "docker:$(user_name "$owner")" "$socket"
    done
  fi
}

default_platform() {
  if [ -n "${DOCKER_DEFAULT_PLATFORM-}" ]; then
    printf '%s' "$DOCKER_DEFAULT_PLATFORM"
  elif [ -r /etc/environment ]; then
    sed -n 's/^[ \t]*\(export \)*DOCKER_DEFAULT_PLATFORM=//p' /etc/environment
  fi
}

docker_is_docker() { # podman ships a command of this name
  case $(guard docker --version) in
    *odman*) return 1 ;;
  esac
}

user_name() {
  name=$(id -un "$1" 2>/dev/null)
  case $name in
    '' | *[!A-Za-z0-9_.-]*) name=$1 ;;
  esac
  printf %s "$name"
}

docker_container_format='{{index . "Image"}} {{index . "Id"}} {{with index . "State"}}{{index . "Status"}}/{{index . "ExitCode"}}{{end}}'\
' {"name":{{json (index . "Name")}},"path":{{json (index . "Path")}},"args":{{json (index . "Args")}},"restarts":{{json (index . "RestartCount")}}'\
'{{with index . "ImageManifestDescriptor"}},"descriptor":{"digest":{{json (index . "digest")}},"platform":{{json (index . "platform")}}}{{end}}'\
',"state":{{with index . "State"}}{"status":{{json (index . "Status")}},"exit_code":{{json (index . "ExitCode")}},"error":{{json (index . "Error")}}}{{else}}null{{end}}'\
',"config":{{with index . "Config"}}{"image":{{json (index . "Image")}},"working_dir":{{json (index . "WorkingDir")}}'\
',"path":[{{range index . "Env"}}{{if eq (index (split . "=") 0) "PATH"}}{{json .}},{{end}}{{end}}null]'\
',"labels":{{with index . "Labels"}}{ '\
'{{with index . "com.docker.compose.project"}}"project":{{json .}},{{end}}'\
'{{with index . "com.docker.compose.service"}}"service":{{json .}},{{end}}'\
'{{with index . "com.hashicorp.nomad.alloc_id"}}"nomad_alloc":{{json .}},{{end}}'\
'{{with index . "io.kubernetes.pod.namespace"}}"namespace":{{json .}},{{end}}'\
'{{with index . "io.kubernetes.pod.name"}}"pod":{{json .}},{{end}}'\
'{{with index . "io.kubernetes.container.name"}}"container":{{json .}},{{end}}'\
'{{with index . "io.kubernetes.docker.type"}}"kind":{{json .}},{{end}}'\
'{{with index . "com.docker.compose.project.config_files"}}"compose_files":{{json .}},{{end}}'\
'{{with index . "com.docker.compose.project.working_dir"}}"compose_dir":{{json .}},{{end}}'\
'"":null}{{else}}null{{end}}}{{else}}null{{end}}}'

docker_image_format='{"id":{{json (index . "Id")}},"repo_digests":{{json (index . "RepoDigests")}},"repo_tags":{{json (index . "RepoTags")}},"os":{{json (index . "Os")}}'\
',"architecture":{{json (index . "Architecture")}},"variant":{{json (index . "Variant")}},"os_version":{{json (index . "OsVersion")}}'\
',"config":{{with index . "Config"}}{"entrypoint":{{json (index . "Entrypoint")}},"cmd":{{json (index . "Cmd")}},"working_dir":{{json (index . "WorkingDir")}}'\
',"path":[{{range index . "Env"}}{{if eq (index (split . "=") 0) "PATH"}}{{json .}},{{end}}{{end}}null]}{{else}}null{{end}}}'

docker_service_format='{"name":{{with index . "Spec"}}{{json (index . "Name")}},"task":{{with index . "TaskTemplate"}}{{with index . "ContainerSpec"}}'\
'{"image":{{json (index . "Image")}},"command":{{json (index . "Command")}},"args":{{json (index . "Args")}},"dir":{{json (index . "Dir")}}}{{else}}null{{end}}{{else}}null{{end}}{{else}}null{{end}}}'

docker_info_format='{"driver":{{json .Driver}},"driver_status":{{json .DriverStatus}},"operating_system":{{json .OperatingSystem}},"name":{{json .Name}}'\
',"security":{{json .SecurityOptions}},"kernel":{{json .KernelVersion}},"architecture":{{json .Architecture}},"manager":{{json .Swarm.ControlAvailable}}}'

docker_engine() { # key, socket
  key=$1
  host=unix://$2
  asked="$asked $key"
  if ! have docker; then
    emit "$key/state" 512 "unknown there is a socket but no docker command to ask it with"
    return 0
  fi
  sudo=
  version=$(guard docker -H "$host" version --format '{{json .}}' | upto "$small")
  case $version in
    *'"Server":{'*) ;;
    *'permission denied'*)
      if [ "$user" -ne 0 ] && have sudo && may_sudo docker; then
        sudo='sudo -n'
        version=$(guard $sudo docker -H "$host" version --format '{{json .}}' | upto "$small")
      fi
      ;;
  esac
  case $version in
    *'"Server":{'*) emit "$key/state" 512 up ;;
    *OsArch*)
      emit "$key/state" 512 "absent the docker command is podman"
      return 0
      ;;
    *'permission denied'* | *'password is required'*)
      emit "$key/state" 512 denied
      return 0
      ;;
    *@hung*)
      emit "$key/state" 512 "down did not answer within $patience s"
      return 0
      ;;
    *)
      emit "$key/state" 512 "down $(printf %s "$version" | grep -v '^{' | head -n 1 | head -c 300)"
      return 0
      ;;
  esac
  emit "$key/version" "$small" "$version"
  info=$(guard $sudo docker -H "$host" info --format "$docker_info_format" | upto "$small")
  emit "$key/info" "$small" "$info"
  ids=$(guard $sudo docker -H "$host" ps -a -q --no-trunc | upto "$large")
  emit "$key/ids" "$large" "$ids"
  containers=
  images=
  ids=$(printf '%s\n' "$ids" | grep '^[0-9a-f]*$' | head -n "$max_containers")
  if [ -n "$ids" ]; then
    containers=$(guard $sudo docker -H "$host" inspect --type container --format "$docker_container_format" $ids | upto "$large")
    image_ids=$(printf '%s\n' "$containers" | awk '$1 ~ /^sha256:[0-9a-f]+$/ && !seen[$1]++ { print $1 }')
    [ -z "$image_ids" ] || images=$(guard $sudo docker -H "$host" image inspect --format "$docker_image_format" $image_ids | upto "$large")
  fi
  emit "$key/containers" "$large" "$containers"
  emit "$key/images" "$large" "$images"
  logs "$key" "$containers" docker -H "$host"
  case $info in
    *'"manager":true'*)
      services=
      service_ids=$(guard $sudo docker -H "$host" service ls -q | upto "$small")
      emit "$key/service_ids" "$small" "$service_ids"
      service_ids=$(printf '%s\n' "$service_ids" | grep '^[0-9a-z]*$')
      [ -z "$service_ids" ] || services=$(guard $sudo docker -H "$host" service inspect --format "$docker_service_format" $service_ids | upto "$large")
      emit "$key/services" "$large" "$services"
      ;;
  esac
  compose_plans "$containers"
}

may_sudo() { # without a prompt and without waiting for one
  case $(guard sudo -n -l "$(command -v "$1")") in
    *@exit* | *@hung* | '') return 1 ;;
  esac
}

logs() { # key, lines that begin with image, id and state/exit code, command...
  # The last words of what crashes: first what is restarting now, then what ended with an error.
  engine=$1
  unhealthy=$(printf '%s\n' "$2" | awk -v max="$max_logs" '
    $2 !~ /^[0-9a-f]+$/ { next }
    $3 ~ /^restarting\// { first[++f] = $2; next }
    $3 ~ /^(exited|dead|stopped)\// && $3 !~ /\/(0|137|143)$/ { second[++s] = $2 }
    END {
      for (i = 1; i <= f && n < max; i++) { print first[i]; n++ }
      for (i = 1; i <= s && n < max; i++) { print second[i]; n++ }
    }')
  emit "$engine/log_ids" "$small" "$unhealthy"
  shift 2
  for id in $unhealthy; do
    emit "$engine/log/$id" 8192 "$(guard $sudo "$@" logs --tail 5 "$id" | awk '{ print substr($0, 1, 1000) }' | upto 8192)"
  done
}

# ---------------------------------------------------------------- Podman

podman_engines() {
  :
}

containerd_engine() {
  :
}

cri_engine() {
  :
}

compose_plans() {
  :
}

plans() {
  :
}

main "$@" </dev/null
