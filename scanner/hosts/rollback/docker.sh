# ---------------------------------------------------------------- Docker: the new one from the old one's inspection

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
    ask image inspect --format "$both" "$2" 2>/dev/null
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
