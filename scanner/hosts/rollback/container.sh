# ---------------------------------------------------------------- a container that somebody ran

find_container() {
  old=$(look "$name" '{{.Id}}') && [ "$(name_of "$old")" = "$name" ] || { refuse "there is no container $name"; return 1; } # no ID that begins so
  [ "$(image_of "$old")" = "$expected" ] || { refuse "$name has another image than the plan was made for"; return 1; }
  if [ "$(look "$old" '{{.HostConfig.AutoRemove}}')" = true ]; then
    refuse "$name deletes itself when it is stopped (--rm): nothing could be put back"
    return 1
  fi
  shared=$(sharing "$old") || { refuse 'the engine does not say what shares its namespaces'; return 1; }
  [ -z "$shared" ] || { refuse "it lends its network or processes to $shared, which would lose them"; return 1; }
  find_unit_of "$old" || return 1
  bring_image "$(look "$old" '{{.Config.Image}}')" || return 1
  note old "$old"
  note was "$(look "$old" '{{.State.Status}}')"
  note policy "$(look "$old" '{{.HostConfig.RestartPolicy.Name}}{{with .HostConfig.RestartPolicy.MaximumRetryCount}}:{{.}}{{end}}')"
}

sharing() { # container: names of those that run in its namespaces
  all=$(ask ps --all --quiet --no-trunc) || return 1
  # shellcheck disable=SC2086 # IDs
  modes=$(ask inspect --type container --format '{{.Id}} {{.Name}} {{.HostConfig.NetworkMode}} {{.HostConfig.PidMode}} {{.HostConfig.IpcMode}}' $all 2>/dev/null)
  case $modes in *"$1"*) ;; *) return 1 ;; esac # itself is among them, or they were not told
  printf '%s\n' "$modes" | awk -v id="container:$1" 'index($0, id) { print $2 }' | tr -d / | head -n 3 | paste -s -d , -
}

prepare_container() {
  old=$(recall old)
  beside=archscan-new-$(printf %s "$id" | head -c 12)
  remove "$beside"
  note made "$beside"
  if [ "$engine" = podman ]; then create_again "$old" "$beside" || return; else create_like "$old" "$beside" || return; fi
  new=$(look "$beside" '{{.Id}}') || { refuse 'the new container is not there'; return; }
  [ "$(image_of "$new")" = "$(recall new_image)" ] || { refuse 'the new container has another image'; return; }
  note new "$new"
  [ ! -f "$dir/unit" ] || prepare_unit_of "$old" "$new"
  reach prepared "made $beside beside it"
}

unmoved_container() {
  old=$(recall old)
  [ "$(image_of "$old")" = "$expected" ] && [ "$(name_of "$old")" = "$name" ]
}

name_of() { # container
  look "$1" '{{.Name}}' | tr -d /
}

switch_container() {
  new=$(recall new)
  kept=archscan-old-$(printf %s "$id" | head -c 12)
  if [ -f "$dir/unit" ]; then
    limited "$unit_limit" systemctl stop "$(recall unit)" || return 1
  fi
  order stop "$old" || return 1
  without_policy "$old" || return 1
  order rename "$old" "$kept" || return 1
  order rename "$new" "$name" || return 1
  start_it "$new"
}

without_policy() { # container; podman learnt this with 5.2, and what came before starts none again that was stopped
  order update --restart=no "$1" || [ "$engine" = podman ]
}

start_it() { # container, by its unit where it has one
  if [ -f "$dir/unit" ]; then
    pin_unit_of && limited "$unit_limit" systemctl start "$(recall unit)"
  else
    order start "$1"
  fi
}

resume_container() {
  [ "$(look "$(recall new)" '{{.Name}} {{.State.Running}}' | tr -d /)" = "$name true" ]
}

fate_container() {
  fate "$(recall new)"
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

undo_container() {
  if [ -f "$dir/unit" ] && [ "$(recall touched)" = yes ]; then
    limited "$unit_limit" systemctl stop "$(recall unit)"
    unpin_unit_of
  fi
  trouble='the new one cannot be deleted'
  if [ -f "$dir/new" ]; then remove "$(recall new)" || return; elif [ -f "$dir/made" ]; then remove "$(recall made)" || return; fi
  [ "$(recall touched)" = yes ] || return 0
  old=$(recall old)
  trouble='the former one is gone'
  ! is_gone "$old" || return
  trouble='the former one does not get its name back'
  [ "$(name_of "$old")" = "$name" ] || order rename "$old" "$name" || return
  [ -z "$(recall policy)" ] || order update --restart="$(recall policy)" "$old" || [ "$engine" = podman ] || return
  trouble='the former one does not start any more'
  case $(recall was) in
    running) start_old "$old" ;;
    restarting) start_old "$old" || answers ;;
  esac
}

start_old() { # container
  if [ -f "$dir/unit" ]; then limited "$unit_limit" systemctl start "$(recall unit)"; else order start "$1"; fi
}

finish_container() {
  remove "$(recall old)"
}
