# ---------------------------------------------------------------- Podman: the new one by the command that made the old one

# Podman keeps the command (Config.CreateCommand), but not what it was typed in: folder, environment, files. So
# variables and nameless volumes come from the inspection, and the new one is held against the old one before anything is
# touched: where they differ, it is refused.
create_again() { # container, name of the new one
  before=$(look "$1" '{{.Image}}')
  case $image in sha256:*) wanted=${image#sha256:} ;; *) wanted=$image ;; esac
  {
    printf 's\0'
    options_of run w
    options_of create k
    ask image inspect --format '{{"\x00"}}{{range .Config.Env}}i{{.}}{{"\x00"}}{{end}}' "$before"
    look "$1" '{{"\x00"}}{{range .Config.Env}}e{{.}}{{"\x00"}}{{end}}h{{.Config.Hostname}}{{"\x00"}}'
    look "$1" '{{"\x00"}}{{range .Mounts}}{{if eq .Type "volume"}}v{{.Name}}:{{.Destination}}{{if not .RW}}:ro{{end}}{{"\x00"}}{{end}}{{end}}'
    look "$1" '{{"\x00"}}{{range .Config.CreateCommand}}c{{.}}{{"\x00"}}{{end}}'
    printf '\0z\0'
  } | limited 120 xargs -0 -x -n 100000 sh -c "$replay" sh "$engine" "$2" "$wanted" >"$dir/made.answer" 2>&1 || {
    refuse "it cannot be made anew: $(tail -n 1 "$dir/made.answer" | head -c 200)"
    return 1
  }
  for network in $(networks_of "$1"); do
    case " $(networks_of "$2" | paste -s -d ' ' -) " in
      *" $network "*) ;;
      *) order network connect "$network" "$2" || { refuse "it cannot join $network"; return 1; } ;;
    esac
  done
  other=$(unlike "$1" "$2")
  [ -z "$other" ] || { refuse "made anew it would differ from the old one: $other"; return 1; }
}

# Which options there are, and which of them take a value, is what this Podman's own help says.
options_of() { # run or create, mark of those that take a value; the others get b
  ask "$1" --help 2>/dev/null | awk -v with="$2" -v marked="$1" '
    !/^ +(-[A-Za-z0-9], )?--[a-z]/ { next }
    {
      short = ""
      if ($1 ~ /^-[A-Za-z0-9],$/) { short = substr($1, 1, 2); long = $2; sub(/^ +-., /, "") } else { long = $1; sub(/^ +/, "") }
      takes = match($0, /^--[a-z0-9-]+ [^ ]/) && $0 !~ /^--[a-z0-9-]+ [^ ]*\[=/
      mark = marked == "create" ? with : (takes ? with : "b")
      print mark long
      if (short != "") print mark short
    }' | tr '\n' '\0'
}

# Runs in a shell of its own, which gets everything as words: nothing is ever evaluated.
replay='
set -f
engine=$1 name=$2 image=$3
shift 3
die() {
  printf "%s\n" "$1"
  exit 1
}
has() {
  sought=$1
  shift
  for each; do [ "$each" != "$sought" ] || return 0; done
  return 1
}
whole=
hostname=
values=""
switches=""
kept=""
for one; do
  case $one in
    s) whole=$whole. ;;
    z) [ "$whole" = . ] && whole=yes ;;
    h*) hostname=${one#h} ;;
    w-*) values="$values ${one#w} " ;;
    b-*) switches="$switches ${one#b} " ;;
    k-*) kept="$kept ${one#k} " ;;
  esac
done
[ "$whole" = yes ] || die "its command is too long"
takes() { case " $values --net " in *" $1 "*) return 0 ;; esac; return 1; }
is_switch() { case " $switches " in *" $1 "*) return 0 ;; esac; return 1; }
kept="$kept --net "
set -- "$@" o--pull=never "o--name=$name"
for one in "$@"; do
  case $one in
    e*)
      case $one in
        eHOSTNAME="$hostname" | econtainer=podman) continue ;;
      esac
      has "i${one#e}" "$@" || set -- "$@" "o--env=${one#e}"
      ;;
    v*)
      volume=${one%%:*}
      volume=${volume#v}
      case $volume in *[!0-9a-f]*) continue ;; esac
      [ "${#volume}" -eq 64 ] && set -- "$@" "o--volume=${one#v}"
      ;;
  esac
done
part=program
option=""
found=no
keep() { # whether an option goes along
  case $1 in
    --name | --replace | --cidfile | --pull | --env | -e | --env-file | --env-host | --env-merge | --rm | --authfile | \
      --tls-verify | --creds | --quiet | -q | --arch | --os | --variant | --platform) return 1 ;;
    --volume | -v) case $2 in *:*) return 0 ;; *) return 1 ;; esac ;;
    --rootfs) die "it has no image but a folder (--rootfs)" ;;
  esac
  case $kept in *" $1 "*) return 0 ;; esac
  return 1
}
for one in "$@"; do
  case $one in c*) word=${one#c} ;; *) continue ;; esac
  case $part in
    program)
      case $word in
        run | create) part=options ;;
        play | kube | pod | compose) die "it was made by podman $word" ;;
      esac
      continue
      ;;
    value)
      part=options
      if keep "$option" "$word"; then
        case $option in
          --*) set -- "$@" "o$option=$word" ;;
          *) set -- "$@" "o$option" "o$word" ;;
        esac
      fi
      continue
      ;;
    options)
      case $word in
        --) part=image && continue ;;
        --*=*)
          option=${word%%=*}
          takes "$option" || is_switch "$option" || die "its command has an option that podman run --help does not show: $option"
          keep "$option" "${word#*=}" && set -- "$@" "o$word"
          continue
          ;;
        --*)
          if takes "$word"; then
            option=$word part=value
          elif is_switch "$word"; then
            keep "$word" "" && set -- "$@" "o$word"
          else
            die "its command has an option that podman run --help does not show: $word"
          fi
          continue
          ;;
        -?*)
          cluster=${word#-}
          while [ -n "$cluster" ]; do
            option=-${cluster%"${cluster#?}"}
            cluster=${cluster#?}
            if takes "$option"; then
              if [ -z "$cluster" ]; then
                part=value
              else
                keep "$option" "${cluster#=}" && set -- "$@" "o$option" "o${cluster#=}"
              fi
              break
            fi
            is_switch "$option" || die "its command has an option that podman run --help does not show: $option"
            keep "$option" "" && set -- "$@" "o$option"
          done
          continue
          ;;
      esac
      ;;
  esac
  if [ "$found" = no ]; then
    found=yes part=command
    set -- "$@" "o$image"
  else
    set -- "$@" "o$word"
  fi
done
[ "$found" = yes ] || die "its engine did not keep the command that made it"
for one in "$@"; do
  shift
  case $one in o*) set -- "$@" "${one#o}" ;; esac
done
exec "$engine" create "$@"
'

networks_of() { # container
  look "$1" '{{range $name, $_ := .NetworkSettings.Networks}}{{$name}}{{println}}{{end}}' | awk NF | sort
}

unlike() { # container, new one: the first thing that somebody chose for the one, but the other has not
  settings='{{.Config.Domainname}} {{.Config.Tty}} {{.Config.OpenStdin}} {{.Config.StopTimeout}} {{.Config.Timeout}} {{.Config.Umask}}'
  [ "$(look "$1" "$settings")" = "$(look "$2" "$settings")" ] || { printf 'its terminal, time-outs, umask or domain'; return; }
  [ "$(networks_of "$1")" = "$(networks_of "$2")" ] || { printf 'its networks'; return; }
  mounts='{{range .Mounts}}{{.Type}} {{json .Source}} {{json .Destination}} {{.RW}}{{println}}{{end}}'
  missing=$({ look "$2" "$mounts" && printf '@\n' && look "$1" "$mounts"; } | awk '$0 == "@" { past = 1; next } !past { there[$0] = 1; next } NF && !($0 in there) { print $1, $3; exit }')
  [ -z "$missing" ] || { printf 'the %s' "$missing"; return; }
  labels='{{range $key, $value := .Config.Labels}}{{json $key}}: {{json $value}}{{println}}{{end}}'
  missing=$({ ask image inspect --format "$labels" "$(look "$1" '{{.Image}}')" && look "$2" "$labels" && printf '@\n' && look "$1" "$labels"; } |
    awk '$0 == "@" { past = 1; next } !past { there[$0] = 1; next } NF && !($0 in there) { print $1; exit }')
  [ -z "$missing" ] || { printf 'the label %s' "$missing"; return; }
  other=$({ limits_of "$2" && printf '@\n' && limits_of "$1"; } | awk '$0 == "@" { past = 1; next } !past { there[$0] = 1; next } !($0 in there) { print; exit }')
  [ -z "$other" ] || { printf 'HostConfig has %s' "$other"; return; }
}

limits_of() { # container: HostConfig in pieces, without its mounts, which are compared one by one, and without names of its own
  look "$1" '{{json .HostConfig}}' |
    sed 's/"Binds":\[[^]]*\]//; s/"ContainerIDFile":"[^"]*"//; s/"Annotations":{[^}]*}//; s/"Annotations":null//; s/"Path":"[^"]*"//' | awk '{ gsub(/,"/, "\n\""); print }'
}
