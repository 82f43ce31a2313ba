#!/bin/sh
# Diun's script notifier (notif.script.cmd): is this new tag safe on these hosts? What it prints is in Diun's log, its
# exit code tells: 0 safe, 1 denied, 3 nobody knows. ARCHSCAN_HOSTS are the hosts that run it, as --host takes them.
set -eu
image=${DIUN_ENTRY_IMAGE:?is set by Diun}
digest=${DIUN_ENTRY_DIGEST:-}
[ -z "$digest" ] || image=${image%%@*}@$digest
exec archscan-gate --host "${ARCHSCAN_HOSTS:-*}" "$image"
