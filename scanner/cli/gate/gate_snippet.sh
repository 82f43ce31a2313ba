#!/bin/sh
# archscan-gate: asks a running archscan whether images may run here, before they do.
#
#   archscan-gate [--open] [--within SECONDS] [--host NAME | --platform OS/ARCH] IMAGE...
#
# Prints the references by the digest that was judged, one a line: run these, and a tag that moves meanwhile changes
# nothing. What is denied or held, and why, goes to standard error. Ends with 0 for allow and warn, 1 for deny, 3 for
# hold, which includes an archscan that does not answer, 2 for wrong usage.
#
# --open is for what must come back after a power cut with archscan down: where there is no decision the last one about
# the same image counts, kept below ARCHSCAN_GATE_STATE; where there never was one it lets the image pass with a warning
# in the system log and prints the image as it was given. So it does where archscan refuses to judge, by a token that has
# ended or a host that it does not know: that is an error in the log, for it stays so until somebody mends it.
#
# Settings come from the environment, else from /etc/archscan/gate.conf (NAME=value lines, read as text):
#   ARCHSCAN_SERVER      where archscan is, http://127.0.0.1:9719 without; ARCHSCAN_URL means the same
#   ARCHSCAN_TOKEN_FILE  file with a token that has the scope gate, /etc/archscan/gate-token without
#   ARCHSCAN_HOST        this machine's name in the inventory, its host name without
#   ARCHSCAN_GATE_STATE  folder for --open, /var/lib/archscan-gate without
set -u
LC_ALL=C
export LC_ALL

server=${ARCHSCAN_SERVER:-${ARCHSCAN_URL:-}}
conf=${ARCHSCAN_GATE_CONF:-/etc/archscan/gate.conf}
if [ -r "$conf" ]; then
    while IFS='=' read -r name value || [ -n "$name" ]; do # the last line may lack its end
        case $name in
            ARCHSCAN_SERVER | ARCHSCAN_URL) : "${server:=$value}" ;;
            ARCHSCAN_TOKEN_FILE) : "${ARCHSCAN_TOKEN_FILE:=$value}" ;;
            ARCHSCAN_HOST) : "${ARCHSCAN_HOST:=$value}" ;;
            ARCHSCAN_GATE_STATE) : "${ARCHSCAN_GATE_STATE:=$value}" ;;
        esac
    done < "$conf"
fi
url=${server:-http://127.0.0.1:9719}
token=${ARCHSCAN_TOKEN_FILE:-/etc/archscan/gate-token}
host=${ARCHSCAN_HOST:-$(uname -n)}
state=${ARCHSCAN_GATE_STATE:-/var/lib/archscan-gate}
platform='' open='' within=90

say() { printf 'archscan-gate: %s\n' "$1" >&2; }
usage() {
    say "$1"
    exit 2
}
# Only what a reference, a host or a platform is made of ever stands in the question.
plain() { case $1 in '' | -* | *[!A-Za-z0-9._:/@=,*-]*) return 1 ;; esac }

while [ $# -gt 0 ]; do
    case $1 in
        --open) open=1 ;;
        --within | --host | --platform)
            [ $# -gt 1 ] || usage "$1 needs a value"
            plain "$2" || usage "$1: not a plain word"
            case $1 in
                --within) within=$2 ;;
                --host) host=$2 ;;
                --platform) platform=$2 ;;
            esac
            shift
            ;;
        --)
            shift
            break
            ;;
        -*) usage "no such option: $1" ;;
        *) break ;;
    esac
    shift
done
case $within in '' | 0* | *[!0-9]*) usage '--within: whole seconds, at least 1' ;; esac
[ $# -gt 0 ] || usage 'name an image'

[ -n "$platform" ] || plain "$host" || usage "not a host's name (ARCHSCAN_HOST): $host"

images='' asked="$*"
for image; do
    plain "$image" || usage "not an image reference: $image"
    images="$images${images:+,}\"$image\""
done
if [ -n "$platform" ]; then
    where="\"platforms\":[\"$platform\"]"
else
    where="\"hosts\":[\"$host\"]"
fi
question="$where $asked"
kept=$state/$(printf '%s' "$question" | cksum | tr ' ' '-')
newline='
'

code=000 kind='' answer=''
if [ ! -r "$token" ]; then
    say "the token $token cannot be read"
else
    # The token goes through standard input: a command line can be read by everybody. The answer stays in memory: what
    # must come back after a power cut needs no disk that can be written.
    answer=$(printf 'header = "Authorization: Bearer %s"\n' "$(cat "$token")" |
        curl --config - --silent --show-error --max-time "$within" --write-out '\n%{http_code} %{content_type}' \
            --header 'Accept: text/plain' --header 'Content-Type: application/json' \
            --data "{\"images\":[$images],$where}" "$url/api/v1/check") && {
        code=${answer##*"$newline"}
        kind=${code#* } code=${code%% *}
    }
    answer=${answer%"$newline"*}
    answer=${answer%"$newline"}
fi

# Whoever else listens there may answer anything with 200 or 409: archscan's leave are references by digest alone.
is_decision() {
    case $code/$kind/$answer in
        409/text/plain*/deny*) return 0 ;;
        200/text/plain*) ;;
        *) return 1 ;;
    esac
    printf '%s' "$answer" | while IFS= read -r line || [ -n "$line" ]; do
        case $line in *@sha*:*) plain "$line" || exit 1 ;; *) exit 1 ;; esac
    done
}

show() { [ -z "$answer" ] || printf '%s\n' "$answer"; }

remember() {
    [ -n "$open" ] || return 0
    { mkdir -p "$state" && { printf '%s\n' "$1" "$question" && show; } > "$kept.new" && mv "$kept.new" "$kept"; } 2> /dev/null ||
        say "the decision cannot be kept below $state"
}

# What was decided last of the very same question; two may have the same file.
recall() {
    [ -r "$kept" ] && [ "$(sed -n 2p "$kept")" = "$question" ] && read -r last < "$kept" &&
        case $last in allow | deny) ;; *) return 1 ;; esac
}

why='no decision' level=warning
case $code in
    000) ;;
    200 | 409)
        if ! is_decision; then
            say "$url does not answer as archscan does"
        elif [ "$code" = 200 ]; then
            remember allow
            show
            exit 0
        else
            remember deny
            show >&2
            exit 1
        fi
        ;;
    503) show >&2 ;;
    *)
        show >&2
        why="archscan refuses to judge (HTTP $code), no decision" level=err
        ;;
esac
if [ -z "$open" ]; then
    say "$why on $asked: not to be run"
    exit 3
fi
if recall; then
    say "$why on $asked now: the last one counts, which was $last"
    if [ "$last" = deny ]; then
        sed 1,2d "$kept" >&2
        exit 1
    fi
    sed 1,2d "$kept"
    exit 0
fi
say "$why on $asked, and never one before: it starts unchecked"
logger -p "daemon.$level" -t archscan-gate "$why on $asked, and never one before: it starts unchecked" 2> /dev/null
printf '%s\n' "$@"
