#!/bin/sh
# Watchtower's pre-update hook runs inside the container that is to be updated: mount this, archscan-gate and its token
# there, and label it com.centurylinklabs.watchtower.lifecycle.pre-update=/hooks/watchtower.sh. ARCHSCAN_IMAGE is the
# container's image, ARCHSCAN_HOST its machine. 75 (EX_TEMPFAIL) makes Watchtower leave the container as it is.
set -u
archscan-gate --host "${ARCHSCAN_HOST:?names this machine in the inventory}" "${ARCHSCAN_IMAGE:?names the image}" || exit 75
