# ---------------------------------------------------------------- a service of Compose

compose_program() {
  if question docker compose version >/dev/null 2>&1; then
    echo plugin
  elif have docker-compose; then
    echo alone
  else
    return 1
  fi
}

find_compose() {
  old=$(look "$name" '{{.Id}}') && [ "$(name_of "$old")" = "$name" ] || { refuse "there is no container $name"; return 1; } # no ID that begins so
  [ "$(image_of "$old")" = "$expected" ] || { refuse "$name has another image than the plan was made for"; return 1; }
  bring_image "$(look "$old" '{{.Config.Image}}')" || return 1
  note old "$old"
  find_project
}

find_project() {
  compose_program >/dev/null || { refuse 'Compose is not installed here'; return 1; }
  for key in project service project.working_dir project.config_files project.environment_file config-hash; do
    note "label.$key" "$(label "$name" "com.docker.compose.$key")"
  done
  is_name "$(recall label.project)" && is_name "$(recall label.service)" || { refuse "$name says nothing of its project"; return 1; }
  note project yes
  all=$(service_containers) && [ -n "$all" ] || { refuse 'the engine does not say how many containers the service has'; return 1; }
  note scale "$(printf '%s\n' "$all" | wc -l | tr -d ' ')" # what "up --scale" made: no file tells
  for one in $all; do
    shared=$(sharing "$one") || { refuse 'the engine does not say what shares its namespaces'; return 1; }
    [ -z "$shared" ] || { refuse "it lends its network or processes to $shared, which would lose them"; return 1; }
  done
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
  reach prepared 'the override file is written'
}

unmoved_compose() {
  [ "$(image_of "$name")" = "$expected" ]
}

switch_compose() {
  compose_up pinned
}

resume_compose() {
  compose_up pinned
}

fate_compose() {
  fate "$(service_containers)"
}

undo_compose() {
  trouble='Compose could not bring the former one up'
  way=plain
  if [ -f "$dir/project" ] && [ "$(recall touched)" = yes ]; then compose_up back || return; fi
  [ "$way" = pinned ] || rm -f "$dir/override.yml" # where the tag means another image by now it is the pin
}

finish_compose() {
  : # the override file is the pin
}

override() { # image
  printf '# Written by archscan rollback %s. Delete it to end the pin, then bring the service up again.\n' "$id"
  printf 'services:\n  %s:\n    image: "%s"\n' "$(recall label.service)" "$1"
}

compose_up() { # pinned, or back to what it was
  way=$1
  if [ "$way" = back ]; then
    way=plain
    case $(recall back_to) in sha256:*) override "$(recall back_to)" >"$dir/override.yml" && way=pinned ;; esac
  fi
  compose "$way" up --detach --no-deps --no-build --pull never --scale "$(recall label.service)=$(recall scale)" \
    "$(recall label.service)"
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
  if [ "$(compose_program)" = plugin ]; then order compose "$@"; else limited "$act_limit" docker-compose "$@"; fi
}

service_containers() {
  ask ps --all --quiet --no-trunc --filter "label=com.docker.compose.project=$(recall label.project)" \
    --filter "label=com.docker.compose.service=$(recall label.service)" --filter label=com.docker.compose.oneoff=False
}
