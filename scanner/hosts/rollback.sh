#!/bin/sh
# archscan rollback: gives one container of this host, or one Compose service, an image that it had before.
#
# It reads one line from standard input, a verb with its words, and takes no arguments:
#   hello                                             what this host can do
#   begin ID ENGINE KIND NAME IMAGE EXPECTED SECONDS  notes what is to be done; touches nothing
#   do ID find|prepare|switch|undo|finish             does one step, on its own feet: whoever asked may go away
#   resume ID                                         finishes, or undoes, a step that something interrupted
#   status ID                                         how far it is
# ID: 32 hexadecimal digits. ENGINE: docker (podman container clone forgets networks and limits). KIND: container, compose. IMAGE: NAME@sha256:HEX or sha256:HEX.
# EXPECTED: the image ID that the container has now (64 hexadecimal digits). SECONDS: how long it must run to count.
# Nothing of the line is ever evaluated; everything else that is needed is read from the container itself, here.

# shellcheck disable=SC2016 # what looks like a variable in quotes is one of a template of Go
# shellcheck disable=SC2015 # "a && b || c" where c is right whichever of both failed

main() {
  set -u -f
  umask 077
  unset IFS CDPATH ENV DOCKER_API_VERSION DOCKER_CONTEXT DOCKER_TLS_VERIFY DOCKER_CERT_PATH CONTAINER_HOST CONTAINER_CONNECTION
  unset COMPOSE_FILE COMPOSE_PROJECT_NAME COMPOSE_PROFILES COMPOSE_ENV_FILES
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin
  LC_ALL=C
  DOCKER_CLI_HINTS=false
  export PATH LC_ALL DOCKER_CLI_HINTS
  store=/var/lib/archscan-rollback

  engine_patience=120 # seconds for an engine to come back: a restart of dockerd takes some ten
  pull_limit=1800     # seconds for a pull
  health_limit=600    # seconds for a health check to say something else than "starting"
  tab=$(printf '\t')
  carried_keys='Domainname AttachStdin AttachStdout AttachStderr Tty OpenStdin StdinOnce NetworkDisabled MacAddress StopTimeout'

  cd / || exit 1
  line=$(head -c 2048 | head -n 1)
  read -r verb id engine kind name image expected seconds rest <<LINE
$line
LINE
  printf 'archscan-rollback 1\n'
  case $verb in
    hello) hello ;;
    begin) begin ;;
    do) step=$engine && begun && start "$step" ;;
    resume) begun && start resume ;;
    status) begun && status ;;
    *) wrong 'no such verb' ;;
  esac
  printf '@end\n'
}

wrong() { # why
  printf 'wrong %s\n@end\n' "$1"
  exit 0
}

have() {
  command -v "$1" >/dev/null 2>&1
}

# ---------------------------------------------------------------- the grammar

is_hex() { # text, length
  case $1 in '' | *[!0-9a-f]*) return 1 ;; esac
  [ "${#1}" -eq "$2" ]
}

is_name() {
  case $1 in '' | [!A-Za-z0-9]* | *[!A-Za-z0-9_.-]*) return 1 ;; esac
  [ "${#1}" -le 255 ]
}

is_image() {
  is_hex "${1##*sha256:}" 64 || return 1
  case $1 in
    sha256:*) return 0 ;;
    *@sha256:*) ;;
    *) return 1 ;;
  esac
  case ${1%@sha256:*} in '' | [!A-Za-z0-9]* | *[!A-Za-z0-9/:._-]*) return 1 ;; esac
}

is_seconds() {
  case $1 in '' | 0* | *[!0-9]*) return 1 ;; esac
  [ "${#1}" -le 4 ] && [ "$1" -le 3600 ]
}

# ---------------------------------------------------------------- verbs

hello() {
  have docker && printf 'engine docker\n'
  compose_program >/dev/null && printf 'kind compose\n'
  { have curl || have python3; } && printf 'kind container\n'
}

begin() {
  is_hex "$id" 32 || wrong 'the id'
  case $engine/$kind in docker/container | docker/compose) ;; *) wrong 'engine or kind' ;; esac
  is_name "$name" || wrong 'the name'
  is_image "$image" || wrong 'the image'
  is_hex "$expected" 64 || wrong 'the expected image'
  is_seconds "$seconds" || wrong 'the seconds'
  [ -z "$rest" ] || wrong 'too many words'
  have "$engine" || wrong "$engine is not installed here"
  asked="$engine $kind $name $image $expected $seconds"
  dir=$store/$id
  if [ -f "$dir/asked" ]; then
    [ "$(cat "$dir/asked")" = "$asked" ] || wrong 'this id is of something else'
  else
    mkdir -p "$dir" && note asked "$asked" && note state begun || wrong "$store cannot be written"
  fi
  status
}

begun() {
  is_hex "$id" 32 || wrong 'the id'
  dir=$store/$id
  [ -f "$dir/asked" ] || wrong 'nothing was begun under this id'
  read -r engine kind name image expected seconds <"$dir/asked"
}

status() {
  busy=no
  is_working && busy=yes
  printf 'state %s\nbusy %s\nsays %s\n' "$(recall state)" "$busy" "$(recall says | head -c 300)"
}

start() { # step; the work goes on when whoever asked is gone
  case $1 in find | prepare | switch | undo | finish | resume) ;; *) wrong 'no such step' ;; esac
  if is_working; then
    status
    return
  fi
  (
    trap '' HUP INT PIPE TERM
    read -r own _ </proc/self/stat
    note worker "$own $(mark_of "$own")"
    work "$1"
    rm -f "$dir/worker"
  ) </dev/null >>"$dir/log" 2>&1 &
  until [ -f "$dir/worker" ] || ! kill -0 "$!" 2>/dev/null; do sleep 0.1 2>/dev/null || sleep 1; done
  status
}

mark_of() { # process: when it began, on which boot; a number alone may be another's tomorrow
  read -r boot </proc/sys/kernel/random/boot_id
  printf '%s %s' "$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20)" "$boot"
}

is_working() {
  [ -f "$dir/worker" ] || return 1
  mark=$(cat "$dir/worker")
  number=${mark%% *}
  [ "$mark" = "$number $(mark_of "$number")" ]
}

# ---------------------------------------------------------------- the journal

note() { # key, text: whole or not at all
  printf '%s\n' "$2" >"$dir/$1.new" && mv -f "$dir/$1.new" "$dir/$1"
}

recall() {
  [ ! -f "$dir/$1" ] || cat "$dir/$1"
}

reach() { # state, what to say
  note says "$2"
  note state "$1"
}

work() {
  state=$(recall state)
  case $1/$state in
    find/begun | resume/finding) find_image ;;
    prepare/found | resume/preparing) prepare ;;
    switch/prepared) switch ;;
    resume/switching | resume/watching) resume_switch ;;
    undo/begun | undo/found | undo/prepared | undo/up | resume/undoing) undo "$(recall says)" ;;
    finish/up | resume/finishing) finish ;;
    *) echo "step $1 in state $state: nothing to do" ;;
  esac
}

refuse() { # why; nothing was touched
  [ ! -f "$dir/made" ] || remove "$(cat "$dir/made")"
  reach refused "$1"
}

# ---------------------------------------------------------------- the engine

await_engine() { # an engine that is gone for longer leaves the step interrupted, for resume
  waited=0
  until "$engine" version >/dev/null 2>&1; do
    if [ "$waited" -ge "$engine_patience" ]; then
      note says "$engine does not answer"
      exit 1
    fi
    sleep 1
    waited=$((waited + 1))
  done
}

look() { # object, template
  "$engine" inspect --type container --format "$2" "$1" 2>/dev/null
}

is_there() {
  look "$1" '{{.Id}}' >/dev/null
}

image_of() { # container: its image's ID without the algorithm
  found=$(look "$1" '{{.Image}}') && printf '%s' "${found#sha256:}"
}

id_of_image() {
  found=$("$engine" image inspect --format '{{.Id}}' "$1" 2>/dev/null) && printf '%s' "${found#sha256:}"
}

remove() { # container; its volumes stay
  await_engine
  if is_there "$1"; then "$engine" rm --force "$1" || { await_engine && "$engine" rm --force "$1"; }; fi
}

limited() { # seconds, command
  limit=$1
  shift
  if have timeout; then timeout "$limit" "$@"; else "$@"; fi
}

# ---------------------------------------------------------------- find: nothing is touched before the image is here

find_image() {
  reach finding ''
  await_engine
  old=$(look "$name" '{{.Id}}') || { refuse "there is no container $name"; return; }
  [ "$(image_of "$old")" = "$expected" ] || { refuse "$name has another image than the plan was made for"; return; }
  if [ "$kind" = container ] && [ "$(look "$old" '{{.HostConfig.AutoRemove}}')" = true ]; then
    refuse "$name deletes itself when it is stopped (--rm): nothing could be put back"
    return
  fi
  is_of_repository || { refuse "$name is of another repository than $image"; return; }
  if ! id_of_image "$image" >/dev/null; then
    case $image in sha256:*) refuse "the image is no longer on this host, and no registry has it"; return ;; esac
    told=$(limited "$pull_limit" "$engine" pull --quiet "$image" 2>&1) || {
      refuse "the image is not on this host and cannot be pulled: $(printf %s "$told" | tail -n 1)"
      return
    }
  fi
  new_image=$(id_of_image "$image") || { refuse 'the image was pulled, but is not there'; return; }
  [ "$new_image" != "$expected" ] || { refuse "$name has this image already"; return; }
  note old "$old"
  note new_image "$new_image"
  note was "$(look "$old" '{{.State.Status}}')"
  note policy "$(look "$old" '{{.HostConfig.RestartPolicy.Name}}{{with .HostConfig.RestartPolicy.MaximumRetryCount}}:{{.}}{{end}}')"
  if [ "$kind" = compose ]; then find_project || return; fi
  reach found "$image is on this host"
}

is_of_repository() { # nobody's own image gets somebody else's mounts and privileges
  case $image in sha256:*) return 0 ;; esac
  wanted=$(plain_name "$image")
  for one in $(look "$name" '{{.Config.Image}}') $("$engine" image inspect --format '{{range .RepoDigests}}{{.}} {{end}}{{range .RepoTags}}{{.}} {{end}}' "$expected" 2>/dev/null); do
    [ "$(plain_name "$one")" != "$wanted" ] || return 0
  done
  return 1
}

plain_name() { # docker.io/library/nginx:1@sha256:… is nginx
  bare=${1%%@*}
  case ${bare##*/} in *:*) bare=${bare%:*} ;; esac
  bare=${bare#docker.io/}
  printf %s "${bare#library/}"
}

# ---------------------------------------------------------------- prepare: the new one is made beside the old one

prepare() {
  reach preparing ''
  await_engine
  if [ "$kind" = compose ]; then
    prepare_compose && reach prepared 'the override file is written'
    return
  fi
  old=$(recall old)
  beside=archscan-new-$(printf %s "$id" | head -c 12)
  remove "$beside"
  note made "$beside"
  create_like "$old" "$beside" || return
  new=$(look "$beside" '{{.Id}}') || { refuse 'the new container is not there'; return; }
  [ "$(image_of "$new")" = "$(recall new_image)" ] || { refuse 'the new container has another image'; return; }
  note new "$new"
  reach prepared "made $beside beside it"
}

create_like() { # container, name of the new one
  before=$(look "$1" '{{.Image}}')
  answer=$(body "$1" "$before" | api POST "/containers/create?name=$2") || {
    refuse "the engine cannot be asked: curl or python3 is needed"
    return 1
  }
  case $answer in
    *'"Id":"'*) ;;
    *) refuse "the engine makes no such container: $(printf %s "$answer" | head -c 200)"; return 1 ;;
  esac
  connect_like "$1" "$2"
}

# Values that the container has from its old image are left to the new one; whatever somebody chose stays.
body() { # container, image it was made from
  own_name='{{.Config.Hostname}}'
  whole=$(look "$1" '{{.HostConfig.NetworkMode}} {{.Id}} '"$own_name")
  network=${whole%% *}
  whole=${whole#* }
  hostname=Hostname
  case $network in host | container:*) hostname= ;; esac
  case $whole in "${whole##* }"*) hostname= ;; esac # the first digits of its own ID: nobody chose that
  carried=
  for key in $carried_keys $hostname; do carried="$carried$key$tab{{json .Config.$key}}{{println}}"; done
  both=
  for key in User WorkingDir StopSignal Healthcheck Shell Entrypoint Cmd; do both="$both$key$tab{{json .Config.$key}}{{println}}"; done
  both="$both{{range .Config.Env}}Env$tab{{json .}}{{println}}{{end}}"
  both="$both{{range \$key, \$value := .Config.Labels}}Labels$tab{{json \$key}}:{{json \$value}}{{println}}{{end}}"
  both="$both{{range \$key, \$value := .Config.Volumes}}Volumes$tab{{json \$key}}:{}{{println}}{{end}}"
  both="$both{{range \$key, \$value := .Config.ExposedPorts}}ExposedPorts$tab{{json \$key}}:{}{{println}}{{end}}"
  {
    "$engine" image inspect --format "$both" "$2" 2>/dev/null
    printf '@\n'
    look "$1" "$carried$both"
  } | awk -F "$tab" -v image="$image" '
    !past && $0 == "@" { past = 1; next }
    !past { of_image[$0] = 1; next }
    $2 == "" || $2 == "null" || $2 == "<no value>" { next }
    $1 == "Cmd" { cmd = $2; cmd_is_own = !($0 in of_image); next }
    $0 in of_image { next }
    $1 == "Entrypoint" { entrypoint = $2; next }
    $1 == "Env" || $1 == "Labels" || $1 == "Volumes" || $1 == "ExposedPorts" { list[$1] = list[$1] comma[$1] $2; comma[$1] = ","; next }
    { fields = fields ",\"" $1 "\":" $2 }
    END {
      printf "{\"Image\":\"%s\"%s", image, fields
      if (entrypoint != "") printf ",\"Entrypoint\":%s", entrypoint
      if (cmd != "" && (cmd_is_own || entrypoint != "")) printf ",\"Cmd\":%s", cmd
      printf ",\"Env\":[%s],\"Labels\":{%s},\"Volumes\":{%s},\"ExposedPorts\":{%s}", list["Env"], list["Labels"], list["Volumes"], list["ExposedPorts"]
    }'
  host_config "$1"
  if is_network "$network"; then
    printf ',"NetworkingConfig":{"EndpointsConfig":{"%s":%s}}' "$network" "$(endpoint "$1" "$network")"
  fi
  printf '}'
}

# All of it as it is. Volumes without a name of their own go along by the name that the engine gave them: the
# last key counts where one stands twice (Go's encoding/json).
host_config() { # container
  given='{{range .HostConfig.Mounts}}{{json .Target}}{{println}}{{end}}{{range .HostConfig.Binds}}{{json (index (split . ":") 1)}}{{println}}{{end}}'
  volumes='{{range .Mounts}}{{if eq .Type "volume"}}{{json .Destination}}'"$tab"'{{if .RW}}{{json (printf "%s:%s" .Name .Destination)}}{{else}}{{json (printf "%s:%s:ro" .Name .Destination)}}{{end}}{{println}}{{end}}{{end}}'
  binds='{{range .HostConfig.Binds}}{{json .}}{{println}}{{end}}'
  look "$1" "{{json .HostConfig}}{{println}}$given@{{println}}$volumes@{{println}}$binds" | awk -F "$tab" '
    NR == 1 { whole = $0; next }
    $0 == "@" { part++; next }
    !NF { next }
    part == 0 { given[$1] = 1; next }
    part == 1 && !($1 in given) { more = more "," $2 }
    part == 2 { binds = binds "," $0 }
    END {
      if (more != "") whole = substr(whole, 1, length(whole) - 1) ",\"Binds\":[" substr(binds more, 2) "]}"
      printf ",\"HostConfig\":%s", whole
    }'
}

is_network() { # whether it is one that somebody made
  case $1 in '' | default | bridge | host | none | nat | *[!A-Za-z0-9_.-]*) return 1 ;; esac
}

endpoint() { # container, network
  short=$(look "$1" '{{.Id}}' | head -c 12)
  aliases=$(look "$1" "{{with index .NetworkSettings.Networks \"$2\"}}{{range .Aliases}}{{json .}}{{println}}{{end}}{{end}}" |
    awk -v own="\"$short\"" 'NF && $0 != own' | paste -s -d , -)
  rest_of=$(look "$1" "{{with index .NetworkSettings.Networks \"$2\"}}\"IPAMConfig\":{{json .IPAMConfig}},\"Links\":{{json .Links}},\"DriverOpts\":{{json .DriverOpts}},{{end}}")
  printf '{%s"Aliases":[%s]}' "$rest_of" "$aliases"
}

connect_like() { # container, new one: the networks beyond the one it was made with
  first=$(look "$1" '{{.HostConfig.NetworkMode}}')
  for network in $(look "$1" '{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}'); do
    if [ "$network" != "$first" ] && is_network "$network"; then
      answer=$(printf '{"Container":"%s","EndpointConfig":%s}' "$2" "$(endpoint "$1" "$network")" | api POST "/networks/$network/connect")
      case $answer in *'"message"'*) refuse "it cannot join $network: $(printf %s "$answer" | head -c 200)"; return 1 ;; esac
    fi
  done
}

api() { # method, path; the body comes over standard input
  address=${DOCKER_HOST:-unix:///var/run/docker.sock}
  case $address in unix://*) ;; *) return 1 ;; esac
  if have curl; then
    curl --silent --show-error --max-time 60 --unix-socket "${address#unix://}" --request "$1" \
      --header 'Content-Type: application/json' --data-binary @- "http://docker$2" 2>&1
  elif have python3; then
    python3 -c 'import http.client, socket, sys
class Engine(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(sys.argv[1])
engine = Engine("docker")
engine.request(sys.argv[2], sys.argv[3], sys.stdin.buffer.read(), {"Content-Type": "application/json"})
sys.stdout.buffer.write(engine.getresponse().read())' "${address#unix://}" "$1" "$2" 2>&1
  else
    return 1
  fi
}

# ---------------------------------------------------------------- switch: what must not be left halfway

switch() {
  await_engine
  [ "$kind" = container ] && old=$(recall old) || old=$name
  [ "$(image_of "$old")" = "$expected" ] && [ "$(look "$old" '{{.Name}}' | tr -d /)" = "$name" ] ||
    { refuse "$name was changed since the plan was made"; return; }
  reach switching ''
  if [ "$kind" = compose ]; then
    compose_up pinned || { undo 'Compose could not bring it up'; return; }
    watch
    return
  fi
  note touched yes
  new=$(recall new)
  kept=archscan-old-$(printf %s "$id" | head -c 12)
  swap || { undo "the switch failed: $(tail -n 1 "$dir/log" | head -c 200)"; return; }
  watch
}

swap() {
  "$engine" stop "$old" || return 1
  "$engine" update --restart=no "$old" || return 1
  "$engine" rename "$old" "$kept" || return 1
  "$engine" rename "$new" "$name" || return 1
  "$engine" start "$new"
}

resume_switch() {
  await_engine
  if [ "$kind" = compose ]; then
    compose_up pinned || { undo 'interrupted, and Compose could not bring it up'; return; }
    watch
  elif [ "$(look "$(recall new)" '{{.Name}} {{.State.Running}}' | tr -d /)" = "$name true" ]; then
    watch
  else
    undo 'interrupted before the new one ran'
  fi
}

watch() { # up for its time, without a restart, by its health check too
  reach watching ''
  now=$(date +%s)
  enough=$((now + seconds))
  latest=$((enough + health_limit))
  last_start=
  while :; do
    if [ "$kind" = compose ]; then watched=$(service_containers); else watched=$(recall new); fi
    seen=$(fate "$watched")
    case $seen in
      lost)
        "$engine" version >/dev/null 2>&1 && { undo 'the new one is gone'; return; }
        await_engine
        ;;
      bad*) undo "the new one ${seen#bad }"; return ;;
    esac
    now=$(date +%s)
    if [ "${seen#* }" != "$last_start" ] && [ "$seen" != lost ]; then # its engine was restarted: the time begins anew
      last_start=${seen#* }
      enough=$((now + seconds))
    fi
    case $seen in good*) [ "$now" -lt "$enough" ] || break ;; esac
    [ "$now" -lt "$latest" ] || { undo "the new one was not healthy within $health_limit seconds"; return; }
    sleep 1
  done
  reach up "$name has been up for $seconds seconds with $image"
}

fate() { # containers: good, waiting (each with the moments of their starts), bad with why, lost
  [ -n "$1" ] || { echo lost; return; }
  word=good
  starts=
  for one in $1; do
    told=$(look "$one" '{{.State.Running}}/{{.State.Restarting}}/{{.RestartCount}} {{.State.ExitCode}} {{json .State.StartedAt}} {{with .State.Health}}{{.Status}}{{end}}')
    [ -n "$told" ] || { echo lost; return; }
    # shellcheck disable=SC2086 # words that the engine itself chose
    set -- $told
    [ "$1" = true/false/0 ] || { echo "bad ended with exit code $2 (running/restarting/restarts: $1)"; return; }
    case ${4:-} in
      unhealthy) echo 'bad is unhealthy'; return ;;
      starting) word=waiting ;;
    esac
    starts=$starts$3
  done
  printf '%s %s\n' "$word" "$starts"
}

# ---------------------------------------------------------------- undo, finish

undo() { # why
  note why "$1"
  reach undoing "$1"
  await_engine
  was=$(recall was)
  if [ "$kind" = compose ]; then
    if [ -f "$dir/project" ] && [ "$(recall touched)" = yes ]; then
      compose_up back || echo 'Compose could not bring the former one up'
    fi
    rm -f "$dir/override.yml"
    reach undone "as it was: $(recall why)"
    return
  fi
  if [ -f "$dir/new" ]; then remove "$(recall new)"; elif [ -f "$dir/made" ]; then remove "$(recall made)"; fi
  old=$(recall old)
  if [ "$(recall touched)" = yes ] && is_there "$old"; then
    [ "$(look "$old" '{{.Name}}' | tr -d /)" = "$name" ] || "$engine" rename "$old" "$name"
    [ -z "$(recall policy)" ] || "$engine" update --restart="$(recall policy)" "$old"
    case $was in
      running | restarting) "$engine" start "$old" || [ "$was" = restarting ] || note why "$(recall why); the former one does not start any more" ;;
    esac
  fi
  reach undone "as it was: $(recall why)"
}

finish() {
  reach finishing ''
  await_engine
  [ "$kind" = compose ] || remove "$(recall old)"
  reach 'done' "$name runs with $image"
}

# ---------------------------------------------------------------- Compose

compose_program() {
  if docker compose version >/dev/null 2>&1; then
    echo plugin
  elif have docker-compose; then
    echo alone
  else
    return 1
  fi
}

label() { # container, label
  look "$1" "{{with index .Config.Labels \"$2\"}}{{.}}{{end}}"
}

find_project() {
  compose_program >/dev/null || { refuse 'Compose is not installed here'; return 1; }
  for key in project service project.working_dir project.config_files project.environment_file config-hash; do
    note "label.$key" "$(label "$name" "com.docker.compose.$key")"
  done
  is_name "$(recall label.project)" && is_name "$(recall label.service)" || { refuse "$name says nothing of its project"; return 1; }
  note project yes
  told=$(compose plain config --hash "$(recall label.service)" 2>&1) ||
    { refuse "Compose cannot read the project: $(printf %s "$told" | tail -n 1)"; return 1; }
  [ "${told##* }" = "$(recall label.config-hash)" ] || {
    refuse 'the files of the project, or the variables that they were read with, no longer give the container that runs'
    return 1
  }
  tag=$(look "$name" '{{.Config.Image}}')
  if [ "$(id_of_image "$tag")" = "$expected" ]; then note back_to "$tag"; else note back_to "sha256:$expected"; fi
}

prepare_compose() {
  override "$image" >"$dir/override.yml"
  told=$(compose pinned config --quiet 2>&1) ||
    { refuse "Compose does not take the override: $(printf %s "$told" | tail -n 1)"; return 1; }
}

override() { # image
  printf '# Written by archscan rollback %s. Delete it to end the pin, then bring the service up again.\n' "$id"
  printf 'services:\n  %s:\n    image: "%s"\n' "$(recall label.service)" "$1"
}

compose_up() { # pinned, or back to what it was
  note touched yes
  way=$1
  if [ "$way" = back ]; then
    way=plain
    case $(recall back_to) in sha256:*) override "$(recall back_to)" >"$dir/override.yml" && way=pinned ;; esac
  fi
  compose "$way" up --detach --no-deps --no-build --pull never "$(recall label.service)"
}

compose() { # plain or pinned, words
  with=$1
  shift
  count=$#
  set -- "$@" --project-name "$(recall label.project)"
  folder=$(recall label.project.working_dir)
  [ -z "$folder" ] || set -- "$@" --project-directory "$folder"
  IFS=,
  for file in $(recall label.project.environment_file); do set -- "$@" --env-file "$file"; done
  for file in $(recall label.project.config_files); do set -- "$@" --file "$file"; done
  unset IFS
  [ "$with" = plain ] || set -- "$@" --file "$dir/override.yml"
  while [ "$count" -gt 0 ]; do
    first=$1
    shift
    set -- "$@" "$first"
    count=$((count - 1))
  done
  if [ "$(compose_program)" = plugin ]; then docker compose "$@"; else docker-compose "$@"; fi
}

service_containers() {
  docker ps --all --quiet --no-trunc --filter "label=com.docker.compose.project=$(recall label.project)" \
    --filter "label=com.docker.compose.service=$(recall label.service)" --filter label=com.docker.compose.oneoff=False
}

main
