# ---------------------------------------------------------------- a service of Docker Swarm, on one of its managers

spec() { # template below the service's own specification
  ask service inspect --format "$1" "$name" 2>/dev/null
}

image_of_service() {
  spec '{{.Spec.TaskTemplate.ContainerSpec.Image}}'
}

wanted_of_service() { # what somebody wants of it; its version counts, too, how far an update has come
  spec '{{json .Spec}}' | cksum | tr ' ' -
}

find_swarm() {
  now=$(image_of_service) || { refuse "$name is no service here, or this host is no manager of the swarm"; return 1; }
  bring_image "$now" || return 1
  note back_to "$now"
  note version "$(wanted_of_service)"
}

prepare_swarm() {
  reach prepared 'the image is there'
}

unmoved_swarm() {
  [ "$(wanted_of_service)" = "$(recall version)" ]
}

switch_swarm() {
  update_service "$image"
}

update_service() { # image
  order service update --detach --no-resolve-image --image "$1" "$name"
}

resume_swarm() {
  [ "$(image_of_service)" = "$image" ] || update_service "$image"
}

fate_swarm() {
  now=$(image_of_service) || { echo lost; return; }
  [ "$now" = "$image" ] || { echo 'bad was put back by the swarm, or changed'; return; }
  case $(spec '{{with .UpdateStatus}}{{.State}}{{end}}') in
    updating) echo 'waiting -'; return ;;
    paused | rollback*) echo 'bad did not start: the swarm gave the update up'; return ;;
  esac
  tasks=$(ask service ps --no-trunc --filter desired-state=running --format '{{.ID}} {{.CurrentState}}' "$name") || { echo lost; return; }
  wanted=$(spec '{{with .Spec.Mode.Replicated}}{{.Replicas}}{{end}}')
  printf '%s\n' "$tasks" | awk -v wanted="$wanted" '
    !NF { next }
    { ids = ids $1; all++ }
    $2 == "Running" { up++ }
    END { print ((up && up == all && (wanted == "" || up == wanted)) ? "good" : "waiting"), ids "-" }'
}

undo_swarm() {
  [ "$(recall touched)" = yes ] || return 0
  trouble='the swarm could not be told the former image'
  [ "$(image_of_service)" = "$(recall back_to)" ] || update_service "$(recall back_to)"
}

finish_swarm() {
  :
}
