#!/bin/sh
# archscan rollback: gives one container of this host, or one Compose service, an image that it had before.
#
# It reads one line from standard input, a verb with its words, and takes no arguments:
#   hello                                             what this host can do
#   begin ID ENGINE KIND NAME IMAGE EXPECTED SECONDS  notes what is to be done; touches nothing
#   do ID find|prepare|switch|undo|finish             does one step, on its own feet: whoever asked may go away
#   resume ID                                         finishes, or undoes, a step that something interrupted
#   status ID                                         how far it is
# ID: 32 hexadecimal digits. IMAGE: NAME@sha256:HEX or sha256:HEX. SECONDS: how long it must run to count.
# EXPECTED: the image ID that is there now (64 hexadecimal digits); for a unit that keeps no container, -.
#   ENGINE  KIND        NAME
#   docker  container   the container
#   docker  compose     a container of the service
#   docker  swarm       the service
#   podman  container   the container
#   podman  unit        the unit that runs it: a quadlet's, or one of podman generate systemd --new
#   cri     kubernetes  NAMESPACE/POD/CONTAINER of a Deployment, StatefulSet or DaemonSet
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
  question_limit=60   # seconds for an engine to answer what changes nothing: one that hangs is as one that is away
  act_limit=1800      # seconds for what changes something: a container may take its time to stop
  pull_limit=1800     # seconds for a pull
  health_limit=600    # seconds for a health check to say something else than "starting"
  unit_limit=300      # seconds for a unit to start or stop
  tries=3             # of what an engine that went away in the midst of it did not do
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

is_unit() {
  case $1 in [!A-Za-z0-9]* | *[!A-Za-z0-9_.@:-]*) return 1 ;; *.service) ;; *) return 1 ;; esac
  [ "${#1}" -le 255 ]
}

is_pod_s() { # NAMESPACE/POD/CONTAINER
  case $1 in *[!a-z0-9./-]* | [!a-z0-9]* | */[!a-z0-9]* | */ | */*/*/*) return 1 ;; */*/*) ;; *) return 1 ;; esac
  [ "${#1}" -le 400 ]
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
  for program in docker podman; do have "$program" && printf 'engine %s\n' "$program"; done
  compose_program >/dev/null && printf 'kind compose\n'
  { have curl || have python3 || have podman; } && printf 'kind container\n'
  have podman && have systemctl && printf 'kind unit\n'
  kubectl_program >/dev/null && printf 'kind kubernetes\n'
  return 0
}

begin() {
  is_hex "$id" 32 || wrong 'the id'
  case $engine/$kind in
    docker/container | docker/compose | docker/swarm | podman/container) is_name "$name" || wrong 'the name' ;;
    podman/unit) is_unit "$name" || wrong 'the name' ;;
    cri/kubernetes) is_pod_s "$name" || wrong 'the name' ;;
    *) wrong 'engine or kind' ;;
  esac
  is_image "$image" || wrong 'the image'
  is_hex "$expected" 64 || [ "$kind/$expected" = unit/- ] || wrong 'the expected image'
  is_seconds "$seconds" || wrong 'the seconds'
  [ -z "$rest" ] || wrong 'too many words'
  [ "$kind" = kubernetes ] || have "$engine" || wrong "$engine is not installed here"
  asked="$engine $kind $name $image $expected $seconds"
  dir=$store/$id
  is_own "$store" && is_own "$dir" || wrong "$store belongs to somebody else than root"
  if [ -f "$dir/asked" ]; then
    [ "$(cat "$dir/asked")" = "$asked" ] || wrong 'this id is of something else'
  else
    mkdir -p "$dir" && note state begun && note asked "$asked" || wrong "$store cannot be written"
  fi
  status
}

begun() {
  is_hex "$id" 32 || wrong 'the id'
  dir=$store/$id
  is_own "$store" && is_own "$dir" || wrong "$store belongs to somebody else than root"
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
    take_turn "$own" "$own $(mark_of "$own")" || exit 0
    work "$1"
    : >"$dir/turn.$turn"
  ) </dev/null >>"$dir/log" 2>&1 &
  until is_own_work "$!" || ! kill -0 "$!" 2>/dev/null; do sleep 0.1 2>/dev/null || sleep 1; done
  status
}

take_turn() { # process, its mark; a question that was cut off may arrive beside the one that repeats it: one of them works
  ! is_working || return 1
  printf '%s\n' "$2" >"$dir/new.$1"
  ln "$dir/new.$1" "$dir/turn.$turn" 2>/dev/null # refused where it is there already
  taken=$?
  rm -f "$dir/new.$1"
  return "$taken"
}

mark_of() { # process: when it began, on which boot; a number alone may be another's tomorrow; what has ended (Z) has none
  read -r boot </proc/sys/kernel/random/boot_id
  printf '%s %s' "$(sed -n 's/.*) //; /^[ZX]/!p' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20)" "$boot"
}

is_working() { # whoever took the last turn; the next one is then in turn
  turn=1
  while [ -e "$dir/turn.$turn" ]; do turn=$((turn + 1)); done
  [ "$turn" -gt 1 ] && is_alive "$(cat "$dir/turn.$((turn - 1))")"
}

is_own_work() { # process
  is_working
  case $(cat "$dir/turn.$((turn - 1))" 2>/dev/null) in "$1 "*) return 0 ;; *) return 1 ;; esac
}

is_alive() { # number and mark of a process
  [ "$1" = "${1%% *} $(mark_of "${1%% *}")" ]
}

# ---------------------------------------------------------------- the journal

# shellcheck disable=SC3067 # every sh that hosts have knows -O
is_own() { # whoever owns a folder of it could write what root then does
  { [ ! -e "$1" ] && [ ! -L "$1" ]; } || [ -O "$1" ]
}

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

refuse() { # why; nothing was touched; what an engine that went away did not answer is no reason
  answers || interrupted
  [ ! -f "$dir/made" ] || remove "$(cat "$dir/made")"
  reach refused "$1"
  return 1
}

# ---------------------------------------------------------------- the steps; what a kind does in each is in a function of its name

# Nothing is touched before the image is here.
find_image() {
  reach finding ''
  await_engine
  rm -f "$dir/hung" # all is asked anew
  "find_$kind" || return
  reach found "$image is on this host"
}

bring_image() { # names that the present one goes by
  is_of_repository "$@" || { refuse "$name is of another repository than $image"; return 1; }
  if ! id_of_image "$image" >/dev/null; then
    case $image in sha256:*) refuse "the image is no longer on this host, and no registry has it"; return 1 ;; esac
    told=$(limited "$pull_limit" "$engine" pull --quiet "$image" 2>&1) || {
      refuse "the image is not on this host and cannot be pulled: $(printf %s "$told" | tail -n 1)"
      return 1
    }
  fi
  new_image=$(id_of_image "$image") || { refuse 'the image was pulled, but is not there'; return 1; }
  [ "$new_image" != "$expected" ] || { refuse "$name has this image already"; return 1; }
  note new_image "$new_image"
}

is_of_repository() { # names; nobody's own image gets somebody else's mounts and privileges
  case $image in sha256:*) return 0 ;; esac
  wanted=$(plain_name "$image")
  for one in "$@" $(names_of_image "$expected"); do
    [ "$(plain_name "$one")" != "$wanted" ] || return 0
  done
  return 1
}

names_of_image() {
  ask image inspect --format '{{range .RepoDigests}}{{.}} {{end}}{{range .RepoTags}}{{.}} {{end}}' "$1" 2>/dev/null
}

plain_name() { # docker.io/library/nginx:1@sha256:… is nginx
  bare=${1%%@*}
  case ${bare##*/} in *:*) bare=${bare%:*} ;; esac
  bare=${bare#docker.io/}
  printf %s "${bare#library/}"
}

prepare() { # the new one is made beside the old one
  reach preparing ''
  await_engine
  "prepare_$kind"
}

switch() { # what must not be left halfway
  await_engine
  unmoved=yes
  "unmoved_$kind" || unmoved=no
  [ ! -f "$dir/hung" ] || { refuse "$engine did not answer a question within $question_limit seconds"; return; }
  [ "$unmoved" = yes ] || { refuse "$name was changed since the plan was made"; return; }
  note touched yes # first: what is killed in between must be put back, too
  reach switching ''
  "switch_$kind" || { undo "the switch failed: $(tail -n 1 "$dir/log" | head -c 200)"; return; }
  watch
}

resume_switch() {
  await_engine
  "resume_$kind" || { undo 'interrupted, and the new one could not be brought up'; return; }
  watch
}

watch() { # up for its time, without a restart, by its health check too
  reach watching ''
  now=$(date +%s)
  enough=$((now + seconds))
  latest=$((enough + health_limit))
  last_start=
  while :; do
    seen=$("fate_$kind")
    if [ "$seen" = lost ]; then # an engine that is away shows nothing
      await_engine
      rm -f "$dir/hung"
      seen=$("fate_$kind")
    fi
    case $seen in
      lost)
        [ ! -f "$dir/hung" ] || { undo "the new one cannot be seen: $engine does not answer"; return; }
        undo 'the new one is gone'
        return
        ;;
      bad*) undo "the new one ${seen#bad }"; return ;;
    esac
    now=$(date +%s)
    if [ "${seen#* }" != "$last_start" ]; then # its engine was restarted: the time begins anew
      last_start=${seen#* }
      enough=$((now + seconds))
    fi
    case $seen in good*) [ "$now" -lt "$enough" ] || break ;; esac
    [ "$now" -lt "$latest" ] || { undo "the new one was not healthy within $health_limit seconds"; return; }
    sleep 1
  done
  reach up "$name has been up for $seconds seconds with $image"
}

undo() { # why
  note why "$1"
  reach undoing "$1"
  undone=0
  until await_engine && trouble= && "undo_$kind"; do
    undone=$((undone + 1))
    [ "$undone" -lt "$tries" ] || { note why "$(recall why); $trouble"; break; }
  done
  reach undone "as it was: $(recall why)"
}

finish() {
  reach finishing ''
  await_engine
  left=
  "finish_$kind" || left='; its former container could not be deleted'
  reach 'done' "$name runs with $image$left"
}
