# ---------------------------------------------------------------- the engine

answers() {
  if [ "$kind" = kubernetes ]; then kube version >/dev/null 2>&1; else question "$engine" version >/dev/null 2>&1; fi
}

question() { # command; one that takes too long is killed: a client that is told to end may say of it what it likes, also that all is well
  if have timeout; then timeout -s KILL "$question_limit" "$@"; else "$@"; fi
}

ask() { # words of a question; what was not answered in time is remembered: before anything is touched it is no ground to go on
  question "$engine" "$@"
  ended=$?
  [ "$ended" != 137 ] || note hung yes
  return "$ended"
}

order() { # words of what it is to do
  limited "$act_limit" "$engine" "$@"
}

await_engine() { # an engine that is gone for longer leaves the step interrupted, for resume
  waits_since=$(up_for)
  until answers; do
    if [ $(($(up_for) - waits_since)) -ge "$engine_patience" ]; then
      [ "$(recall state)" != finding ] || { reach refused "$engine does not answer" && exit 1; }
      interrupted
    fi
    sleep 1
  done
}

up_for() { # seconds of this machine, which nobody sets
  cut -d . -f 1 /proc/uptime
}

interrupted() {
  note says "$engine does not answer"
  exit 1
}

look() { # object, template
  ask inspect --type container --format "$2" "$1" 2>/dev/null
}

is_there() {
  look "$1" '{{.Id}}' >/dev/null
}

is_gone() { # container; an engine that is away says of none that it is there
  is_unknown "$1" && answers && is_unknown "$1"
}

is_unknown() { # container: whether the engine says that it has none, by the codes of Docker and Podman; one that took too long says nothing
  is_there "$1"
  case $? in 1 | 125) return 0 ;; *) return 1 ;; esac
}

image_of() { # container: its image's ID without the algorithm
  found=$(look "$1" '{{.Image}}') && printf '%s' "${found#sha256:}"
}

label() { # container, label
  look "$1" "{{with index .Config.Labels \"$2\"}}{{.}}{{end}}"
}

id_of_image() {
  found=$(ask image inspect --format '{{.Id}}' "$1" 2>/dev/null) && printf '%s' "${found#sha256:}"
}

remove() { # container; its volumes stay
  tried=0
  until await_engine && { is_gone "$1" || order rm --force "$1"; }; do
    tried=$((tried + 1))
    [ "$tried" -lt "$tries" ] || return 1
  done
}

limited() { # seconds, command
  limit=$1
  shift
  if have timeout; then timeout "$limit" "$@"; else "$@"; fi
}
