# ---------------------------------------------------------------- a workload of Kubernetes, where kubectl may change it

kubectl_program() {
  if have kubectl; then
    echo kubectl
  elif have k3s; then
    echo k3s
  else
    return 1
  fi
}

kube() { # words
  if [ -z "${KUBECONFIG-}" ]; then
    for file in /etc/kubernetes/admin.conf /etc/rancher/k3s/k3s.yaml /etc/rancher/rke2/rke2.yaml; do
      [ ! -r "$file" ] || { KUBECONFIG=$file && export KUBECONFIG && break; }
    done
  fi
  if have kubectl; then limited 120 kubectl --request-timeout=60s "$@"; else limited 120 k3s kubectl --request-timeout=60s "$@"; fi
}

kube_here() { # words, within its namespace
  kube --namespace "$(recall namespace)" "$@"
}

owner_of() { # kind/name: kind/name of what controls it
  of=$(kube_here get "$1" --output 'jsonpath={range .metadata.ownerReferences[?(@.controller==true)]}{.kind}/{.name}{end}') || return 1
  printf %s "$of" | tr '[:upper:]' '[:lower:]'
}

container_s() { # workload, what of its container
  kube_here get "$1" --output "jsonpath={.spec.template.spec.containers[?(@.name==\"$(recall container)\")].$2}"
}

find_kubernetes() {
  kubectl_program >/dev/null || { refuse 'kubectl is not here'; return 1; }
  note namespace "${name%%/*}"
  note container "${name##*/}"
  pod=${name#*/}
  owner=$(owner_of "pod/${pod%%/*}") || { refuse "kubectl finds no pod ${pod%%/*}, or may not read it"; return 1; }
  case $owner in replicaset/*) owner=$(owner_of "$owner") ;; esac
  case $owner in
    deployment/?* | statefulset/?* | daemonset/?*) ;;
    *) refuse "the pod is of ${owner:-nobody}, which has no way back"; return 1 ;;
  esac
  note owner "$owner"
  now=$(container_s "$owner" image)
  [ -n "$now" ] || { refuse "$owner has no container $(recall container)"; return 1; }
  case $image in sha256:*) refuse 'nodes take an image by the name of its repository only'; return 1 ;; esac
  [ "$(plain_name "$now")" = "$(plain_name "$image")" ] || { refuse "$name is of another repository than $image"; return 1; }
  [ "$now" != "$image" ] || { refuse "$owner has this image already"; return 1; }
  if have crictl; then
    told=$(limited "$pull_limit" crictl pull "$image" 2>&1) || { refuse "the image cannot be pulled: $(printf %s "$told" | tail -n 1)"; return 1; }
  fi
  note back_to "$now"
  note generation "$(generation_of)"
  note revision "$(kube_here get "$owner" --output 'jsonpath={.metadata.annotations.deployment\.kubernetes\.io/revision}')"
  note to_revision "$(kube_here get replicaset --output "jsonpath={range .items[?(@.metadata.ownerReferences[0].name==\"${owner#*/}\")]}{.metadata.annotations.deployment\\.kubernetes\\.io/revision} {.spec.template.spec.containers[?(@.name==\"$(recall container)\")].image}{\"\\n\"}{end}" |
    awk -v image="$image" '$2 == image { print $1 }' | sort -n | tail -n 1)"
}

generation_of() {
  kube_here get "$(recall owner)" --output 'jsonpath={.metadata.generation}'
}

prepare_kubernetes() {
  told=$(kube_here set image "$(recall owner)" "$(recall container)=$image" --dry-run=server 2>&1) ||
    { refuse "the cluster does not take it: $(printf %s "$told" | tail -n 1)"; return 1; }
  reach prepared 'the cluster would take it'
}

unmoved_kubernetes() {
  [ "$(generation_of)" = "$(recall generation)" ]
}

# A revision that names this very digest comes back whole (rollout undo); else the digest alone is set, since a tag of an
# old revision may mean something else today.
switch_kubernetes() {
  case $(recall owner)/$(recall to_revision) in
    deployment/*/[0-9]*) kube_here rollout undo "$(recall owner)" --to-revision="$(recall to_revision)" ;;
    *) kube_here set image "$(recall owner)" "$(recall container)=$image" ;;
  esac
}

resume_kubernetes() {
  [ "$(container_s "$(recall owner)" image)" = "$image" ] || switch_kubernetes
}

fate_kubernetes() {
  now=$(container_s "$(recall owner)" image) || { echo lost; return; }
  [ "$now" = "$image" ] || { echo 'bad was set back by whoever applies its manifest'; return; }
  told=$(kube_here get "$(recall owner)" --output "jsonpath=$(progress_fields)") || { echo lost; return; }
  printf '%s\n' "$told" | awk -F / '
    $7 == "ProgressDeadlineExceeded" { print "bad exceeded its progress deadline"; exit }
    $1 == $2 && $3 > 0 && $3 == $4 && $3 == $5 && $3 == $6 { print "good " $1; exit }
    { print "waiting -" }'
}

progress_fields() { # generation, the one that was seen, replicas: wanted, new, ready, all; why it does not go on
  case $(recall owner) in
    daemonset/*) counts='{.status.desiredNumberScheduled}/{.status.updatedNumberScheduled}/{.status.numberReady}/{.status.desiredNumberScheduled}' ;;
    *) counts='{.spec.replicas}/{.status.updatedReplicas}/{.status.readyReplicas}/{.status.replicas}' ;;
  esac
  printf %s "{.metadata.generation}/{.status.observedGeneration}/$counts/{.status.conditions[?(@.type==\"Progressing\")].reason}"
}

undo_kubernetes() {
  [ "$(recall touched)" = yes ] || return 0
  trouble='kubectl could not undo it'
  now=$(container_s "$(recall owner)" image) || return
  [ "$now" = "$image" ] || return 0
  case $(recall owner)/$(recall revision) in
    deployment/*/[0-9]*) kube_here rollout undo "$(recall owner)" --to-revision="$(recall revision)" ;;
    *) kube_here rollout undo "$(recall owner)" ;;
  esac || kube_here set image "$(recall owner)" "$(recall container)=$(recall back_to)"
}

finish_kubernetes() {
  :
}
