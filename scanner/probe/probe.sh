#!/bin/sh
# archscan probe: says what this host can execute and which containers it has. Read-only, takes no arguments.
#
# The answer is `archscan-probe 2`, then sections, then `@end`. A section is a line `@section NAME BYTES`, with
# ` truncated` behind it where a limit was reached, then exactly BYTES bytes, then a newline. An engine's `state`
# section begins with up, absent, down, denied or unknown: only absent means that it has no containers.
# Values of environment variables are left on the host, except those that choose what is executed (PATH, the loader's,
# DOCKER_DEFAULT_PLATFORM): they are where secrets live.

# shellcheck disable=SC2086 # "$sudo" and lists of ids are words to be split; names are never expanded (set -f)
# shellcheck disable=SC2016 # what looks like a variable in quotes is one of a template of Go
# shellcheck disable=SC2012 # ls is asked of processes by their number, whose names cannot surprise

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
  medium=65536
  large=1048576
  brief=4  # seconds for an engine's first word: four dead engines stay below the usual deadline of 20
  long=12 # seconds for the lists of an engine that lives, on a slow machine
  patience=$brief
  max_containers=2000
  max_logs=12
  max_live=2000   # processes of one host that are looked at: more would cost seconds
  max_live_each=8 # of one container: whatever it starts is seen among the first
  max_plans=300
  clients='(docker|podman|nerdctl|finch|balena-engine)([.-](compose|io|remote))?(-v[12])?'
  starters='(ctr|crictl|buildah|distrobox|toolbox|apptainer|singularity|runc|crun|kubectl|helm|nomad|lima|limactl)'
  addresses='/(containers/create|services/create|play/kube|kube/play)' # by which an engine is asked to create something
  runners='(make|gmake|just|task|go-task|npm|yarn|pnpm)'
  two_bytes=$(printf '\303\251')
  if [ "${#two_bytes}" -eq 2 ]; then bytewise=yes; else bytewise=; fi
  if printf x | head -c 1 >/dev/null 2>&1; then has_head_c=yes; else has_head_c=; fi
  user=$(id -u)
  asked=
  up=
  running_ids=
  running_pids=
  compose_files=
  cd / || exit 1 # Podman refuses to start where its user may not be

  printf 'archscan-probe 2\n'
  emit probe 64 "$(own_digest 2>/dev/null)"
  kernel
  docker_engines
  podman_engines
  containerd_engine
  cri_engine
  patience=$long # a busy machine needs as long to list its processes as its engines to list their containers
  emit live "$large" "$(guard live | upto "$large")"
  plans
  emit engines "$small" "$asked"
  emit clock 64 "$(date +%s)"
  printf '@end\n'
}

emit() { # name, limit in bytes, text
  size=${#3}
  [ -n "$bytewise" ] || size=$(($(printf %s "$3" | wc -c)))
  mark=
  [ "$size" -le "$2" ] || mark=' truncated'
  printf '@section %s %d%s\n%s\n' "$1" "$size" "$mark" "$3"
}

state() { # key, word, detail
  asked="$asked $1"
  patience=$brief
  if [ "$2" = up ]; then
    up="$up $1"
    patience=$long
  fi
  emit "$1/state" 512 "$2${3:+ $3}"
}

installed() { # key, program: which version there is of one that does not run; it says so without being started
  if have "$2"; then emit "$1/installed" 512 "$(guard "$2" --version | upto 512)"; fi
}

upto() { # passes as many bytes on as its limit, and one more that tells of the rest
  if [ -n "$has_head_c" ]; then head -c $(($1 + 1)); else dd bs=1 count=$(($1 + 1)) 2>/dev/null; fi
}

sound() { # of paths, those of files that have an end: no pipe, no device, none of the kernel's, which have no size, none of a megabyte
  [ "$#" -eq 0 ] || find -L "$@" -prune -type f -size +0 -size -2049 2>/dev/null
}

readable() { # of paths, those of files that have an end, and that may be read: some kinds of awk end at any other
  set -f
  for file in $(sound "$@"); do
    if [ -r "$file" ]; then printf '%s\n' "$file"; fi
  done
}

can_read() { # a path; sets from what it is read: of a file without a size, which may be one of the kernel's, nothing is
  from=$1
  case $1 in
    /proc/* | /sys/*) return 1 ;;
  esac
  if [ ! -f "$1" ] || [ ! -r "$1" ]; then return 1; fi
  if [ -s "$1" ]; then [ -n "$(sound "$1")" ]; else from=/dev/null; fi
}

is_own_link() { # whether a link is root's, or leads to a file of whoever made it
  maker=$(ls -dn "$1" | awk '{ print $3 }')
  [ "$maker" = 0 ] || [ "$maker" = "$(ls -dnL "$1" | awk '{ print $3 }')" ]
} 2>/dev/null

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

own_digest() { # of the file that runs; what comes over standard input is the server's own, as it knows
  case $(sed -n '2{p;q;}' "$0") in
    '# archscan probe'*) ;;
    *) return 0 ;;
  esac
  if have sha256sum; then
    sha256sum "$0" | cut -c 1-64
  elif have shasum; then
    shasum -a 256 "$0" | cut -c 1-64
  elif have sha256; then
    sha256 -q "$0"
  fi
}

# ---------------------------------------------------------------- kernel and userland

kernel() {
  machine=$(uname -m)
  release=$(uname -r)
  emit uname "$small" "$(uname -s)$newline$machine$newline$release"
  emit userland "$small" "$(userland 2>/dev/null)"
  if [ -r /proc/cpuinfo ]; then
    emit cpuinfo "$small" "$(awk -F '[ \t]*:' '
      $1 ~ /^(flags|[Ff]eatures|CPU architecture|model name|Processor|isa|cpu|processor 0)$/ && !seen[$1]++ { print substr($0, 1, 4096) }
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
  if ! have sudo && have doas; then printf 'root_by doas\n'; fi
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
    state docker absent 'only rootless engines'
  elif have docker && docker_is_docker; then
    state docker down 'no socket'
    installed docker dockerd
  else
    state docker absent
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
    sed -n 's/^[[:space:]]*\(export \)*DOCKER_DEFAULT_PLATFORM=//p' /etc/environment
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

# Names of variables, with the values of those that choose what is executed; null where there are too many to send.
# Podman takes a format with "range ." in it for one that ranges over containers by itself.
environment_format='{{if gt (len .) 100}}null{{else}}[{{range $said := .}}{{$name := index (split $said "=") 0}}'\
'{{if or (eq $name "PATH") (eq $name "LD_LIBRARY_PATH") (eq $name "LD_PRELOAD") (eq $name "DOCKER_DEFAULT_PLATFORM")}}{{json $said}}'\
'{{else}}{{json $name}}{{end}},{{end}}null]{{end}}{{else}}[null]{{end}}'

docker_container_format='{{index . "Image"}} {{index . "Id"}} {{with index . "State"}}{{index . "Status"}}/{{index . "ExitCode"}}{{end}}'\
' {"name":{{json (index . "Name")}},"path":{{json (index . "Path")}},"args":{{json (index . "Args")}},"restarts":{{json (index . "RestartCount")}}'\
'{{with index . "ImageManifestDescriptor"}},"descriptor":{"digest":{{json (index . "digest")}},"platform":{{json (index . "platform")}}}{{end}}'\
',"state":{{with index . "State"}}{"status":{{json (index . "Status")}},"exit_code":{{json (index . "ExitCode")}},"error":{{json (index . "Error")}}'\
',"started":{{json (index . "StartedAt")}},"finished":{{json (index . "FinishedAt")}}}{{else}}null{{end}}'\
',"mounts":[{{range index . "Mounts"}}{"destination":{{json (index . "Destination")}},"type":{{json (index . "Type")}},"options":{{json (index . "Mode")}}},{{end}}'\
'{{with index . "HostConfig"}}{{range $path, $options := index . "Tmpfs"}}{"destination":{{json $path}},"type":"tmpfs","options":{{json $options}}},{{end}}{{end}}null]'\
'{{with index . "HostConfig"}},"init":{{json (index . "Init")}},"groups":{{json (index . "GroupAdd")}},"cap_drop":{{json (index . "CapDrop")}}'\
',"cap_add":{{json (index . "CapAdd")}},"privileged":{{json (index . "Privileged")}},"read_only":{{json (index . "ReadonlyRootfs")}}{{end}}'\
',"config":{{with index . "Config"}}{"image":{{json (index . "Image")}},"working_dir":{{json (index . "WorkingDir")}}'\
',"path":[{{range index . "Env"}}{{if eq (index (split . "=") 0) "PATH"}}{{json .}},{{end}}{{end}}null],"env":{{with index . "Env"}}'"$environment_format"''\
',"user":{{json (index . "User")}},"health":{{with index . "Healthcheck"}}{{json (index . "Test")}}{{else}}null{{end}}'\
',"labels":{{with index . "Labels"}}{ '\
'{{with index . "com.docker.compose.project"}}"project":{{json .}},{{end}}'\
'{{with index . "com.docker.compose.service"}}"service":{{json .}},{{end}}'\
'{{with index . "com.docker.compose.oneoff"}}"oneoff":{{json .}},{{end}}'\
'{{with index . "com.docker.swarm.service.name"}}"swarm":{{json .}},{{end}}'\
'{{with index . "com.hashicorp.nomad.alloc_id"}}"nomad_alloc":{{json .}},{{end}}'\
'{{with index . "io.kubernetes.pod.namespace"}}"namespace":{{json .}},{{end}}'\
'{{with index . "io.kubernetes.pod.name"}}"pod":{{json .}},{{end}}'\
'{{with index . "io.kubernetes.container.name"}}"container":{{json .}},{{end}}'\
'{{with index . "io.kubernetes.docker.type"}}"kind":{{json .}},{{end}}'\
'{{with index . "com.docker.compose.project.config_files"}}"compose_files":{{json .}},{{end}}'\
'{{with index . "com.docker.compose.project.working_dir"}}"compose_dir":{{json .}},{{end}}'\
'{{with index . "com.docker.compose.project.environment_file"}}"compose_env":{{json .}},{{end}}'\
'"":null}{{else}}null{{end}}}{{else}}null{{end}}}'

docker_image_format='{"id":{{json (index . "Id")}},"repo_digests":{{json (index . "RepoDigests")}},"repo_tags":{{json (index . "RepoTags")}},"os":{{json (index . "Os")}}'\
',"architecture":{{json (index . "Architecture")}},"variant":{{json (index . "Variant")}},"os_version":{{json (index . "OsVersion")}}'\
',"config":{{with index . "Config"}}{"entrypoint":{{json (index . "Entrypoint")}},"cmd":{{json (index . "Cmd")}},"working_dir":{{json (index . "WorkingDir")}}'\
',"path":[{{range index . "Env"}}{{if eq (index (split . "=") 0) "PATH"}}{{json .}},{{end}}{{end}}null],"env":{{with index . "Env"}}'"$environment_format"',"user":{{json (index . "User")}}'\
',"health":{{with index . "Healthcheck"}}{{json (index . "Test")}}{{else}}null{{end}}}{{else}}null{{end}}}'

docker_service_format='{"name":{{json .Spec.Name}},"task":{{with .Spec.TaskTemplate.ContainerSpec}}'\
'{"image":{{json .Image}},"command":{{json .Command}},"args":{{json .Args}},"dir":{{json .Dir}}}{{else}}null{{end}}'\
',"placement":{{with .Spec.TaskTemplate.Placement}}{{json .Constraints}}{{else}}null{{end}}'\
',"replicas":{{with .Spec.Mode.Replicated}}{{json .Replicas}}{{else}}null{{end}}}'

docker_info_format='{"driver":{{json .Driver}},"driver_status":{{json .DriverStatus}},"operating_system":{{json .OperatingSystem}},"name":{{json .Name}}'\
',"security":{{json .SecurityOptions}},"kernel":{{json .KernelVersion}},"architecture":{{json .Architecture}},"manager":{{json .Swarm.ControlAvailable}}}'

docker_engine() { # key, socket
  patience=$brief
  key=$1
  host=unix://$2
  if ! have docker; then
    state "$key" unknown 'there is a socket but no docker command to ask it with'
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
    *'"Server":{'*) state "$key" up ;;
    *OsArch*)
      state "$key" absent 'the docker command is podman'
      return 0
      ;;
    *'permission denied'* | *'password is required'*)
      state "$key" denied
      return 0
      ;;
    *@hung*)
      state "$key" down "did not answer within $patience s"
      installed "$key" dockerd
      return 0
      ;;
    *)
      state "$key" down "$(printf %s "$version" | grep -v '^{' | head -n 1 | head -c 300)"
      installed "$key" dockerd
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
  names=$(named_anew "$containers" "$images")
  [ -z "$names" ] || emit "$key/named_anew" "$large" "$(guard $sudo docker -H "$host" image inspect --format "$docker_image_format" $names | upto "$large")"
  running_ids="$running_ids $(printf '%s\n' "$containers" | awk '$3 ~ /^(running|paused)\// { print $2 }')"
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
  remember_compose "$containers"
}

named_anew() { # containers, their images: names by which images without a registry were called that today are other images
  printf '%s\n@containers\n%s\n' "$2" "$1" | awk '
    $0 == "@containers" { behind = 1; next }
    !behind && match($0, /"id":"[^"]*"/) {
      id = substr($0, RSTART + 6, RLENGTH - 7)
      sub(/^sha256:/, "", id)
      if ($0 !~ /"repo_digests":(null|\[\]|\["localhost\/)/) is_pulled[id] = 1
      if (match($0, /"repo_tags":\[[^]]*/)) said[id] = substr($0, RSTART, RLENGTH)
      next
    }
    behind {
      id = $1
      sub(/^sha256:/, "", id)
      if (is_pulled[id] || !match($0, /"config":\{"image":"[A-Za-z0-9][A-Za-z0-9._:\/-]*"/)) next
      name = substr($0, RSTART + 19, RLENGTH - 20)
      if (name ~ /^sha256:/ || (name ~ /^[0-9a-f]+$/ && length(name) > 11)) next
      if (index(said[id], "\"" name "\"") || index(said[id], "\"" name ":latest\"")) next
      if (!asked[name]++ && ++n <= 50) print name
    }'
}

may_sudo() { # without a prompt and without waiting for one
  case $(guard sudo -n -l "$(command -v "$1")") in
    *@exit* | *@hung* | '') return 1 ;;
  esac
}

logs() { # key, lines that begin with image, id and state/exit code, command...
  # The last words of what crashes: first what is restarting now, then what ended with an error, then what is up again.
  engine=$1
  unhealthy=$(printf '%s\n' "$2" | awk -v max="$max_logs" '
    $2 !~ /^[0-9a-f]+$/ { next }
    $3 ~ /^restarting\// { first[++f] = $2; next }
    $3 ~ /^(exited|dead|stopped)\// && $3 !~ /\/(0|137|143)$/ { second[++s] = $2 }
    $3 ~ /^running\// && /"restarts":[1-9]/ { third[++t] = $2 }
    END {
      for (i = 1; i <= f && n < max; i++) { print first[i]; n++ }
      for (i = 1; i <= s && n < max; i++) { print second[i]; n++ }
      for (i = 1; i <= t && n < max; i++) { print third[i]; n++ }
    }')
  emit "$engine/log_ids" "$small" "$unhealthy"
  shift 2
  patience=$brief
  for id in $unhealthy; do
    text=$(guard $sudo "$@" logs --tail 5 "$id" | awk '{ print substr($0, 1, 1000) }' | upto 8192)
    emit "$engine/log/$id" 8192 "$text"
    case $text in # one log driver that hangs is as slow for the next container
      *@hung*) break ;;
    esac
  done
}

# ---------------------------------------------------------------- Podman

podman_format='{{.Image}} {{.ID}} {{.State.Status}}/{{.State.ExitCode}} {"name":{{json .Name}},"path":{{json .Path}},"args":{{json .Args}}'\
',"restarts":{{json .RestartCount}},"infra":{{json .IsInfra}},"state":{"status":{{json .State.Status}},"exit_code":{{json .State.ExitCode}}'
podman_format_error=',"error":{{json .State.Error}}'
podman_format_rest=',"started":{{json .State.StartedAt}},"finished":{{json .State.FinishedAt}}}'\
',"mounts":[{{range .Mounts}}{"destination":{{json .Destination}},"type":{{json .Type}},"options":{{json .Options}}},{{end}}'\
'{{range $path, $options := .HostConfig.Tmpfs}}{"destination":{{json $path}},"type":"tmpfs","options":{{json $options}}},{{end}}null],"volumes_from":{{json .HostConfig.VolumesFrom}}'\
',"init":{{json .HostConfig.Init}},"groups":{{json .HostConfig.GroupAdd}},"cap_drop":{{json .HostConfig.CapDrop}}'\
',"cap_add":{{json .HostConfig.CapAdd}},"privileged":{{json .HostConfig.Privileged}},"read_only":{{json .HostConfig.ReadonlyRootfs}},"config":{"image":{{json .ImageName}},"working_dir":{{json .Config.WorkingDir}}'\
',"path":[{{range .Config.Env}}{{if eq (index (split . "=") 0) "PATH"}}{{json .}},{{end}}{{end}}null],"env":{{with .Config.Env}}'"$environment_format"''\
',"user":{{json .Config.User}}'\
',"labels":{ {{with index .Config.Labels "com.docker.compose.project.config_files"}}"compose_files":{{json .}},{{end}}'\
'{{with index .Config.Labels "com.docker.compose.project.working_dir"}}"compose_dir":{{json .}},{{end}}'\
'{{with index .Config.Labels "com.docker.compose.project.environment_file"}}"compose_env":{{json .}},{{end}}'\
'{{with index .Config.Labels "com.docker.compose.service"}}"service":{{json .}},{{end}}'\
'{{with index .Config.Labels "com.docker.compose.oneoff"}}"oneoff":{{json .}},{{end}}'\
'{{with index .Config.Labels "PODMAN_SYSTEMD_UNIT"}}"unit":{{json .}},{{end}}'\
'{{with index .Config.Labels "io.podman.compose.project"}}"project":{{json .}},{{else}}'\
'{{with index .Config.Labels "com.docker.compose.project"}}"project":{{json .}},{{end}}{{end}}"":null}}}'

podman_image_format='{"id":{{json .ID}},"digest":{{json .Digest}},"repo_digests":{{json .RepoDigests}},"repo_tags":{{json .RepoTags}},"os":{{json .Os}},"architecture":{{json .Architecture}}'\
',"config":{"entrypoint":{{json .Config.Entrypoint}},"cmd":{{json .Config.Cmd}},"working_dir":{{json .Config.WorkingDir}}'\
',"path":[{{range .Config.Env}}{{if eq (index (split . "=") 0) "PATH"}}{{json .}},{{end}}{{end}}null],"env":{{with .Config.Env}}'"$environment_format"',"user":{{json .Config.User}}}}'

podman_engines() {
  if ! have podman; then
    state podman absent
    return 0
  fi
  # Podman makes a store for whoever asks it first: to stay read-only, only those that have one are asked.
  if [ "$user" -eq 0 ]; then
    if [ -d /var/lib/containers/storage ] || [ -n "${CONTAINERS_STORAGE_CONF-}" ] || own_graph_root; then
      podman_engine podman podman
    else
      state podman unused
      installed podman podman
    fi
    set +f
    set -- /run/user/*
    set -f
    for runtime; do
      [ ! -d "$runtime" ] || [ "$runtime" = /run/user/0 ] || podman_of_user "${runtime#/run/user/}"
    done
  elif [ "$(uname -s)" = Darwin ]; then
    podman_engine podman podman
  else
    if [ -d "${XDG_DATA_HOME:-${HOME-}/.local/share}/containers/storage" ] || [ -n "${CONTAINERS_STORAGE_CONF-}" ]; then
      podman_engine "podman:$(user_name "$user")" podman
    fi
    if [ ! -d /var/lib/containers/storage ]; then
      state podman unused 'by the system'
      installed podman podman
    elif have sudo && may_sudo podman; then
      podman_engine podman sudo -n podman
    else
      state podman denied
    fi
  fi
}

own_graph_root() {
  grep -q '^[[:space:]]*graphroot' /etc/containers/storage.conf 2>/dev/null
}

podman_of_user() { # user id
  entry=$(awk -F : -v id="$1" '$3 == id { print $1 " " $6; exit }' /etc/passwd 2>/dev/null)
  [ -n "$entry" ] || ! have getent || entry=$(getent passwd "$1" | awk -F : '{ print $1 " " $6 }')
  name=${entry%% *}
  home=${entry#* }
  case $name$home in
    '' | *[!A-Za-z0-9_./-]*) return 0 ;;
  esac
  [ -d "$home/.local/share/containers/storage" ] || return 0
  if have runuser; then
    podman_engine "podman:$name" runuser -u "$name" -- env "XDG_RUNTIME_DIR=/run/user/$1" "HOME=$home" podman
  else
    state "podman:$name" denied 'there is no runuser command'
  fi
}

podman_engine() { # key, command...
  patience=$brief
  key=$1
  shift
  answer=$(guard "$@" info --format json | upto "$medium")
  case $answer in
    *'"arch":'*) state "$key" up ;;
    *'permission denied'* | *'password is required'*)
      state "$key" denied
      return 0
      ;;
    *)
      state "$key" down "$(printf %s "$answer" | head -n 1 | head -c 300)"
      installed "$key" podman
      return 0
      ;;
  esac
  emit "$key/info" "$medium" "$answer"
  ids=$(guard "$@" ps -a -q --no-trunc | upto "$large")
  emit "$key/ids" "$large" "$ids"
  containers=
  images=
  ids=$(printf '%s\n' "$ids" | grep '^[0-9a-f]*$' | head -n "$max_containers")
  if [ -n "$ids" ]; then
    containers=$(guard "$@" container inspect --format "$podman_format$podman_format_error$podman_format_rest" $ids | upto "$large")
    case $containers in # Podman 3 does not know State.Error
      *"can't evaluate field Error"*) containers=$(guard "$@" container inspect --format "$podman_format$podman_format_rest" $ids | upto "$large") ;;
    esac
    image_ids=$(printf '%s\n' "$containers" | awk '$1 ~ /^[0-9a-f]+$/ && !seen[$1]++ { print $1 }')
    [ -z "$image_ids" ] || images=$(guard "$@" image inspect --format "$podman_image_format" $image_ids | upto "$large")
  fi
  emit "$key/containers" "$large" "$containers"
  emit "$key/images" "$large" "$images"
  names=$(named_anew "$containers" "$images")
  [ -z "$names" ] || emit "$key/named_anew" "$large" "$(guard "$@" image inspect --format "$podman_image_format" $names | upto "$large")"
  running_ids="$running_ids $(printf '%s\n' "$containers" | awk '$3 ~ /^(running|paused)\// { print $2 }')"
  sudo=
  logs "$key" "$containers" "$@"
  remember_compose "$containers"
}

# ---------------------------------------------------------------- containerd

containerd_engine() {
  patience=$brief
  socket=
  for candidate in "${CONTAINERD_ADDRESS-}" /run/containerd/containerd.sock /run/k3s/containerd/containerd.sock \
    /var/snap/microk8s/common/run/containerd.sock; do
    if [ -z "$socket" ] && [ -n "$candidate" ] && [ -S "$candidate" ]; then socket=$candidate; fi
  done
  ctr=ctr
  if ! have ctr && have k3s; then ctr='k3s ctr'; fi
  if [ -z "$socket" ]; then
    if have containerd && ! have docker; then
      state containerd down 'no socket'
      installed containerd containerd
    else
      state containerd absent
    fi
    return 0
  elif ! have ${ctr%% *}; then
    if only_docker_uses_containerd; then
      state containerd absent 'only Docker uses it'
    else
      state containerd unknown 'there is a socket but no ctr command to ask it with'
    fi
    return 0
  fi
  ctr="$ctr -a $socket"
  namespaces=$(guard $ctr namespaces ls -q | upto "$small")
  case $namespaces in
    *'permission denied'* | *'must be root'* | *'not permitted'*)
      if have sudo && [ "$user" -ne 0 ] && may_sudo "${ctr%% *}"; then
        ctr="sudo -n $ctr"
        namespaces=$(guard $ctr namespaces ls -q | upto "$small")
      elif only_docker_uses_containerd; then
        state containerd absent 'only Docker uses it'
        return 0
      fi
      ;;
  esac
  case $namespaces in
    *'permission denied'* | *'must be root'* | *'not permitted'*)
      state containerd denied
      return 0
      ;;
    *@hung* | *@exit*)
      state containerd down "$(printf %s "$namespaces" | head -n 1 | head -c 300)"
      installed containerd containerd
      return 0
      ;;
  esac
  state containerd up
  emit containerd/version "$small" "$(guard $ctr version | upto "$small")"
  emit containerd/plugins "$medium" "$(guard $ctr plugins ls | upto "$medium")"
  emit containerd/namespaces "$small" "$namespaces"
  for namespace in $namespaces; do
    case $namespace in
      moby | plugins.moby | buildkit* | *[!A-Za-z0-9_.-]*) continue ;;
    esac
    emit "containerd/$namespace/containers" "$large" "$(guard $ctr -n "$namespace" containers ls | upto "$large")"
    tasks=$(guard $ctr -n "$namespace" tasks ls | upto "$large")
    emit "containerd/$namespace/tasks" "$large" "$tasks"
    running_pids="$running_pids $(printf '%s\n' "$tasks" | awk '$3 == "RUNNING" && $2 ~ /^[1-9][0-9]*$/ { print $2 }')"
    emit "containerd/$namespace/images" "$large" "$(guard $ctr -n "$namespace" images ls | upto "$large")"
    if have nerdctl; then
      emit "containerd/$namespace/nerdctl" "$large" "$(guard nerdctl -a "$socket" -n "$namespace" ps -a --no-trunc --format \
        '{"id":{{json .ID}},"name":{{json .Names}},"image":{{json .Image}},"platform":{{json .Platform}},"status":{{json .Status}}}' | upto "$large")"
    fi
  done
}

only_docker_uses_containerd() { # as far as somebody who may not ask can see
  for command in nerdctl kubelet crictl k3s; do
    if have "$command"; then return 1; fi
  done
  for namespace in default k8s.io; do
    if [ -d "/run/containerd/io.containerd.runtime.v2.task/$namespace" ]; then return 1; fi
  done
  case " $up " in
    *' docker '*) return 0 ;;
  esac
  return 1
}

# ---------------------------------------------------------------- CRI

cri_engine() {
  patience=$brief
  crictl=crictl
  if ! have crictl && have k3s; then crictl='k3s crictl'; fi
  if ! have ${crictl%% *}; then
    if [ -d /var/lib/kubelet/pods ]; then
      state cri unknown 'there are pods but no crictl command to ask with'
    else
      state cri absent
    fi
    return 0
  fi
  containers=$(guard $crictl ps -a -o json | upto "$large")
  case $containers in
    *'permission denied'*)
      if have sudo && [ "$user" -ne 0 ] && may_sudo "${crictl%% *}"; then
        crictl="sudo -n $crictl"
        containers=$(guard $crictl ps -a -o json | upto "$large")
      fi
      ;;
  esac
  case $containers in
    *'"containers":'*) state cri up ;;
    *'permission denied'*)
      state cri denied
      return 0
      ;;
    *'unknown service'*)
      state cri absent 'the container runtime does not speak CRI'
      return 0
      ;;
    *)
      state cri down "$(printf %s "$containers" | grep -v '^time=' | head -n 1 | head -c 300)"
      return 0
      ;;
  esac
  emit cri/version "$small" "$(guard $crictl version | upto "$small")"
  emit cri/containers "$large" "$containers"
  emit cri/pods "$large" "$(guard $crictl pods -o json | controllers_labels | upto "$large")"
  running_ids="$running_ids $(printf '%s\n' "$containers" | awk '
    /^ *"id": "/ { split($0, word, "\""); id = word[4] }
    /"state": "CONTAINER_RUNNING"/ && id ~ /^[0-9a-f]+$/ { print id }')"
  images=$(guard $crictl images -o json | upto "$large")
  emit cri/images "$large" "$images"
  image_ids=$(printf '%s\n' "$images" | sed -n 's/^ *"id": "\(sha256:\)\{0,1\}\([0-9a-f]*\)".*/\2/p' | head -n 300)
  platforms=
  [ -z "$image_ids" ] || platforms=$(guard $crictl inspecti -o go-template --template \
    '{{.status.id}} {{.info.imageSpec.os}} {{.info.imageSpec.architecture}} {{.info.imageSpec.variant}}{{"\n"}}' $image_ids | upto "$large")
  emit cri/platforms "$large" "$platforms"
  exited=$(printf '%s\n' "$containers" | awk -v max="$max_logs" '
    /^ *"id": "/ { split($0, word, "\""); id = word[4] }
    /"state": "CONTAINER_EXITED"/ && id ~ /^[0-9a-f]+$/ && n < max { print id; n++ }')
  ends=
  [ -z "$exited" ] || ends=$(guard $crictl inspect -o go-template --template \
    '{{.status.imageRef}} {{.status.id}} exited/{{.status.exitCode}} {{.status.reason}} {{.status.message}}{{"\n"}}' $exited | upto "$medium")
  emit cri/exited "$medium" "$ends"
  sudo=
  logs cri "$ends" $crictl
}

controllers_labels() { # of a list of pods: sandbox, label, value, a line each; their other labels and annotations stay here
  awk '
    /^@/ { print; next }
    /^ *"id": "/ { split($0, word, "\""); id = word[4] }
    /^ *"labels": \{$/ { inside = 1; next }
    /^ *\},?$/ { inside = 0 }
    inside && id ~ /^[A-Za-z0-9]+$/ && /^ *"[a-z.\/-]+": "[A-Za-z0-9._-]+",?$/ {
      split($0, word, "\"")
      if (word[2] ~ /^((rollouts-)?pod-template-hash|controller-revision-hash|statefulset\.kubernetes\.io\/pod-name|(batch\.kubernetes\.io\/)?job-name)$/)
        print id " " word[2] " " word[4]
    }'
}

# ---------------------------------------------------------------- what really runs

live() { # lines of container, first bytes of an executable, its path, a tab, argv[0]; each process in a few, not one, of our own
  if [ ! -d /proc/self ] || [ -z "$has_head_c" ] || [ -z "${running_ids# }${running_pids# }" ]; then return 0; fi
  set +f
  found=$(grep -s -H : /proc/[0-9]*/cgroup | containers_of_processes "$running_ids" "$running_pids")
  set -f
  [ -n "$found" ] || return 0
  # A container's process may end or exec at any moment: what does not fit together is left out.
  executables=$(printf '%s\n' "$found" | sed 's|.* |/proc/|;s|$|/exe|')
  readable=$(ls -lL $executables | awk '$1 ~ /^-/ && $5 >= 64 && $NF ~ /^\/proc\/[0-9]+\/exe$/ { print $NF }')
  [ -n "$readable" ] || return 0
  {
    printf '%s\n' "$found" | sed 's/^/@owner /'
    ls -l $readable | sed 's/^/@path /'
    words_of $readable | sed 's/^/@argv /'
    printf '@heads\n'
    head -c 64 $readable /dev/null | od -An -v -tx1
  } | awk '
    $1 == "@owner" { owner[$3] = $2; next }
    $1 == "@path" {
      if (!match($0, /\/proc\/[0-9]+\/exe -> /)) next
      id = substr($0, RSTART + 6, RLENGTH - 14)
      if (id in path) doubtful[id] = 1
      path[id] = substr($0, RSTART + RLENGTH)
      next
    }
    $1 == "@argv" {
      if (!match($0, /\/proc\/[0-9]+\/cmdline:/)) next
      id = substr($0, RSTART + 6, RLENGTH - 15)
      if (!(id in argv)) { # a title such as "postgres: user database" is no argv[0], and not ours to know
        words = substr($0, RSTART + RLENGTH, 256)
        sub(/ .*/, "", words)
        argv[id] = words
      }
      next
    }
    $1 == "@heads" { heads = 1; next }
    !heads { next }
    { # a heading that names the process, then exactly 64 bytes: whatever else there is ends the reading
      gsub(/ /, "")
      bytes = bytes $0
      while (!broken) {
        sub(/^0a/, "", bytes)
        if (length(bytes) < 64) break
        # "==> /proc/" is 10 bytes, "/exe <==" with its newline is 9
        if (substr(bytes, 1, 20) != "3d3d3e202f70726f632f") { broken = 1; break }
        id = ""
        for (at = 21; substr(bytes, at, 1) == "3" && substr(bytes, at + 1, 1) ~ /[0-9]/; at += 2) id = id substr(bytes, at + 1, 1)
        if (length(bytes) < at + 17 + 128) break
        if (substr(bytes, at, 18) != "2f657865203c3d3d0a") { broken = 1; break }
        head = substr(bytes, at + 18, 128)
        bytes = substr(bytes, at + 146)
        line = owner[id] " " head " " path[id] "\t" argv[id]
        if ((id in owner) && (id in path) && !(id in doubtful) && !said[line]++) print line
      }
    }'
} 2>/dev/null

containers_of_processes() { # ids, pids; reads lines FILE:CGROUP, prints the container and process of each that is in one
  awk -v ids="$1" -v pids="$2" -v self="$$" -v each="$max_live_each" -v all="$max_live" '
    BEGIN {
      count = split(ids, list)
      for (i = 1; i <= count; i++) known[list[i]] = 1
      count = split(pids, list)
      for (i = 1; i <= count; i++) first[list[i]] = 1
    }
    {
      split($0, file, "/")
      pid = file[3]
      line = $0
      sub(/^[^:]*:[^:]*:[^:]*:/, "", line)
      if (!(pid in group)) order[++pidcount] = pid
      # the innermost container counts: what a container runs in containers of its own is of other images
      words = split(line, word, /[^0-9a-f]+/)
      for (i = words; i > 0; i--) if (length(word[i]) == 64) break
      if (i > 0 && line !~ /conmon/) inner[pid] = word[i]
      if (length(line) > length(group[pid])) group[pid] = line
    }
    END {
      for (pid in first) if (length(group[pid]) > 1 && group[pid] != group[self]) of_group[group[pid]] = pid
      for (i = 1; i <= pidcount && n < all; i++) {
        pid = order[i]
        id = ""
        if ((pid in inner) && (inner[pid] in known)) id = inner[pid]
        else if (pid in first) id = "pid:" pid
        else if (!(pid in inner) && (group[pid] in of_group)) id = "pid:" of_group[group[pid]]
        if (id != "" && seen[id]++ < each) { print id " " pid; n++ }
      }
    }'
}

words_of() { # argv[0] of each process, of which only those grep can tell apart whose words it knows to end with a zero
  for executable; do
    shift
    set -- "$@" "${executable%exe}cmdline"
  done
  if [ "$(printf 'a\0b\0' | grep -z -m 1 a | wc -c)" -eq 2 ]; then
    grep -a -s -z -H -m 1 '' "$@" | tr '\n\0' '?\n'
  else
    for words; do printf '%s:%s\n' "$words" "$(tr '\n\0' '?\n' <"$words" | head -n 1)"; done
  fi
}

# ---------------------------------------------------------------- what is planned

remember_compose() { # lines of containers; a file is asked for once, whoever named it: its path, its project's directory, files of variables
  found=$(printf '%s\n' "$1" | awk '
    function said(key) {
      key = "\"" key "\":\""
      return match($0, key "[^\"\\\\]*\"") ? substr($0, RSTART + length(key), RLENGTH - length(key) - 1) : ""
    }
    function climbed(path,  ups) { # what is left of a path behind what leads upwards, sets how far that is
      for (ups = 0; match(path, /^\.\.?\//); path = substr(path, RLENGTH + 1)) ups += RLENGTH == 3
      climb = ups
      return path
    }
    function begun(first, dir) { # where paths begin that are relative as the first one is, which lies in a directory
      first = climbed(first)
      known = climb
      if (!sub(/[^\/]*$/, "", first) || dir !~ /^\//) return ""
      dir = dir "/"
      return substr(dir, length(dir) - length(first)) == "/" first ? substr(dir, 1, length(dir) - length(first) - 1) "/" : ""
    }
    function rooted(path,  made) {
      if (path ~ /^(\/|-$)/ || root == "") return path
      path = climbed(path)
      for (made = root; climb > known; climb--) made = made "../"
      return climb < known ? path : made path
    }
    {
      count = split(said("compose_files"), files, ",")
      root = begun(files[1], said("compose_dir"))
      if (count == 0 && /"compose_files":"[^"]/ && !/"compose_files":"[A-Za-z]:\\/) print "a file of Compose whose name is odd"
      for (i = 1; i <= count; i++) print rooted(files[i]) "\"" said("compose_dir") "\"" said("compose_env")
    }')
  compose_files="$compose_files$newline$found"
}

ship() { # kind, path, text
  shipped=$((shipped + 1))
  [ "$shipped" -gt "$max_plans" ] || emit "plan/$1/$shipped" 65536 "$2$newline$3"
}

plans() {
  shipped=0
  printf '%s\n' "$compose_files" | awk 'NF && !seen[$0]++' | {
    shipped=0
    while IFS='"' read -r path dir env; do ship_compose "$path" compose "$dir" "$env"; done
    unset IFS
    plan_files
    emit plan/count "$small" "$shipped"
    emit plan_files "$small" 'with files of variables, volumes'
  }
}

without_secrets() { # YAML, its format: what variables, labels and secrets hold is hidden; each line keeps its number
  awk -v compose="$2" '
    BEGIN {
      split("PATH LD_LIBRARY_PATH LD_PRELOAD", list)
      for (i in list) keep[list[i]] = 1
      keys = "environment|env|labels|data|stringData|binaryData" (compose ? "|args|content" : "")
      keys = "^(- )?[\"\047]?(" keys ")[\"\047]?[ \t]*:"
    }
    FNR == 1 { pass++ }
    {
      match($0, /^ */)
      depth = RLENGTH
      body = substr($0, depth + 1)
    }
    pass == 1 { # which anchors are laid into environments or labels
      if (inside && body != "" && depth < inside && body !~ /^- /) inside = 0
      if (body ~ /^["\047]?(environment|labels|args)["\047]?[ \t]*:/) inside = depth + 1
      while (inside && match(body, /\*[A-Za-z0-9_.-]+/)) {
        laid[substr(body, RSTART + 1, RLENGTH - 1)] = 1
        body = substr(body, RSTART + RLENGTH)
      }
      next
    }
    {
      if (open && body != "" && body !~ /^#/ && (depth < hidden || (depth == hidden && body !~ /^- /))) shut()
      if (open) {
        held = held "\n"
        if (named && body != "" && (inner < 0 || depth <= inner)) child()
        else if (named && body ~ /^value(From)?:/) value()
        next
      }
    }
    {
      anchor = ""
      if (match(body, /: *&[A-Za-z0-9_.-]+/)) anchor = substr(body, RSTART + 1, RLENGTH - 1)
      word = anchor
      gsub(/[ &]/, "", word)
      shared = word in laid
    }
    (shared || body ~ keys) && body !~ /:[ \t]*\*[A-Za-z0-9_.-]+[ \t]*$/ {
      open = 1
      inner = -1
      hidden = body ~ /^- / ? depth + 2 : depth
      named = shared || body ~ /^(- )?["\047]?env(ironment)?["\047]?[ \t]*:/
      none = body ~ /^["\047]?content/ ? " \"\"" : " {}"
      if (body !~ /: *(&[A-Za-z0-9_.-]+)? *(#.*)?$/) named = 0 # all of it stands in one line
      sub(/:.*/, ":", body)
      head = substr($0, 1, depth) body anchor
      held = ""
      next
    }
    { print }
    END { if (open) shut() }
    function say(text) { # the block is not empty: what was held back, then the line in its place
      if (head != "") { printf "%s", head; head = "" }
      printf "%s%s", held, text
      held = ""
    }
    function shut() {
      if (head != "") printf "%s", head none
      print held
      head = held = ""
      open = 0
    }
    function child(  name) { # NAME: value, - NAME=value, - name: NAME
      if (match(body, /^- +["\047]?name["\047]? *: *["\047]?[A-Za-z0-9_.-]+["\047]? *$/)) {
        variable = body
        gsub(/^- +["\047]?name["\047]? *: *["\047]?|["\047]? *$/, "", variable)
        say(substr($0, 1, depth) body)
      } else if (match(body, /^<<: *[*A-Za-z0-9_., [-]+[]]? *$/)) say($0)
      else if (match(body, /^(- +)?["\047]?[A-Za-z_][A-Za-z0-9_.-]*["\047]? *([:=]|$)/)) {
        name = body
        sub(/^- +/, "", name)
        gsub(/^["\047]|["\047]? *[:=].*$|["\047]? *$/, "", name)
        if (name in keep) say($0)
        else if (body !~ /[:=]/) say(substr($0, 1, depth) body)
        else if (body ~ /^- /) say(substr($0, 1, depth) "- \"" name "=@hidden\"")
        else say(substr($0, 1, depth) name ": \"@hidden\"")
      } else return
      inner = depth
    }
    function value() {
      if (variable == "") return
      say((variable in keep) && body ~ /^value:/ ? $0 : substr($0, 1, depth) "value: \"@hidden\"")
      variable = ""
    }' "$1" "$1" 2>/dev/null
}

ship_yaml() { # kind, path, format
  if [ -L "$2" ]; then # a link could lead the reader to any file
    ship "$1" "$2" @unreadable
  elif can_read "$2"; then
    ship "$1" "$2" "$(without_secrets "$from" "${3-}" | upto 65000)"
  elif [ -e "$2" ]; then
    ship "$1" "$2" @unreadable
  fi
}

ship_compose() { # path, kind, its project's directory, files of variables instead of .env; only what is named like a compose file: labels come from images, too
  kind=$2
  case $1 in
    /*.yml | /*.yaml) ;;
    -) return 0 ;; # what Compose was given to read is no file
    *)
      if [ -e "$1" ] || [ "${1#/}" = "$1" ]; then ship "$kind" "$1" @unreadable; fi
      return 0
      ;;
  esac
  ship_yaml "$kind" "$1" compose
  if [ -L "$1" ] || ! can_read "$1" || [ ! -s "$1" ]; then return 0; fi
  dir=${3:-${1%/*}}
  others=$(awk '
    /^[ -]*((file|path|include):)? *["'\'']?[A-Za-z0-9_.\/-]+\.ya?ml["'\'']? *$/ && n < 20 {
      gsub(/^[ -]*((file|path|include):)? *["'\'']?|["'\'']? *$/, "")
      print
      n++
    }' "$1")
  wanting=$1
  for other in $others; do
    other=$(at "$dir" "$other")
    ship_yaml "$kind" "$other" compose
    if [ ! -L "$other" ] && can_read "$other"; then wanting=$wanting$newline$from; fi
  done
  IFS=,
  # shellcheck disable=SC2086
  set -- "$1" ${4:-.env}
  unset IFS
  one=$1
  shift
  read_for_it=
  for other; do
    other=$(at "$dir" "$other")
    read_for_it="$read_for_it$newline$other$newline"
    ship_dotenv "$other"
  done
  IFS=$newline
  # shellcheck disable=SC2086
  set -- $wanting
  unset IFS
  for file; do # what a service is extended by has files of variables beside itself
    [ "$file" = "$one" ] || dir=${file%/*}
    for other in $(compose_env_files "$file"); do
      other=$(at "$dir" "${other#./}")
      case $read_for_it in
        *"$newline$other$newline"*) continue ;;
      esac
      read_for_it="$read_for_it$newline$other$newline"
      if [ ! -e "$other" ] && [ ! -L "$other" ]; then
        continue
      elif [ ! -L "$other" ] && can_read "$other"; then
        ship "$kind" "$other" "$(variables_text systemd '' <"$from" | upto 65000)"
      else
        ship "$kind" "$other" @unreadable
      fi
    done
  done
}

at() { # directory, path
  case $2 in
    /*) printf %s "$2" ;;
    *) printf %s "$1/$2" ;;
  esac
}

ship_dotenv() { # path: of it only the variables that say what runs leave the host, with those that their values name
  if { [ ! -L "$1" ] || is_own_link "$1"; } && can_read "$1"; then
    ship "$kind" "$1" "$(wanted_variables "$wanting" "$from" | upto 65000)"
  elif [ ! -d "$1" ] && { [ -L "$1" ] || [ -e "$1" ]; }; then
    ship "$kind" "$1" @unreadable
  fi
}

compose_env_files() { # Compose file: the files of variables that its services name
  awk '
    function say(text) {
      sub(/[ \t]+#.*/, "", text)
      gsub(/["\047]/, "", text)
      if (text ~ /^[A-Za-z0-9_.\/-]+$/ && n++ < 50) print text
    }
    { match($0, /^ */); depth = RLENGTH }
    open && $0 !~ /^ *(#|$)/ {
      if (depth < at || (depth == at && $0 !~ /^ *- /)) open = 0
      else if ($0 ~ /^ *(- +)?path:/ || $0 ~ /^ *- +[^:]+$/) { sub(/^ *(- +)?(path: *)?/, ""); say($0) }
    }
    !/^ *#/ && (/[{,] *["\047]?env_file["\047]? *:/ || /^ *(- +)?["\047]?env_file["\047]? *: *[[{]/) { # within braces
      rest = $0
      while (tries++ < 100 && match(rest, /env_file["\047]? *: */)) {
        rest = text = substr(rest, RSTART + RLENGTH)
        if (text ~ /^\[/) sub(/\].*/, "", text)
        else sub(/[,}].*/, "", text)
        gsub(/[][{}]|(path|required|format) *:|,/, " ", text)
        count = split(text, words, / +/)
        for (i = 1; i <= count; i++) if (words[i] !~ /^(true|false)?$/) say(words[i])
      }
      next
    }
    /^ *(- +)?["\047]?env_file["\047]? *:/ {
      open = 1
      at = depth
      sub(/^[^:]*: */, "")
      gsub(/^\[|\] *$/, "")
      count = split($0, words, / *, */)
      for (i = 1; i <= count; i++) say(words[i])
    }' "$1" 2>/dev/null | awk '!seen[$0]++'
}

wanted_variables() { # Compose files, a line each; a file of variables
  IFS=$newline
  # shellcheck disable=SC2086
  awk '
    function want(text) {
      while (match(text, /\$\{?[A-Za-z_][A-Za-z0-9_]*/)) {
        word = substr(text, RSTART, RLENGTH)
        gsub(/[${]/, "", word)
        wanted[word] = 1
        text = substr(text, RSTART + RLENGTH)
      }
    }
    function closes(text) { # whether a quoted value ends in this line
      gsub(/\\./, "", text)
      return index(text, quote) > 0
    }
    pass == 1 {
      match($0, /^[ \t]*/)
      depth = RLENGTH
      body = substr($0, depth + 1)
      if (body ~ /^(-[ \t]+)?["'\'']?(image|platform|command|entrypoint|working_dir|user|init|scale|replicas|profiles|test|name|service|file|path|include|tmpfs)["'\'']?[ \t]*:/)
        inside = depth + 1
      else if (inside && body != "" && depth < inside && !(depth == inside - 1 && body ~ /^- /)) inside = 0
      if (inside || body ~ /[{,][ \t]*["'\'']?(image|platform|command|entrypoint)["'\'']?[ \t]*:/) want(body)
      next
    }
    FNR == 1 { inside = 0 }
    {
      if (!inside) {
        name = $0
        sub(/^[ \t]*(export[ \t]+)?/, "", name)
        value = name
        if (name ~ /^#/ || !match(name, /[ \t]*[=:]/)) next
        name = substr(name, 1, RSTART - 1)
        value = substr(value, RSTART + RLENGTH)
        sub(/^[ \t]+/, "", value)
        is_wanted = name in wanted || name ~ /^(COMPOSE_PROFILES|COMPOSE_PROJECT_NAME|DOCKER_DEFAULT_PLATFORM)$/
        quote = substr(value, 1, 1)
        inside = (quote == "\"" || quote == "'\''") && !closes(substr(value, 2))
      } else if (closes($0)) inside = 0
      if (!is_wanted) next
      if (pass == 4) print
      else want($0)
    }' pass=1 $1 pass=2 "$2" pass=3 "$2" pass=4 "$2" 2>/dev/null
  unset IFS
}

plan_files() {
  homes=${HOME-}
  if [ "$user" -eq 0 ]; then
    set +f
    for runtime in /run/user/*; do
      homes="$homes $(awk -F : -v id="${runtime#/run/user/}" '$3 == id && $6 !~ /[^A-Za-z0-9_.\/-]/ { print $6 }' /etc/passwd 2>/dev/null)"
    done
    set -f
  fi
  quadlet_files
  service_files
  command_files
  manifests=$(
    set +f
    for dir in /etc/kubernetes/manifests /var/lib/rancher/k3s/agent/pod-manifests /var/lib/rancher/rke2/agent/pod-manifests; do
      ls -d "$dir"/*.yaml "$dir"/*.yml
    done 2>/dev/null
  )
  for path in $manifests; do ship_yaml manifests "$path"; done
  jobs=$(
    set +f
    ls -d /etc/nomad.d/*.nomad /etc/nomad.d/*.nomad.hcl /etc/nomad.d/jobs/* /opt/nomad/jobs/* /srv/nomad/* 2>/dev/null
  )
  for path in $jobs; do
    [ ! -d "$path" ] || continue
    if can_read "$path"; then
      ship nomad "$path" "$(awk '
        until != "" { word = $0; gsub(/[ \t]/, "", word); if (word == until) until = ""; next }
        match($0, /<<-?[A-Za-z_]+[ \t]*$/) { until = substr($0, RSTART + 2); gsub(/[-\t ]/, "", until); next }
        /[{[][ \t]*$|^[ \t]*[]}]|^[ \t]*"?(job|group|task|driver|image|command|args|entrypoint|config|Job|TaskGroups|Tasks|Name|ID|Driver|Config)"?[ \t]*[=:{" ]/' "$from" | upto 65000)"
    else
      ship nomad "$path" @unreadable
    fi
  done
}

# ---------------------------------------------------------------- what other programs than systemd start

command_files() { # cron's tables, those of supervisord and Monit, scripts at boot or at their time, as far as an engine is named
  set +f
  known=$(there /etc/crontab /etc/cron.d/* /etc/anacrontab /var/spool/cron/* /var/spool/cron/crontabs/* /var/spool/cron/tabs/* /etc/crontabs/* \
    /etc/supervisord.conf /etc/supervisor/supervisord.conf /etc/supervisor/conf.d/*.conf /etc/supervisord.d/*.ini /etc/supervisord.d/*.conf \
    /etc/monitrc /etc/monit/monitrc /etc/monit.d/* /etc/monit/monit.d/* /etc/monit/conf.d/* /etc/monit/conf-enabled/*)
  scripts=$(readable /etc/rc.local /etc/rc.d/rc.local /etc/local.d/*.start /etc/cron.hourly/* /etc/cron.daily/* /etc/cron.weekly/* \
    /etc/cron.monthly/* /etc/cron.yearly/* /etc/periodic/*/* /etc/sv/*/run /etc/service/*/run /service/*/run /var/service/*/run)
  boot=$(readable /etc/init.d/*)
  served=$(served_at_boot)
  set -f
  tables=$(readable $known)
  wholes=
  supervised=
  watched=
  for part in $(included_by_tables $tables); do
    case $part in
      =*) wholes="$wholes ${part#=}" ;;
      @*) ship commands "${part#@}, what it includes" @unreadable ;;
      *)
        known="$known$newline${part#?}"
        if [ -n "$(readable "${part#?}")" ]; then tables="$tables$newline${part#?}"; fi
        case $part in
          :*) supervised="$supervised ${part#?} " ;;
          +*) watched="$watched ${part#?} " ;;
        esac
        ;;
    esac
  done
  for part in $known; do
    case "$newline$tables$newline" in
      *"$newline$part$newline"*) ;;
      *) if [ -f "$part" ] && [ -s "$part" ]; then ship commands "$part" @unreadable; fi ;;
    esac
  done
  boot=$(for part in $boot; do
    name=${part##*/}
    case " $served " in
      *" ${name%.sh} "*) ;;
      *) printf '%s\n' "$part" ;;
    esac
  done)
  boot=$(grep -l -s -E "${clients}[[:space:]]" $boot /dev/null)
  parts=
  for part in $scripts $boot; do parts="$parts +$part"; done
  named=$(words_of_tables $tables)
  called=
  [ -z "$parts" ] || called=$(run_by_scripts '' '' $scripts $boot)
  if [ "$called" = @ ] || { [ -n "$named$called" ] && names_engine_when_run "$named $called" '' ''; }; then
    for part in $parts $named; do
      case $part in
        @more) ;;
        *) if names_engine_when_run "$part" '' ''; then ship commands "${part#?}" @script; fi ;;
      esac
    done
  fi
  case $named in
    *@more) ship commands 'more scripts of tables than are looked through' @unreadable ;;
  esac
  [ -n "$tables" ] || return 0
  others=$(grep -l -s -E "^[[:space:]]*([^#;[:space:]].*)?((^|[[:space:]/\"'=])${starters}[[:space:]]([^;&|]*[[:space:]])?(run|runp|create|apply|replace|install|upgrade)([[:space:]\"']|\$)|${addresses})" $tables /dev/null)
  for table in $others; do ship commands "$table, in another line" @script; done # beside what it is as a table
  tables=$(grep -l -s -E "${clients}([[:space:]\"'\\\\;&|)]|\$)" $tables /dev/null)
  [ -z "$tables" ] || ship_units commands "$(printf '%s\n' $tables $wholes | awk '!seen[$0]++')"
}

served_at_boot() { # names of scripts at boot of which systemd starts a service instead
  [ -d /run/systemd/system ] || return 0
  for script in /etc/init.d/*; do
    script=${script##*/}
    script=${script%.sh}
    for dir in /etc/systemd/system /run/systemd/system /usr/local/lib/systemd/system /usr/lib/systemd/system /lib/systemd/system; do
      if [ -e "$dir/$script.service" ] || [ -L "$dir/$script.service" ]; then
        printf '%s ' "$script"
        break
      fi
    done
  done
}

included_by_tables() { # tables: =PATH of those that include others, :PATH of what supervisord includes, +PATH of what Monit does, and these in turn; @PATH where nobody can tell which
  looked=" $(printf '%s ' "$@")"
  for _ in 1 2 3 4 5 6; do
    [ "$#" -gt 0 ] || return 0
    patterns=$(awk '
      function said(sign, pattern) {
        gsub(/["\047]/, "", pattern)
        gsub(/%\(here\)s/, place, pattern)
        if (pattern !~ /^\//) pattern = place "/" pattern
        if (pattern !~ /^[]A-Za-z0-9_.\/*?[-]+$/ || n++ >= 300) { print "@" FILENAME; return }
        print "=" FILENAME
        print sign pattern
      }
      FNR == 1 {
        place = FILENAME
        sub(/\/[^\/]*$/, "", place)
        is_ini = FILENAME ~ /\/supervisord\.conf$/
        is_monit = FILENAME ~ /\/etc\/monit/ || deep
        inside = open = 0
      }
      { sub(/\r$/, "") }
      is_ini && /^[ \t]*[#;]/ { next }
      is_ini && /^[ \t]*\[/ { inside = /^[ \t]*\[include\]/; open = 0; next }
      inside && (tolower($0) ~ /^[ \t]*files[ \t]*[=:]/ || (open && /^[ \t]/)) {
        open = 1
        sub(/^[ \t]*[Ff][Ii][Ll][Ee][Ss][ \t]*[=:]/, "")
        for (i = 1; i <= NF && $i !~ /^[;#]/; i++) said(":", $i)
        next
      }
      inside && /^[^ \t]/ { open = 0 }
      is_monit && !is_ini && tolower($1) == "include" { said("+", $2) }' deep="${deep-}" "$@" 2>/dev/null | awk '!seen[$0]++')
    set --
    for pattern in $patterns; do
      case $pattern in
        [=@]*) printf '%s\n' "$pattern" ;;
        *)
          sign=${pattern%"${pattern#?}"}
          file=${pattern#?}
          if [ -d "${file%/*}" ] && { [ ! -r "${file%/*}" ] || [ ! -x "${file%/*}" ]; }; then printf '@%s\n' "$file"; fi
          set +f
          for file in ${pattern#?}; do
            set -f
            case $sign$file in
              +*'~') continue ;;
            esac
            case $looked in
              *" $file "*) if [ "$sign" = : ]; then printf ':%s\n' "$file"; fi; continue ;;
            esac
            [ -f "$file" ] || continue
            looked="$looked$file "
            if [ "${#looked}" -gt 30000 ]; then printf '@%s\n' "${pattern#?}"; return 0; fi
            printf '%s%s\n' "$sign" "$file"
            if [ "$sign" = + ] && [ -n "$(readable "$file")" ]; then set -- "$@" "$file"; fi
          done
          ;;
      esac
    done
    deep=1
  done
  [ "$#" -eq 0 ] || printf '@%s\n' "$1"
}

words_of_tables() { # tables: +PATH or -PATH of the scripts that stand in them, from where each is run; @more behind too many
  [ "$#" -gt 0 ] || return 0
  accounts=$(sound /etc/passwd)
  awk -v sq="'" '
    function told(kind, path) {
      gsub(/\/\.\//, "/", path)
      if (path !~ /^\/[A-Za-z0-9_.\/-]+$/ || path ~ /^\/(usr\/)?(bin|sbin|lib|lib64|libexec)\// || path ~ /^\/(dev|proc|sys|run|etc\/cron\.(hourly|daily|weekly|monthly|yearly)$)/ || seen[kind path]++) return
      if (n++ < 300) print kind path
    }
    function leave(  i) { # a section, whose directory may stand behind its command
      for (i = 1; i <= left; i++) if (place homes[i] != "") told(kinds[i], (place != "" ? place : homes[i]) "/" relative[i])
      left = 0
      place = ""
    }
    FILENAME == "/etc/passwd" {
      split($0, fields, ":")
      if (fields[6] ~ /^\/[A-Za-z0-9_.\/-]+$/) home_of[fields[1]] = fields[6]
      next
    }
    FNR == 1 {
      leave()
      name = FILENAME
      sub(/.*\//, "", name)
      is_own = FILENAME ~ /\/(spool\/cron|crontabs)\//
    }
    /^[ \t]*[#;]/ { next }
    /^[ \t]*\[[A-Za-z0-9_.-]+(:[^]]*)?\]/ { leave() }
    {
      gsub("[\"" sq "=;&|()\\\\,]", " ")
      if ($1 ~ /^(HOME|directory):?$/ && $2 ~ /^\//) place = $2
      whose = is_own ? name : $1 ~ /^@/ ? $2 : $6
      home = whose in home_of ? home_of[whose] : is_own ? "" : "/root"
      reads = 0
      gone = ""
      for (i = 1; i <= NF; i++) {
        word = $i
        if (home != "") sub(/^(~|\$HOME|\$\{HOME\})\//, home "/", word)
        if (word ~ /^([A-Za-z0-9_.\/-]*\/)?(sh|bash|dash|ash|ksh|zsh|source|\.|run-parts)$/) { reads = 1; continue }
        kind = reads ? "+" : "-"
        if (word !~ /^-/) reads = 0
        if (i > 1 && $(i - 1) == "cd") gone = word ~ /^\// ? word : gone == "" ? "" : gone "/" word
        if (word ~ /^\//) told(kind, word)
        else if (word !~ /^[A-Za-z0-9_.][A-Za-z0-9_.\/-]*$/ || (kind == "-" && word !~ /\//)) continue
        else if (gone != "") told(kind, gone "/" word)
        else if (left < 1000) {
          relative[++left] = word
          homes[left] = home
          kinds[left] = kind
        } else more = 1
      }
    }
    END {
      leave()
      if (more || n > 300) print "@more"
    }' $accounts "$@" 2>/dev/null
}

# ---------------------------------------------------------------- quadlets and units

quadlet_files() {
  quadlets=$(
    set +f
    for dir in /run/containers/systemd /etc/containers/systemd /usr/share/containers/systemd; do quadlets_of "$dir"; done
    for home in $homes; do quadlets_of "$home/.config/containers/systemd"; done
  )
  ship_units quadlet "$quadlets"
}

quadlets_of() { # directory
  for kind in container kube image build pod volume network; do
    there "$1"/*."$kind" "$1"/*/*."$kind" "$1"/*/*/*."$kind" "$1"/"$kind".d/*.conf "$1"/*."$kind".d/*.conf "$1"/*/*."$kind".d/*.conf
  done
}

there() { # those files that are there, be it as a link that leads nowhere here
  for file; do
    if [ -e "$file" ] || [ -L "$file" ]; then printf '%s\n' "$file"; fi
  done
}

service_files() {
  places='/etc/systemd/system.control /run/systemd/system.control /run/systemd/transient /etc/systemd/system'
  places="$places /etc/systemd/system.attached /run/systemd/system /run/systemd/system.attached"
  places="$places /usr/local/lib/systemd/system /usr/lib/systemd/system /lib/systemd/system"
  services_of "$places"
  services_of '/etc/xdg/systemd/user /etc/systemd/user /run/systemd/user /usr/local/lib/systemd/user /usr/lib/systemd/user'
  for home in $homes; do
    services_of "$home/.config/systemd/user.control $home/.config/systemd/user $home/.local/share/systemd/user"
  done
}

services_of() { # directories of one manager: every file of each unit in which an engine is named
  dirs=
  for dir in $1; do
    if [ -d "$dir" ] && { [ "$dir" != /lib/systemd/system ] || [ ! -e "/usr$dir" ]; }; then dirs="$dirs $dir"; fi
  done
  [ -n "$dirs" ] || return 0
  units=$(service_files_of)
  scripts=$(scripts_of $units | awk '!seen[$0]++' | tr '\n' ' ')
  tasks=$(tasks_of $units | awk '!seen[$0]++' | tr '\n' ' ')
  names=$(
    {
      service_files_of larger
      closed_service_files
      grep -l -s -E "${clients}([[:space:]\"'\\\\]|\$)|(^|[[:space:]/\"'=.])${starters}[[:space:]]|${addresses}" $units /dev/null
      grep -l -s -E "^[[:space:]]*Bind(ReadOnly)?Paths[[:space:]]*=.*(${clients}|containerd|crio|/run/?([[:space:]:\"']|\$))" $units /dev/null
      for script in $scripts; do printf '%s\n' "${script%%\"*}"; done
      for task in $tasks; do grep -l -s -F "${task%/*}" $units /dev/null; done
    } | sed 's|\.service\.d/.*|.service|;s|.*/||' | awk '!seen[$0]++' | head -n "$max_plans"
  )
  [ -n "$names" ] || return 0
  services=$(
    set +f
    for dir in $dirs; do
      for name in $names; do
        there "$dir/$name" "$dir/$name".d/*.conf
        case $name in
          *@.service) there "$dir"/*.wants/"${name%.service}"*.service "$dir"/*.requires/"${name%.service}"*.service ;;
          *@*.service) there "$dir/${name%%@*}@.service" "$dir/${name%%@*}@.service.d"/*.conf ;;
        esac
      done
      there "$dir"/*-.service.d/*.conf "$dir"/service.d/*.conf
    done
  )
  ship_units systemd "$(printf '%s\n' "$services" | awk 'NF && !seen[$0]++')"
  for script in $(printf '%s\n' $scripts | sed 's/.*"//' | awk 'NF && !seen[$0]++') $tasks; do
    case $script in
      @more) ship systemd 'more scripts of units than are looked through' @unreadable ;;
      *) ship systemd "$script" @script ;; # what stands in it stays here
    esac
  done
}

service_files_of() { # of what is in $dirs, units and drop-ins that can be read to their end; with an argument those that are too large
  set +f
  set -- "${1-}"
  for dir in $dirs; do set -- "$@" "$dir"/*.service "$dir"/*.service.d/*.conf; done
  if [ -z "$1" ]; then
    shift
    sound "$@"
  else
    shift
    find -L "$@" -prune -type f -size +2048 2>/dev/null
  fi
}

closed_service_files() { # those in $dirs that this account may not read, but for what others write at boot for themselves
  set +f
  for dir in $dirs; do
    case $dir in
      /run/*) continue ;;
    esac
    for file in "$dir"/*.service "$dir"/*.service.d/*.conf; do
      if [ -f "$file" ] && [ ! -r "$file" ]; then printf '%s\n' "$file"; fi
    done
  done
  set -f
}

task_names='GNUmakefile makefile Makefile mod.just justfile Justfile JUSTFILE .justfile .Justfile package.json
  Taskfile.yml Taskfile.yaml Taskfile.dist.yml Taskfile.dist.yaml taskfile.yml taskfile.yaml taskfile.dist.yml taskfile.dist.yaml'

tasks_of() { # units: files of tasks beside which they run make or the like, and in which an engine is named
  grep -l -s -E "^[[:space:]]*Exec[A-Za-z]*[[:space:]]*=.*${runners}([[:space:]\"']|\$)" "$@" /dev/null | head -n 100 | while IFS= read -r unit; do
    awk '{
      gsub(/["\047\r]/, "")
      if (match($0, /^[ \t]*WorkingDirectory[ \t]*=[ \t]*-?/) || (/^[ \t]*Exec/ && match($0, /[ \t](-C|-d|--(directory|dir|prefix|cwd|working-directory))[ \t=]*/))) {
        $0 = substr($0, RSTART + RLENGTH)
        if ($1 ~ /^\/[A-Za-z0-9_.\/-]+$/) print $1
      }
    }' "$unit"
  done | while IFS= read -r place; do
    for task in $task_names; do
      if [ -f "$place/$task" ] && names_engine "$place/$task"; then printf '%s\n' "$place/$task"; fi
    done
  done
}

names_engine() ( # a file of tasks: in it, or in those that it includes, and they; so it may be where these are too many, too deep or too large
  parts=$1
  looked=
  for _ in 1 2 3 4 5 6; do
    set --
    set +f
    for part in $parts; do
      set -f
      case " $looked " in
        *" $part "*) continue ;;
      esac
      looked="$looked $part"
      if [ "$part" = @ ] || [ "${#looked}" -gt 30000 ]; then exit 0; fi
      if [ -d "$part" ]; then
        for name in $task_names; do
          if [ -s "$part/$name" ]; then set -- "$@" "$part/$name"; fi
        done
      elif [ -f "$part" ] && [ -s "$part" ]; then
        set -- "$@" "$part"
      fi
    done
    [ "$#" -gt 0 ] || exit 1
    whole=$(sound "$@")
    if [ "$(printf '%s\n' "$whole" | wc -l)" -lt "$#" ] || [ -z "$whole" ]; then exit 0; fi
    if grep -q -s -E "${clients}[[:space:]].*(run|create|play|up|deploy)([[:space:]\"]|\$)" $whole; then exit 0; fi
    parts=$(included_in $whole 2>/dev/null)
  done
  [ -n "$parts" ]
)

included_in() { # files of tasks: the files, folders, patterns that they include; @ where nobody can tell which
  awk -v sq="'" '
    function said(word) {
      if (word ~ /[$`]|\*.*\/.*\*|^[a-z]+:\/\//) print "@"
      else if (word ~ /^[A-Za-z0-9_.\/*-]+$/) {
        word = word ~ /^\// ? word : place "/" word
        while (sub(/\/\.(\/|$)/, "/", word)) { }
        while (match(word, /\/[^\/.][^\/]*\/\.\.(\/|$)/)) word = substr(word, 1, RSTART) substr(word, RSTART + RLENGTH)
        print word
      }
    }
    FNR == 1 {
      name = place = FILENAME
      sub(/.*\//, "", name)
      sub(/\/[^\/]*$/, "", place)
      is_task = name ~ /\.ya?ml$/
      is_just = tolower(name) ~ /just(file)?$/
      if (top == "") top = place
      if (!is_task && !is_just) place = top # make finds all from where it is run
      inside = going = 0
    }
    { sub(/\r$/, "") }
    is_task {
      if (/^["\047]?includes["\047]?[ \t]*:/) { inside = 1; sub(/^[^:]*:/, "") }
      else if (/^[^ \t#]/) inside = 0
      if (!inside) next
      if (/\{\{/) print "@"
      sub(/(^|[ \t])#.*/, "")
      gsub(/["\047{},]/, " ")
      for (i = 1; i <= NF; i++) if ($i !~ /:$/) said($i)
      next
    }
    is_just && /^import\??[ \t]/ { gsub("[\"" sq "]", " "); said($2) }
    is_just && /^mod\??[ \t]/ {
      gsub("[\"" sq "]", " ")
      if (NF > 2 && $3 !~ /^#/) said($3)
      else { said($2 ".just"); said($2) }
    }
    is_just { next }
    going || /^ *[-s]?include[ \t]/ {
      first = going ? 1 : 2
      going = /\\$/
      sub(/\\$/, "")
      for (i = first; i <= NF && $i !~ /^#/; i++) said($i)
    }' "$@" | awk '!seen[$0]++' | head -n 1000
}

scripts_of() { # units: @more where there are more than are looked through, UNIT"WORD"PATH of the scripts that they run, and in which, or in those that these run, an engine is named
  awk -v sq="'" '
    FNR == 1 {
      name = home = FILENAME
      sub(/\.service\.d\/.*/, ".service", name)
      sub(/.*\//, "", name)
      if (!sub(/\/\.(config|local\/share)\/systemd\/user.*/, "", home)) home = "/root"
    }
    { sub(/\r$/, "") }
    /^[ \t]*RootDirectory[ \t]*=/ { sub(/^[^=]*=[ \t]*/, ""); root[name] = /^\/[A-Za-z0-9_.\/-]*$/ ? $0 : "" }
    /^[ \t]*WorkingDirectory[ \t]*=/ { sub(/^[^=]*=[ \t]*-?/, ""); place[name] = /^\/[A-Za-z0-9_.\/-]*$/ ? $0 : "" }
    going || /^[ \t]*Exec[A-Za-z]*[ \t]*=/ {
      first = going ? 1 : 2
      going = /\\$/
      gsub("[\"" sq "=;&|()\\\\]", " ")
      reads = first == 1 && reads
      has_table = first == 1 && has_table
      for (i = first; i <= NF; i++) {
        sub(/^[-@:+!]+\//, "/", $i)
        if ($i ~ /^([A-Za-z0-9_.\/-]*\/)?(supervisord|monit)$/) { has_table = 1; continue }
        if (has_table && $i ~ /^\/etc\/(supervisor\/|monit\/)?(supervisord\.conf|monitrc)$/) continue
        if (has_table && $i ~ /^(-[a-zA-Z]*c|--configuration)$/) { reads = 1; continue }
        if ($i ~ /^([A-Za-z0-9_.\/-]*\/)?(sh|bash|dash|ash|ksh|zsh|source|\.|run-parts)$/) { reads = 1; continue }
        if ($i ~ /^-/) continue
        path = $i
        sub(/^%h\//, home "/", path)
        if (path ~ /^\//) gsub(/\$\$?\{?[A-Za-z_][A-Za-z0-9_]*\}?|%[A-Za-z]/, "*", path) # what only the running unit knows
        if (path ~ /^[A-Za-z0-9_.\/*-]+$/ && path !~ /^\/\*|\*.*\/.*\*/ && path !~ /^\/(usr\/)?(bin|sbin|lib|lib64|libexec)\// && path !~ /^\/(dev|proc|sys|run)\// &&
          (reads || path ~ /\//) && !seen[name " " $i]++) {
          if (n == 300) { more = 1; continue }
          unit[++n] = name
          word[n] = $i
          of[n] = path
          read_by[n] = reads ? "+" : "-"
        }
        reads = 0
      }
    }
    END {
      if (more) print "?"
      for (i = 1; i <= n; i++) {
        at = place[unit[i]]
        sub(/^\.\//, "", of[i])
        if (of[i] ~ /^\//) path = of[i]
        else if (at != "") path = at "/" of[i]
        else continue
        print read_by[i], unit[i], word[i], path, at "/", root[unit[i]] "/"
      }
    }' "$@" /dev/null | while read -r read_by unit word path place root; do
    if [ "$read_by" = '?' ]; then
      printf '@more\n'
    elif names_engine_when_run "$read_by${root%/}$path" "${root%/}" "${place%/}" || { [ "$root" != / ] && names_engine_when_run "$read_by$path" '' "${place%/}"; }; then
      printf '%s"%s"%s\n' "$unit" "$word" "$path"
    fi
  done | awk 'NR <= 100 { print } NR == 101 { print "@more" }'
}

names_engine_when_run() ( # +PATH or -PATH of a script, its root, its place: as names_engine; what begins like no script counts only behind +
  parts=$1
  looked=
  for _ in 1 2 3 4 5 6; do
    set -- "" "$2" "$3"
    for part in $parts; do
      path=${part#?}
      read_by=${part%"$path"}
      if [ -d "$path" ] && [ "$read_by" = + ]; then path="$path/*"; fi
      set +f
      for file in $path; do
        set -f
        if [ ! -f "$file" ] || [ ! -r "$file" ] || [ ! -s "$file" ] || [ "$file" = "$0" ]; then continue; fi # this script asks engines, it starts nothing
        case " $looked " in
          *" $file "*) continue ;;
        esac
        case $(head -c 4 "$file" | tr -d '\0') in
          '#!'*) ;;
          ?ELF) continue ;;
          *) [ "$read_by" = + ] || continue ;;
        esac
        looked="$looked $file"
        if [ "${#looked}" -gt 30000 ] || [ -z "$(sound "$file")" ]; then exit 0; fi
        set -- "$1 $file" "$2" "$3"
      done
      set -f
    done
    [ -n "$1" ] || exit 1
    parts=$(run_by_scripts "$2" "$3" $1)
    case $parts in
      @*) exit 0 ;;
    esac
  done
  [ -n "$parts" ]
)

run_by_scripts() { # root, place, scripts: @ where an engine is named in one, else +PATH or -PATH of what they may run
  root=$1
  place=$2
  shift 2
  awk -v root="$root" -v place="$place" -v clients="$clients" -v starters="$starters" -v addresses="$addresses" -v sq="'" '
    BEGIN {
      verbs = "(run|runp|create|play|up|deploy|apply|install|upgrade)"
      engine = clients "([ \t]|[\"" sq "][ \t]*,)(.*[ \t\"" sq "])?" verbs "([ \t;&|)\"" sq "]|$)"
      starter = "(^|[ \t/\"" sq "])" starters "[ \t](.*[ \t\"" sq "])?" verbs "([ \t]|$)"
      assigned = "(=|:-)[\"" sq "]?(/[a-z/]*/)?" clients "[\"" sq "}]*([ \t;&]|$)"
      used = "[$][{]?[A-Za-z_][A-Za-z0-9_]*[}\"]*[ \t](.*[ \t])?" verbs "([ \t;&|\"]|$)"
      quoted = "[\"" sq "]" clients "[\"" sq "]"
      verb = "[\"" sq "]" verbs "[\"" sq "]"
    }
    function told(kind, path) {
      if (path !~ /^[A-Za-z0-9_.\/*-]+$/ || path ~ /\*.*\/.*\*/) return
      if (path ~ /^\//) path = root path
      if (path !~ /^\/(usr\/)?(bin|sbin|lib|lib64|libexec)\// && path !~ /^\/(dev|proc|sys|run)\// && !seen[kind path]++) print kind path
    }
    function named_later(kind, word) { # a script of which only the running host knows the name
      if (word !~ /^\/[A-Za-z0-9_.\/-]+\/[^\/]*[$][^\/]*$/ || length(word) > 4096) return
      gsub(/[$]\{?[A-Za-z_][A-Za-z0-9_]*\}?/, "*", word)
      told(kind, word)
    }
    function called(kind, word,  name, i) { # a word that may name a script: by variables that are set here, else beside this one
      if (length(word) > 4096) { # longer than any path: what many variables make of it nobody tells
        if (index(word, "$")) found = 1
        return
      }
      while (match(word, /\$\{?[A-Za-z_][A-Za-z0-9_]*\}?/)) {
        name = substr(word, RSTART, RLENGTH)
        gsub(/[${}]/, "", name)
        if (!(name in set_here)) break
        word = substr(word, 1, RSTART - 1) set_here[name] substr(word, RSTART + RLENGTH)
      }
      if (word ~ /\$|`/) {
        if (!sub(/^.*[$`)}][^\/]*\//, "", word)) return
      } else if (word ~ /^\//) { told(kind, word); return }
      else if (word !~ /\// && kind == "-") return
      sub(/^\.\//, "", word)
      told(kind, substr(folder, length(root) + 1) "/" word)
      if (place != "") told(kind, place "/" word)
      for (i = 1; i <= gone; i++) told(kind, went[i] "/" word)
    }
    FNR == 1 {
      folder = FILENAME
      sub(/\/[^\/]*$/, "", folder)
      whole = ""
      is_assigned = is_used = is_quoted = has_verb = gone = 0
      split("", set_here)
    }
    { sub(/\r$/, ""); line = whole $0; whole = "" }
    line ~ /\\$/ && length(line) < 60000 { whole = substr(line, 1, length(line) - 1); next }
    line ~ /^[ \t]*#/ { next }
    line ~ engine || line ~ starter || line ~ addresses { found = 1; exit }
    line ~ assigned { is_assigned = 1 }
    { sentence = line; gsub(/[ \t]be[ \t]+run[ \t]/, " ", sentence) } # "$NAME must be run as root"
    sentence ~ used { is_used = 1 }
    line ~ quoted { is_quoted = 1 }
    line ~ verb { has_verb = 1 }
    (is_assigned && is_used) || (is_quoted && has_verb) { found = 1; exit }
    {
      if (match(line, /^[ \t]*((export|readonly|local)[ \t]+)?[A-Za-z_][A-Za-z0-9_]*=/)) {
        name = substr(line, 1, RLENGTH - 1)
        value = substr(line, RLENGTH + 1)
        sub(/.*[ \t]/, "", name)
        gsub("[\"" sq "]", "", value)
        sub(/[ \t;].*/, "", value)
        if (value ~ /^\/[A-Za-z0-9_.\/-]+$/ && length(value) < 4096) set_here[name] = value
        else delete set_here[name]
      }
      gsub(/\$\([^()]*(\([^()]*\)[^()]*)*\)|`[^`]*`/, "${_}", line)
      gsub("[\"" sq "]", "", line)
      gsub(/[;&|()!]+|(^|[ \t])(then|do|else|if|while|exec|sudo|nohup|time)[ \t]/, " ; ", line)
      count = split(line, words, /[][ \t<>=,]+/)
      reads = 0
      begins = 1
      for (i = 1; i <= count; i++) {
        word = words[i]
        if (word == "" || word ~ /^-/) continue
        if (word == ";") { begins = 1; continue }
        if (begins && word ~ /^[A-Za-z0-9_.-]+$/) {
          told("-", "/usr/local/bin/" word)
          told("-", "/usr/local/sbin/" word)
        }
        is_run = begins || reads
        begins = 0
        if (word ~ /^([A-Za-z0-9_.\/-]*\/)?(sh|bash|dash|ash|ksh|zsh|source|\.|run-parts|in)$/) { reads = 1; continue }
        if (word == "cd" && words[i + 1] ~ /^\/[A-Za-z0-9_.\/-]+$/ && gone < 20) went[++gone] = words[i + 1]
        if (is_run) named_later(reads ? "+" : "-", word)
        called(reads ? "+" : "-", word)
        reads = 0
      }
    }
    END { if (found) print "@" }' "$@" 2>/dev/null | awk '/^@/ { is_named = 1 } { if (n++ < 2000) all = all $0 "\n" } END { if (is_named || n > 2000) print "@"; else printf "%s", all }'
}

ship_units() { # kind, paths: the units, then the files that they name
  [ -n "$2" ] || return 0
  whole=
  for path in $(sound $2); do
    if [ -r "$path" ]; then whole="$whole $path"; fi
  done
  needed=
  if [ -n "$whole" ]; then
    for _ in 1 2; do needed=$(unit_text "$1" "$needed" $whole | variables_of); done # a variable may hold another
  fi
  for path in $2; do
    case $path in
      *.wants/* | *.requires/*) ship "$1" "$path" '' ;; # a link whose name says what is wanted
      *)
        if [ -f "$path" ] && [ -s "$path" ] && can_read "$path"; then
          ship "$1" "$path" "$(unit_text "$1" "$needed" "$path" | upto 65000)"
        elif [ -c "$path" ] || { [ -f "$path" ] && [ ! -s "$path" ]; }; then # masked
          ship "$1" "$path" ''
        elif [ -e "$path" ]; then
          ship "$1" "$path" @unreadable
        fi
        ;;
    esac
  done
  [ -n "$whole" ] || return 0
  for entry in $(named_files "$2" $whole | awk '!seen[$0]++'); do
    named=${entry#*:}\"\"
    more=${named#*\"}
    ship_named "$1" "${entry%%:*}" "${named%%\"*}" "${more%%\"*}" "$(printf %s "${more#*\"}" | tr -d '"')"
  done
}

ship_named() { # kind, use, path, for a project of Compose its directory, the files of variables that may be read for it
  if [ "$2" = 'compose?' ]; then
    [ ! -f "$3" ] || ship_compose "$3" "$1" "${4-}" "${5-}"
  elif [ "$2" = compose ] || [ "$2" = kube ]; then
    ship_compose "$3" "$1" "${4-}" "${5-}"
  elif [ ! -e "$3" ] && [ ! -L "$3" ]; then
    ship "$1" "$3" @missing
  elif [ ! -L "$3" ] && can_read "$3"; then
    ship "$1" "$3" "$(variables_text "$2" "$needed" <"$from" | upto 65000)"
  else
    ship "$1" "$3" @unreadable
  fi
}

variables_of() { # names of variables that a text uses
  awk '{
    while (match($0, /\$\{?[A-Za-z_][A-Za-z0-9_]*/)) {
      name = substr($0, RSTART, RLENGTH)
      gsub(/[${]/, "", name)
      if (!seen[name]++) printf "%s ", name
      $0 = substr($0, RSTART + RLENGTH)
    }
  }'
}

variables_text() { # use, names whose values are needed: lines of a file of variables, other values hidden
  awk -v use="$1" -v needed="$2" '
    BEGIN {
      count = split(needed " PATH LD_LIBRARY_PATH LD_PRELOAD DOCKER_DEFAULT_PLATFORM DOCKER_HOST DOCKER_CONTEXT", list)
      for (i = 1; i <= count; i++) keep[list[i]] = 1
    }
    {
      if (open) { # systemd takes a value over several lines
        print(kept ? $0 : "")
        open = goes_on($0)
        next
      }
      name = $0
      if (!match(name, /^[ \t]*(export[ \t]+)?[A-Za-z_][A-Za-z0-9_]*[ \t]*=/)) {
        print(name ~ /^[ \t]*[A-Za-z_][A-Za-z0-9_]*[ \t]*$/ ? name : "")
        next
      }
      value = substr($0, RLENGTH + 1)
      written = substr($0, 1, RLENGTH)
      name = written
      gsub(/^[ \t]*(export[ \t]+)?|[ \t]*=$/, "", name)
      kept = name in keep
      print(kept ? $0 : written "@hidden")
      quote = ""
      if (use == "systemd") open = goes_on(value)
    }
    function goes_on(text,  i, letter) {
      for (i = 1; i <= length(text); i++) {
        letter = substr(text, i, 1)
        if (letter == "\\" && quote != "\047") { if (i == length(text)) return 1; i++ }
        else if (quote == letter) quote = ""
        else if (quote == "" && (letter == "\"" || letter == "\047")) quote = letter
      }
      return quote != ""
    }'
}

named_files() { # paths among which links are that name instances, units: USE:PATH of each file that they name
  instances=$(printf '%s\n' "$1" | sed -n 's|.*\.[a-z]*/\([^/]*@\)\([^/@][^/@]*\)\.service$|\1 \2|p' | awk '!seen[$0]++' | head -n 50 | tr '\n' ' ')
  shift
  for unit; do
    { # the directory first, wherever it stands
      grep -E '^[[:space:]]*WorkingDirectory[[:space:]]*=' "$unit"
      grep -E '^[[:space:]]*(EnvironmentFile|Yaml|Exec[A-Za-z]*)[[:space:]]*=|--env-file|\.ya?ml|kube play|compose ' "$unit"
    } |
      awk -v dir="${unit%/*}" -v use="${unit##*.}" -v name="${unit##*/}" -v instances="$instances" -v sq="'" '
        function whole(path) {
          gsub("[\"" sq "]", "", path)
          path = path ~ /^\// ? path : place "/" path
          return path ~ /[%*?$:, \t]/ || path == "" ? "" : path
        }
        function said(use, path,  known, pairs, k, one) {
          gsub("[\"" sq "]", "", path)
          sub(/^-/, "", path)
          path = path ~ /^[\/%]/ ? path : place "/" path
          if (path ~ /%i/ && name ~ /@\.service$/) {
            known = split(instances, pairs, " ")
            for (k = 1; k < known; k += 2) if (pairs[k] ".service" == name) { one = path; gsub(/%i/, pairs[k + 1], one); said(use, one) }
            return
          }
          if (path ~ /[%*?$:[ \t]/ || path == "") return
          if (use ~ /^compose/) asked[++projects] = use ":" path
          else print use ":" path
        }
        BEGIN {
          is_unit = use ~ /^(service|conf)$/
          is_table = !is_unit && use !~ /^(container|kube|pod|image|build|volume|network)$/
          place = is_unit || is_table ? "" : dir
        }
        /^[ \t]*WorkingDirectory[ \t]*=/ { sub(/^[^=]*=[ \t]*-?/, ""); sub(/[ \t]*$/, ""); if (/^\//) place = $0; next }
        /^[ \t]*EnvironmentFile[ \t]*=/ {
          sub(/^[^=]*=[ \t]*/, "")
          count = split($0, words, /[ \t]+/)
          for (i = 1; i <= count; i++) said(use == "service" || use == "conf" ? "systemd" : "engine", words[i])
          next
        }
        /^[ \t]*Yaml[ \t]*=/ { sub(/^[^=]*=[ \t]*/, ""); said("kube", $0); next }
        {
          is_kube = is_kube || /kube play|play kube/
          is_compose = is_compose || /compose( |$)/
          if (match($0, /(^|[^A-Za-z0-9_-])cd[ \t]+["\047]?\/[A-Za-z0-9_.\/-]+/)) {
            place = substr($0, RSTART, RLENGTH)
            sub(/^.*cd[ \t]+["\047]?/, "", place)
          } else if (is_table) place = ""
          has_file = 0
          count = split($0, words, /[ \t=;&|]+/)
          for (i = 1; i <= count; i++) {
            if (words[i] == "--env-file" && !is_compose) said("engine", words[i + 1])
            else if (words[i] == "--env-file" && (one = whole(words[i + 1])) != "") env = env "," one
            else if (words[i] ~ /^--(project-directory|workdir)$/ && (one = whole(words[i + 1])) != "") project = one
            if (words[i] ~ /\.ya?ml["\047\\]*$/) {
              if (is_kube) said("kube", words[i])
              else if (is_compose) { said("compose", words[i]); has_file = 1 }
            }
          }
          if (!has_file && /compose.* (up|run|start|create)( |$|["\047;&|])/) started_in[place] = 1
        }
        END {
          for (home in started_in)
            if (home != "" || project != "")
              for (i = split("compose.yaml compose.yml docker-compose.yml docker-compose.yaml", words, " "); i > 0; i--)
                said("compose?", (project != "" ? project : home) "/" words[i])
          if (place != "") env = env "," place "/.env"
          if (project != "") env = env "," project "/.env"
          for (i = 1; i <= projects; i++) {
            own = asked[i]
            sub(/^[^:]*:/, "", own)
            sub(/\/[^\/]*$/, "/.env", own)
            print asked[i] "\"" project "\"" own env
          }
        }'
  done
}

unit_text() { # kind, names of variables whose values are needed, files: their settings that say what is started
  # Each line keeps its number. Of variables, labels and the like only the names leave the host.
  kind_of_unit=$1
  names_needed=$2
  shift 2
  awk -v quadlet="$kind_of_unit" -v supervised="${supervised-}" -v watched="${watched-}" -v needed="$names_needed" -v scripts="${scripts-}" -v tasks="${tasks-}" -v starters="$starters" -v runners="$runners" -v clients="$clients" -v addresses="$addresses" '
    BEGIN {
      table = quadlet == "commands"
      quadlet = quadlet == "quadlet"
      count = split(needed " PATH LD_LIBRARY_PATH LD_PRELOAD DOCKER_DEFAULT_PLATFORM DOCKER_HOST DOCKER_CONTEXT", list)
      for (i = 1; i <= count; i++) keep[list[i]] = 1
      plain = "Image Exec Entrypoint Yaml Arch OS Variant ImageTag EnvironmentFile EnvironmentHost WorkingDir User Group RunInit"
      plain = plain " Volume Tmpfs Mount Secret HealthCmd HealthStartupCmd VolatileTmp ReadOnly Rootfs Pod Network Driver ServiceName"
      plain = plain " WorkingDirectory Type KillMode PassEnvironment UnsetEnvironment RootDirectory RootImage BindPaths BindReadOnlyPaths ConditionArchitecture AssertArchitecture"
      count = split(plain, list)
      for (i = 1; i <= count; i++) as_it_is[list[i]] = 1
      script_count = split(scripts, script)
    }
    FNR == 1 {
      finish()
      engines = goes_on = 0
      key = ""
      is_monit = FILENAME ~ /\/etc\/monit/ || index(watched, " " FILENAME " ")
      is_ini = table && (FILENAME ~ /\/etc\/supervisor/ || index(supervised, " " FILENAME " "))
    }
    { sub(/\r$/, "") }
    table { print tabled($0); next }
    /^[ \t]*[#;]/ { if (going) whole = whole "\n#"; else print ""; next }
    going && quadlet && /^[ \t]*$/ { whole = whole "\n"; next }
    {
      whole = going ? whole "\n" $0 : $0
      going = 1
      if (!continued($0)) finish()
    }
    END { finish() }

    function continued(line,  n) {
      for (n = 0; substr(line, length(line) - n, 1) == "\\" && n < length(line); n++);
      return n % 2
    }
    function finish(  key, value, lines) {
      if (!going) return
      going = 0
      lines = gsub(/\n/, "\n", whole)
      if (whole ~ /^[ \t]*\[/ || whole !~ /=/) {
        print(whole ~ /^[ \t]*\[/ ? whole : blank(lines))
        return
      }
      key = value = whole
      sub(/=.*/, "", key)
      if (key ~ /\n/) { print blank(lines); return }
      value = substr(whole, length(key) + 2)
      gsub(/[ \t]/, "", key)
      if (value ~ /^[ \t]*$/ || (key in as_it_is)) print whole
      else if (length(value) > 16384 && key == "Environment") print "EnvironmentFile=/longer/than/is/sent" blank(lines)
      else if (length(value) > 16384 && value ~ /(docker|podman|nerdctl)/) print key "=docker run --longer-than-is-sent" blank(lines)
      else if (key == "Environment") print key "=" assignments(value)
      else if (key == "PodmanArgs" || key == "GlobalArgs") print key "=" command(value)
      else if (key ~ /^Exec/ && match(value, addresses)) print key "=curl " substr(value, RSTART, RLENGTH) blank(lines)
      else if (key ~ /^Exec/ && value ~ /(docker|podman|nerdctl|finch|balena-engine)/) print key "=" command(value)
      else if (key ~ /^Exec/ && (run = started_by(value)) != "") print key "=" run blank(lines)
      else if (key ~ /^Exec/ && (run = script_in(value)) != "") print key "=" run blank(lines)
      else if (key ~ /^Exec/ && tasks != "" && (run = task_in(value)) != "") print key "=" run blank(lines)
      else if (key !~ /^(Condition|Assert)/) print key "=@hidden" blank(lines)
      else if (value ~ /^[ \t\n\\#]*$/) print whole # it takes back those before it
      else if (value ~ /^[ \t\n\\#]*\|/) print key "=|@hidden" blank(lines)
      else print blank(lines)
    }
    function started_by(value,  name, verb) { # the program and the word by which something else starts a container
      if (!match(value, "(^|[ \t/\"\047.@+!:-])" starters "[ \t]([^;&|]*[ \t])?(run|runp|create|apply|replace|install|upgrade)([ \t\"\047]|$)")) return ""
      name = verb = substr(value, RSTART, RLENGTH)
      sub(/[ \t"\047]$/, "", verb)
      sub(/^.*[ \t]/, "", verb)
      match(name, starters)
      return substr(name, RSTART, RLENGTH) " " verb " @hidden"
    }
    function script_in(value,  i, part, name) { # one that names an engine
      name = FILENAME
      sub(/\.service\.d\/.*/, ".service", name)
      sub(/.*\//, "", name)
      for (i = 1; i <= script_count; i++) {
        split(script[i], part, "\"")
        if (part[1] == name && index(value, part[2])) return part[3]
      }
      return ""
    }
    function task_in(value,  run) { # a runner of tasks, with the directory that it goes to
      if (!match(value, "(^|[ \t/\"\047@:+!-])" runners "([ \t\"\047]|$)")) return ""
      run = substr(value, RSTART, RLENGTH)
      gsub(/[^a-z]/, "", run)
      if (run == "gotask") run = "task"
      gsub(/["\047]/, "", value)
      if (!match(value, /[ \t](-C|-d|--(directory|dir|prefix|cwd|working-directory))[ \t=]*/)) return run
      value = substr(value, RSTART + RLENGTH)
      sub(/[ \t].*/, "", value)
      return value ~ /^\/[A-Za-z0-9_.\/-]+$/ ? run " -C " value : run
    }
    function tabled(line,  name, value, i) { # of a table that is none of systemd: what names an engine, else what says who, where
      if (line ~ /^[ \t]*[#;]/ || match(line, addresses)) return ""
      if (is_ini) return supervised_line(line)
      if (goes_on) { # of anacron: the rest of a line
        goes_on = line ~ /\\$/
        return command(line)
      }
      if (tolower(line) ~ /^[ \t]*((re)?start|stop)?[ \t]*(program|exec(ute)?)?[ \t]*=?[ \t]*$/) return line
      if (match(tolower(line), /^[ \t]*(as[ \t]+uid|include)[ \t]+("[^"]*"|\047[^\047]*\047|[^ \t"\047]+)/)) return substr(line, 1, RLENGTH)
      if (!is_monit && match(line, /^[ \t]*["\047]?[A-Za-z_][A-Za-z0-9_]*["\047]?[ \t]*=/)) {
        name = substr(line, 1, RLENGTH - 1)
        value = substr(line, RLENGTH + 1)
        gsub(/[ \t"\047]/, "", name)
        if (value ~ "^[ \t]*[\"\047]?([^ \t\"\047]*/)?" clients "[\"\047]?[ \t]*$" && engines < 20) engine[++engines] = name
        else return (name in keep) || name ~ /^(SHELL|HOME)$/ ? line : name "=@hidden"
        return line
      }
      for (i = 1; i <= engines; i++) if (match(line, "[$][{]?" engine[i] "([^A-Za-z0-9_]|$)")) return commanded(line, "[$][{]?" engine[i])
      if (names_one(line)) goes_on = FILENAME ~ /\/anacrontab$/ && line ~ /\\$/
      if (names_one(line)) return commanded(line, "docker|podman|nerdctl|finch|balena-engine")
      return match(line, /^[ \t]*\[[A-Za-z0-9_.-]+(:[^]]*)?\]/) ? substr(line, 1, RLENGTH) : ""
    }
    function supervised_line(line,  name, value, depth) { # of supervisord: a line that is indented deeper goes on
      sub(/[ \t][;#].*/, "", line)
      match(line, /^[ \t]*/)
      depth = RLENGTH
      if (line ~ /^[ \t]*$/) return ""
      if (key != "" && depth > indent) {
        if (key == "command") kept = kept || names_one(line)
        return key == "files" || (key == "command" && kept) ? command(line) : ""
      }
      indent = depth
      key = ""
      if (match(line, /^[ \t]*\[[A-Za-z0-9_.-]+(:[^]]*)?\]/)) return substr(line, 1, RLENGTH)
      if (!match(line, /^[ \t]*[A-Za-z_]+[ \t]*[=:][ \t]*/)) return ""
      name = substr(line, 1, RLENGTH)
      value = substr(line, RLENGTH + 1)
      key = tolower(name)
      gsub(/[ \t=:]/, "", key)
      if (key == "environment") return name "@hidden"
      kept = names_one(value)
      if (key == "command") return name (kept || value == "" ? command(value) : "@hidden")
      return key ~ /^(user|directory|files)$/ ? line : ""
    }
    function names_one(text) { # whether a word of it, or the last part of a path, begins as an engine is called
      gsub(/[A-Za-z0-9_.\/-]*\.sock/, " ", text)
      return text ~ /(^|[^A-Za-z0-9_.\/-])([^ \t"\047;&|()=<>]*\/)?(docker|podman|nerdctl|finch|balena-engine)([.-][A-Za-z0-9_.-]*)?([^A-Za-z0-9_.\/-]|$)/
    }
    function commanded(line, sign,  before, at) { # a line: behind a moment and a user the command begins
      match(line, sign)
      before = substr(line, 1, RSTART)
      if (!match(before, /[ \t][A-Za-z_][A-Za-z0-9_]*=/)) return command(line)
      at = RSTART
      return command(substr(line, 1, at)) command(substr(line, at + 1))
    }
    function blank(lines,  made) {
      made = ""
      while (lines-- > 0) made = made "\n"
      return made
    }
    function skipped(text) { # lines within what is hidden stay lines
      return gsub(/\n/, "\n", text) ? "\\" blank(gsub(/\n/, "\n", text)) : ""
    }
    function closing(text, at, opener, outer, nested,  letter, inner, deep, tick) { # where a value ends that begins there
      for (; at <= length(text); at++) {
        letter = substr(text, at, 1)
        if (outer != "" && letter == outer && (deep || tick)) return at
        if (letter == "\\" && (deep || tick)) { at++; continue }
        if (opener !~ /\047/ && inner != "\047" && letter == "`") { tick = !tick; continue }
        if (opener !~ /\047/ && inner != "\047" && substr(text, at, 2) == "$(") { deep++; at++; continue }
        if (deep) { deep += (letter == "(") - (letter == ")"); continue }
        if (tick) continue
        if (opener != "") {
          if (substr(text, at, length(opener)) == opener) {
            if (ended(text, at, opener, outer)) return at
            at += length(opener) - 1 # the word goes on behind its quotes
            opener = ""
          } else if (letter == "\\") at++
        } else if (letter == "\\") {
          if (inner == "" && (substr(text, at + 1, 1) == "\n" || ended(text, at, nested, outer))) return at
          at++
          letter = substr(text, at, 1)
          if (letter == "\"" || letter == "\047") inner = inner == "" ? letter : ""
        } else if (inner != "") {
          if (letter == inner) inner = ""
        } else if (letter == outer || ended(text, at, nested, outer) || letter ~ /[ \t\n]/ || (outer != "" && letter ~ /[;&|)]/)) return at
        else if (letter == "\"" || letter == "\047") inner = letter
      }
      return at
    }
    function ended(text, at, quote, outer,  next_one) { # whether a quote that is open there closes its word
      next_one = substr(text, at + length(quote), 1)
      return quote != "" && substr(text, at, length(quote)) == quote && (next_one == "" || next_one == outer || next_one ~ /[ \t\n;&|)]/)
    }
    function hidden(text, outer) { # what stands for a value; one that starts a container says so
      return (outer != "" && text ~ /\$\(|`/ && text ~ /(docker|podman|nerdctl)/ ? "$(docker run @hidden)" : "@hidden") skipped(text)
    }
    function assignments(text,  at, made, letter, name, opener, end) { # words NAME=VALUE
      made = ""
      for (at = 1; at <= length(text);) {
        letter = substr(text, at, 1)
        if (letter ~ /[ \t\n]/) { made = made letter; at++; continue }
        if (letter == "\\" && substr(text, at + 1, 1) == "\n") { made = made "\\\n"; at += 2; continue }
        if (letter == "#" && substr(text, at - 1, 1) == "\n") { made = made "#"; at++; continue }
        opener = letter ~ /["\047]/ ? letter : ""
        name = substr(text, at + (opener != ""))
        if (!match(name, /^[A-Za-z_][A-Za-z0-9_]*=/)) name = ""
        else name = substr(name, 1, RLENGTH - 1)
        end = closing(text, at + (opener != ""), opener, "")
        if (opener != "" && end <= length(text)) end++
        if (name in keep) made = made substr(text, at, end - at)
        else if (name != "") made = made opener name "=@hidden" skipped(substr(text, at, end - at)) opener
        at = end
      }
      return made
    }
    function command(text,  at, made, letter, outer, nested, at_command, rest, opener, name, end, before) { # a command line with what it sets hidden
      made = outer = nested = ""
      at_command = 1
      for (at = 1; at <= length(text);) {
        letter = substr(text, at, 1)
        rest = substr(text, at)
        before = at == 1 ? " " : substr(text, at - 1, 1)
        opener = name = ""
        if (before ~ /[ \t\n"\047;&|({]/ && match(rest, /^(-[a-zA-Z]*[el]|--env|--label|--annotation|--log-opt|--build-arg|--creds|--password)([ \t\n=]|\\\n)+(\\?["\047])?[A-Za-z_][A-Za-z0-9_.\/-]*[=:]/)) name = substr(rest, 1, RLENGTH)
        else if (before ~ /[ \t\n"\047]/ && match(rest, /^-[a-zA-Z]*e[A-Za-z_][A-Za-z0-9_]*=/)) name = substr(rest, 1, RLENGTH)
        else if (at_command && before ~ /[ \t\n"\047;&|({]/ && match(rest, /^[A-Za-z_][A-Za-z0-9_]*=/)) name = substr(rest, 1, RLENGTH)
        else if (before ~ /[ \t"\047\/;&|]/ && match(rest, /^login[ \t][^;&|"\047\n]*/)) {
          made = made "login @hidden "
          at += RLENGTH
          continue
        }
        if (name != "") {
          at += length(name)
          rest = name
          sub(/^.*([ \t\n=]|\\\n)\\?["\047]/, "", rest) # what is left where a quote stands before the name
          if (rest != name) opener = name ~ /\\["\047][A-Za-z0-9_.\/-]*.$/ ? substr(name, length(name) - length(rest) - 1, 2) : substr(name, length(name) - length(rest), 1)
          rest = name
          sub(/.$/, "", rest)
          sub(/^.*[^A-Za-z0-9_]/, "", rest)
          sub(/^-[a-zA-Z]*e/, "", rest)
          made = made name
          if (rest in keep) {
            if (outer != "") nested = opener != "" ? opener : nested
            else if (length(opener) == 1) outer = opener
            continue
          }
          end = closing(text, at, opener, outer, nested)
          rest = substr(text, at, end - at)
          if (outer != "" && rest ~ /^\\?"?(\$+\(|`).*(docker|podman|nerdctl)/) { at_command = 1; continue } # a command as any other
          made = made hidden(rest, outer)
          at = end
          if (opener != "") {
            if (substr(text, at, length(opener)) == opener) { made = made opener; at += length(opener) }
            else if (index(rest, opener)) made = made opener
          }
          continue
        }
        if (at_command && before ~ /[ \t\n"\047;&|({]/ && letter !~ /[ \t\n"\047\\]/ && rest !~ /^([^ \t]*\/)?(env|export|exec|sudo|local|declare)[ \t]/) at_command = 0
        if (letter == "\\") {
          if (outer == "\"" && substr(text, at + 1, 1) == "\"") nested = nested == "" ? "\\\"" : ""
          made = made substr(text, at, 2)
          at += 2
          continue
        }
        if (letter == outer) outer = nested = ""
        else if (outer != "" && letter ~ /["\047]/) nested = nested == "" ? letter : nested == letter ? "" : nested
        else if (outer == "" && letter ~ /["\047]/) { outer = letter; at_command = 1 }
        else if (letter ~ /[;&|({]/) at_command = 1
        made = made letter
        at++
      }
      return made
    }' "$@" 2>/dev/null
}

main "$@" </dev/null
