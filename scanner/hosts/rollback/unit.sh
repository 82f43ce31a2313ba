# ---------------------------------------------------------------- systemd: units that start containers

unit_says() { # unit, property
  systemctl show --property="$2" --value "$1" 2>/dev/null
}

# A unit that starts the container by its name or ID (podman generate systemd without --new, or written by hand): it would
# start the former one while the new one takes its place, so the unit stops and starts them.
find_unit_of() { # container
  have systemctl || return 0
  own=$(label "$1" PODMAN_SYSTEMD_UNIT)
  [ -z "$own" ] || { refuse "it is made by the unit $own: bring back the unit"; return 1; }
  set +f
  set -- "$1" /etc/systemd/system/*.service /run/systemd/system/*.service /usr/local/lib/systemd/system/*.service /usr/lib/systemd/system/*.service
  set -f
  makes=$(naming "run" "--name[= ]$name" "$@")
  [ -z "$makes" ] || { refuse "the unit ${makes##*/} makes it anew whenever it starts"; return 1; }
  starts=$(naming "start" "($1|$name)" "$@")
  [ -n "$starts" ] || return 0
  is_unit "${starts##*/}" || { refuse "the unit ${starts##*/} starts it"; return 1; }
  note unit "${starts##*/}"
}

naming() { # verb, extended expression of a word, container, unit files: the first file that runs the verb with the word
  verb=$1 sought=$2
  shift 3
  for file; do
    [ -f "$file" ] || continue
    joined "$file" | grep -E "^ExecStart=.*(podman|docker)( .*)? $verb( .*)? $sought( |\$)" >/dev/null 2>&1 && { printf %s "$file"; return; }
  done
}

joined() { # unit file: its lines, those that go on joined
  awk '{ if (sub(/\\$/, "")) { held = held $0 " "; next } print held $0; held = "" }' "$1"
}

drop_in=99-archscan-rollback.conf

prepare_unit_of() { # container, new one: a unit that knows it by its ID must learn the new one
  file=$(unit_says "$(recall unit)" FragmentPath)
  [ -f "$file" ] || return 0
  joined "$file" | awk -v old="$1" -v new="$2" '
    function swapped(text,   made, at) {
      made = ""
      while (at = index(text, old)) { made = made substr(text, 1, at - 1) new; text = substr(text, at + length(old)) }
      return made text
    }
    index($0, old) && match($0, /^[A-Za-z]+=/) {
      key = substr($0, 1, RLENGTH)
      if (!(key in reset)) { print key; reset[key] = 1 }
      print swapped($0)
    }' >"$dir/unit.lines"
  [ -s "$dir/unit.lines" ] || return 0
  { printf '# Written by archscan rollback %s: the container has a new ID.\n[Service]\n' "$id" && cat "$dir/unit.lines"; } >"$dir/pin.conf"
  note pin_at "/etc/systemd/system/$(recall unit).d/$drop_in"
}

pin_unit_of() {
  [ ! -f "$dir/pin.conf" ] || place_pin
}

unpin_unit_of() {
  [ ! -f "$dir/pin.conf" ] || take_pin_away
}

place_pin() { # what an earlier way back left there is kept, to be put back
  at=$(recall pin_at)
  [ -f "$dir/pin.kept" ] || { [ ! -f "$at" ] || cp "$at" "$dir/pin.former"; note pin.kept yes; }
  mkdir -p "${at%/*}" && cp "$dir/pin.conf" "$at.new" && chmod 644 "$at.new" && mv -f "$at.new" "$at" && systemctl daemon-reload
}

take_pin_away() {
  [ -f "$dir/pin.kept" ] || return 0
  at=$(recall pin_at)
  if [ -f "$dir/pin.former" ]; then cp "$dir/pin.former" "$at.new" && mv -f "$at.new" "$at"; else rm -f "$at" "$at.new"; fi
  rmdir "${at%/*}" 2>/dev/null || :
  systemctl daemon-reload
}

# ---------------------------------------------------------------- a unit that makes its container anew each time

find_unit() {
  have systemctl || { refuse 'systemd is not here'; return 1; }
  [ "$(unit_says "$name" LoadState)" = loaded ] || { refuse "there is no unit $name"; return 1; }
  source=$(unit_says "$name" SourcePath)
  command=$(unit_says "$name" ExecStart)
  made=$(printf %s "$command" | sed -n 's/.*argv\[\]=[^;]* --name[= ]\([A-Za-z0-9][A-Za-z0-9_.-]*\) .*/\1/p' | head -n 1)
  is_name "$made" || { refuse "$name makes no container with a name"; return 1; }
  note container "$made"
  case $source in
    *.container) find_quadlet || return 1 ;;
    '') find_line || return 1 ;;
    *) refuse "$name is made of ${source##*/}, which archscan does not pin"; return 1 ;;
  esac
  present=$(image_of "$made") || present=
  if [ "$expected" = - ]; then
    [ -z "$present" ] || [ "$(look "$made" '{{.State.Running}}')" != true ] ||
      { refuse "$made runs, while the plan was made for a unit that does not"; return 1; }
  elif [ -n "$present" ] && [ "$present" != "$expected" ]; then
    refuse "$made has another image than the plan was made for"
    return 1
  fi
  note was "$(unit_says "$name" ActiveState)"
  bring_image "$(recall word)" "$(look "$made" '{{.Config.Image}}')" || return 1
  [ "$(id_of_image "$(recall word)")" != "$new_image" ] || { refuse "$name starts this image already"; return 1; }
}

find_quadlet() {
  major=$(ask version --format '{{.Client.Version}}' 2>/dev/null)
  case $name/${major%%.*} in # the command that it became is pinned: of a template's for this one, before Podman 5 for want of drop-ins
    *@*.service/* | */[0-4])
      find_line
      return
      ;;
  esac
  note way quadlet
  note word "$(cat "$source" "/etc/containers/systemd/${source##*/}.d/"*.conf 2>/dev/null | sed -n 's/^Image[ 	]*=[ 	]*//p' | tail -n 1)"
  note pin_at "/etc/containers/systemd/${source##*/}.d/$drop_in"
}

find_line() { # the one command of the unit's file, in which the image is one word
  file=$(unit_says "$name" FragmentPath)
  line=$(joined "$file" 2>/dev/null | sed -n 's/^ExecStart=[ 	]*//p')
  [ "$(printf '%s\n' "$line" | awk 'NF' | wc -l | tr -d ' ')" = 1 ] || { refuse "$name does not start one command"; return 1; }
  made=$(recall container)
  word=$(look "$made" '{{range .Config.CreateCommand}}{{println .}}{{end}}' | awk -v line=" $line " 'NF == 1 && index(line, " " $1 " ")' |
    while read -r one; do if [ "$(id_of_image "$one")" = "$(image_of "$made")" ]; then printf '%s\n' "$one"; fi; done | tail -n 1)
  [ -n "$word" ] || word=$(for one in $line; do case $one in -* | /*) ;; *) id_of_image "$one" >/dev/null && printf '%s\n' "$one" ;; esac; done | tail -n 1)
  [ "$(printf '%s\n' "$line" | tr -s '[:blank:]' '\n' | grep -cxF -e "$word")" = 1 ] || { refuse "which word of $name is its image cannot be told"; return 1; }
  note way line
  note word "$word"
  note line "$line"
  note pin_at "/etc/systemd/system/$name.d/$drop_in"
}

prepare_unit() {
  case $(recall way) in
    quadlet) pinned="[Container]
Image=$(engine_s "$image")" ;;
    *) pinned="[Service]
ExecStart=
ExecStart=$(recall line | awk -v word="$(recall word)" -v image="$(engine_s "$image")" '{
        gsub(/\t/, " ")
        at = index(" " $0 " ", " " word " ")
        print substr($0, 1, at - 1) image substr($0, at + length(word))
      }')" ;;
  esac
  printf '# Written by archscan rollback %s. Delete it and run "systemctl daemon-reload" to end the pin.\n%s\n' "$id" "$pinned" >"$dir/pin.conf"
  reach prepared 'the drop-in is written'
}

engine_s() { # image, as Podman takes an ID
  printf %s "${1#sha256:}"
}

unmoved_unit() {
  [ "$expected" != - ] || return 0
  present=$(image_of "$(recall container)") || { is_gone "$(recall container)"; return; }
  [ "$present" = "$expected" ]
}

switch_unit() {
  place_pin || return 1
  case $(unit_says "$name" ExecStart) in
    *"$(engine_s "$image")"*) ;;
    *) echo "the drop-in does not change what $name starts"; return 1 ;;
  esac
  restart_unit
}

restart_unit() { # a pod may end with its last container: what restarts that finds its pod going away, and is started once it is gone
  systemctl reset-failed "$name"
  limited "$unit_limit" systemctl restart "$name" && return
  case $(unit_says "$name" BindsTo) in *-pod.service*) limited "$unit_limit" systemctl start "$name" ;; *) return 1 ;; esac
}

resume_unit() {
  if [ "$(unit_says "$name" ActiveState)" = active ] && [ "$(image_of "$(recall container)")" = "$(recall new_image)" ]; then return 0; fi
  switch_unit
}

fate_unit() {
  told=$(unit_says "$name" ActiveState)/$(unit_says "$name" SubState)/$(unit_says "$name" NRestarts)
  case $told in
    active/running/0 | active/exited/0) ;;
    activating/start*/0 | reloading/*/0) echo 'waiting -'; return ;;
    *) echo "bad unit is $told"; return ;;
  esac
  made=$(recall container)
  [ "$(image_of "$made")" = "$(recall new_image)" ] || { echo 'bad has another image'; return; }
  fate "$made"
}

undo_unit() {
  [ "$(recall touched)" = yes ] || return 0
  take_pin_away
  case $(recall was) in
    active | activating | reloading)
      restart_unit || [ "$(recall was)" = activating ] || note why "$(recall why); the former one does not start any more" ;;
    *)
      systemctl reset-failed "$name"
      limited "$unit_limit" systemctl stop "$name"
      ;;
  esac
}

finish_unit() {
  : # the drop-in is the pin
}
