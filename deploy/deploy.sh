#!/usr/bin/env bash
# deploy.sh deploy [VERSION]  start a release: the one in this checkout, which is built, or an image that is here or can be
#                             pulled; go back to the former release if it does not serve
# deploy.sh rollback          go back to the former release
# deploy.sh status            show which release is deployed, and which one answers
# deploy.sh logs JOB_ID       show the log lines about a job
# deploy.sh help              show this text
#
# Exit codes: 0 done; 1 failed, and the former release serves; 2 wrong use; 3 nothing serves, act now; 4 another deploy is
# running.
#
# Settings, in deploy/.env: HTTP_PORT (80), IMAGE (wordai-jobs), DEPLOY_URL (http://127.0.0.1:HTTP_PORT; with TLS, your own
# address), DEPLOY_TIMEOUT_S (60; how long a release may take to serve). VERSION and FORMER are written by this script.

# shellcheck disable=SC2317 # shellcheck takes a function that only a trap calls for unreachable
set -euo pipefail
shopt -s inherit_errexit
umask 077
cd "$(dirname "$0")"

FAILED=1 USAGE=2 DOWN=3 LOCKED=4

die() { # CODE MESSAGE
    echo "deploy.sh: $2" >&2
    exit "$1"
}

compose() { # VERSION ARGUMENT…
    VERSION=$1 docker compose "${@:2}" 9>&- </dev/null
}

ask() { curl --silent --noproxy '*' --max-time 10 "${@:2}" "$url$1" || true; }

answering() { # the version that serves, or nothing
    ask /health --fail | sed -nE 's/.*"version": ?"([^"]+)".*/\1/p'
}

read_settings() { # sets `current`, `former`, `url` and what the operator has set; the environment comes first
    local timeout_s=${DEPLOY_TIMEOUT_S:-} VERSION='' FORMER=''
    touch .env
    # shellcheck source=/dev/null
    source .env
    DEPLOY_TIMEOUT_S=${timeout_s:-${DEPLOY_TIMEOUT_S:-60}}
    current=$VERSION former=$FORMER url=${DEPLOY_URL:-http://127.0.0.1:${HTTP_PORT:-80}}
}

begin() { # one deploy at a time
    exec 9>.lock
    flock --nonblock 9 || die "$LOCKED" "another deploy is running"
    [[ -f config.toml ]] || die "$USAGE" "deploy/config.toml is missing: docs/deployment.md says what belongs in it"
    read_settings
    [[ ! -f secrets/mongodb_uri ]] || return 0
    # Only this user may enter the folder, but any user of a container may read what is mounted from it.
    local password
    password=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
    mkdir -p secrets
    printf '%s' "$password" >secrets/mongodb_password
    printf 'mongodb://wordai:%s@mongodb:27017/?authSource=admin' "$password" >secrets/mongodb_uri
    chmod 444 secrets/*
}

deploy() { # VERSION
    local new here
    here=$(sed -nE 's/^__version__ = "([^"]+)"$/\1/p' ../wordai_jobs/__init__.py)
    new=${1:-$here}
    [[ $new =~ ^[0-9A-Za-z][0-9A-Za-z._-]*$ ]] || die "$USAGE" "$new is not a version that can be a tag"
    begin
    if [[ $new == "$current" && $(answering) == "$new" ]]; then
        echo "$new already serves"
        return
    elif [[ $new == "$here" ]]; then
        compose "$new" build --quiet app
    elif ! docker image inspect "${IMAGE:-wordai-jobs}:$new" >/dev/null 2>&1; then
        compose "$new" pull --quiet app
    fi
    compose "$new" up --detach --wait mongodb
    compose "$new" run --rm tools doctor || die "$FAILED" "$new cannot run here, see above"
    if [[ -n $current ]]; then # the records, which a new release may change; files never change
        compose "$current" run --rm tools backup --no-files "/backup/before-$new-$(date +%Y%m%d-%H%M%S)"
        compose "$current" run --rm --entrypoint sh tools -c 'ls -dt /backup/before-* | tail -n +6 | xargs -r rm -r'
    fi
    switch_to "$new"
}

switch_to() { # VERSION; goes back if it does not serve, also if this script is told to end
    echo "Switching from ${current:-nothing} to $1: running jobs get jobs.shutdown_grace_s to finish"
    # shellcheck disable=SC2064 # the version of now
    trap "go_back $1" EXIT
    trap 'exit 1' INT TERM HUP
    serve "$1" || exit
    trap - EXIT
    [[ $1 == "$current" ]] || former=$current
    { grep -vE '^(VERSION|FORMER)=' .env || true; printf 'VERSION=%s\nFORMER=%s\n' "$1" "$former"; } >.env.new
    mv .env.new .env
    echo "$1 serves"
}

go_back() { # from VERSION
    trap - EXIT
    trap '' INT TERM HUP
    compose "$1" logs --no-color --no-log-prefix --tail 40 app >&2 || true
    if [[ -n $current ]] && DEPLOY_TIMEOUT_S=300 serve "$current"; then
        die "$FAILED" "$1 does not serve, $current serves again"
    fi
    compose "$1" stop app || true
    die "$DOWN" "no release serves"
}

serve() { # VERSION; returns once it serves
    local deadline=$((SECONDS + DEPLOY_TIMEOUT_S)) found='' problem=''
    # One by one: together, and with what they depend on, Compose would replace nginx and MongoDB too.
    compose "$1" up --detach --no-deps app || return 1
    compose "$1" up --detach --no-deps nginx || return 1
    until [[ $found == "$1" && -n $(ask /health/ready --fail) ]]; do
        if [[ -n $found && $found != "$1" ]]; then
            problem="$found answers instead of $1"
        elif (($(docker inspect --format '{{.RestartCount}}' "$(compose "$1" ps --all --quiet app)") > 1)); then
            problem="$1 ends again and again"
        elif ((SECONDS > deadline)); then
            problem="$1 is not ready after $DEPLOY_TIMEOUT_S s: $(ask /health/ready)"
        fi
        [[ -z $problem ]] || { echo "$problem" >&2; return 1; }
        sleep 0.5
        found=$(answering)
    done
}

case "${1:-help} $#" in
    "deploy 1" | "deploy 2") deploy "${2:-}" ;;
    "rollback 1")
        begin
        [[ -n $former ]] || die "$FAILED" "there is no release to go back to"
        switch_to "$former"
        ;;
    "status 1")
        read_settings
        found=$(answering)
        printf 'deployed:  %s\nformer:    %s\nanswering: %s\n' "${current:-none}" "${former:-none}" "${found:-nothing}"
        compose "${current:-none}" ps --all
        [[ -n $current && $found == "$current" ]]
        ;;
    "logs 2")
        read_settings
        compose "${current:-none}" logs --no-color --no-log-prefix app nginx | grep --fixed-strings -- "$2" ||
            die "$FAILED" "no log line is about $2"
        ;;
    *)
        sed -nE '2,/^$/s/^# ?//p' "${0##*/}" >&2
        [[ ${1:-help} == help ]] || exit "$USAGE"
        ;;
esac
exit # before bash reads on in this file, which a pull may have changed in the meantime
