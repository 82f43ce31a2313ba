#!/bin/sh
# The command trigger of WUD (WUD_TRIGGER_COMMAND_NAME_CMD) or Drydock (DD_ACTION_COMMAND_NAME_CMD): put this in front of
# what updates, `wud.sh && update…`. It ends with 0 where the new image may go to the container's host, 1 where it is
# denied, 3 where nobody knows. ARCHSCAN_HOSTS are the hosts; without it the watcher's name is taken for one.
set -eu
registry=${image_registry_url:-}
registry=${registry#*://}
registry=${registry%%/*}
name=${image_name:?is set by WUD}
case $registry in '' | registry-1.docker.io | *.docker.io) ;; *) name=$registry/$name ;; esac
value=${update_kind_remote_value:-}
case ${update_kind_kind:-tag} in
    digest) image=$name@${value#*@} ;;
    *) image=$name:${value:-${image_tag_value:?is set by WUD}} ;;
esac
exec archscan-gate --host "${ARCHSCAN_HOSTS:-${watcher:-*}}" "$image"
