#!/usr/bin/env bash
# Deploys releases of wordai_jobs with Docker Compose: starts a release, checks that it serves, and goes back by itself if
# it does not. `deploy.sh help` says how; docs/deployment.md says what must be there first.
# shellcheck disable=SC2317 # shellcheck takes functions that only a trap calls for unreachable
set -euo pipefail
shopt -s inherit_errexit
umask 077
cd "$(dirname "$0")"

FAILED=1 USAGE=2 DOWN=3 LOCKED=4

help() {
    cat <<'TEXT'
deploy.sh deploy [VERSION]  start a release: the one in this checkout, which is built, or an image that is here or can be
                            pulled; go back to the former release if it does not serve
deploy.sh rollback          go back to the former release
deploy.sh status            show which release is deployed, and which one answers
deploy.sh logs JOB_ID       show the log lines about a job
deploy.sh help              show this text

Exit codes: 0 done; 1 failed, and the former release serves; 2 wrong use; 3 nothing serves, act now; 4 another deploy is
running.

Settings, in deploy/.env: HTTP_PORT (80), IMAGE (wordai-jobs), DEPLOY_URL (http://127.0.0.1:HTTP_PORT; with TLS, your own
address), DEPLOY_TIMEOUT_S (60; how long a release may take to serve). VERSION and FORMER are written by this script.
TEXT
}

say() { printf '%s\n' "$*"; }

die() { # CODE MESSAGE
    printf 'deploy.sh: %s\n' "$2" >&2
    exit "$1"
}

deploy() { # VERSION
    local here
    here=$(sed -nE 's/^__version__ = "([^"]+)"$/\1/p' ../wordai_jobs/__init__.py)
    new=${1:-$here}
    [[ $new =~ ^[0-9A-Za-z][0-9A-Za-z._-]*$ ]] || die "$USAGE" "$new is not a version that can be a tag"
    begin
    if [[ $new == "$current" && $(answering) == "$new" ]]; then
        say "$new already serves"
    else
        if [[ $new == "$here" ]]; then
            compose "$new" build --quiet app
        elif ! docker image inspect "${IMAGE:-wordai-jobs}:$new" >/dev/null 2>&1; then
            compose "$new" pull --quiet app
        fi
        compose "$new" up --detach --wait mongodb
        compose "$new" run --rm tools doctor || die "$FAILED" "$new cannot run here, see above"
        [[ -z $current ]] || back_up
        switch_to
    fi
}

rollback() {
    begin
    [[ -n $former ]] || die "$FAILED" "there is no release to go back to"
    new=$former
    switch_to
}

status() {
    read_settings
    local answer
    answer=$(answering)
    say "deployed:  ${current:-none}"
    say "former:    ${former:-none}"
    say "answering: ${answer:-nothing}"
    compose "${current:-none}" ps --all
    [[ -n $current && $answer == "$current" ]]
}

logs() { # JOB_ID
    read_settings
    compose "${current:-none}" logs --no-color --no-log-prefix app nginx | grep --fixed-strings -- "$1" ||
        die "$FAILED" "no log line is about $1"
}

# --- the steps --------------------------------------------------------------------------------------------------------

begin() { # one deploy at a time
    exec 9>.lock
    flock --nonblock 9 || die "$LOCKED" "another deploy is running"
    [[ -f config.toml ]] || die "$USAGE" "deploy/config.toml is missing: docs/deployment.md says what belongs into it"
    make_secrets
    read_settings
}

make_secrets() { # once; only this user may enter the folder, but any user of a container may read what is mounted from it
    [[ ! -f secrets/mongodb_uri ]] || return 0
    mkdir -p secrets
    local password
    password=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
    printf '%s' "$password" >secrets/mongodb_password
    printf 'mongodb://wordai:%s@mongodb:27017/?authSource=admin' "$password" >secrets/mongodb_uri
    chmod 444 secrets/*
}

read_settings() { # sets `current`, `former`, and what the operator has set
    touch .env
    local VERSION='' FORMER=''
    local timeout_s=${DEPLOY_TIMEOUT_S:-}
    # shellcheck source=/dev/null
    source .env
    current=$VERSION former=$FORMER DEPLOY_TIMEOUT_S=${timeout_s:-${DEPLOY_TIMEOUT_S:-60}}
    url=${DEPLOY_URL:-http://127.0.0.1:${HTTP_PORT:-80}}
}

compose() { # VERSION ARGUMENT…
    VERSION=$1 docker compose "${@:2}" 9>&- </dev/null
}

back_up() { # the records, which a new release may change; files never change
    say "Backing up the database"
    compose "$current" run --rm tools backup --no-files "/backup/before-$new-$(date +%Y%m%d-%H%M%S)"
    compose "$current" run --rm --entrypoint sh tools -c 'ls -dt /backup/before-* | tail -n +6 | xargs -r rm -r'
}

switch_to() { # to `new`
    say "Switching from ${current:-nothing} to $new: running jobs get jobs.shutdown_grace_s to finish"
    trap go_back EXIT
    trap 'exit 1' INT TERM HUP
    start "$new" || die "$FAILED" "$new does not serve"
    trap - EXIT
    [[ $new == "$current" ]] || former=$current
    { grep -vE '^(VERSION|FORMER)=' .env || true; say "VERSION=$new"; say "FORMER=$former"; } >.env.new
    mv .env.new .env
    say "$new serves"
}

go_back() {
    trap - EXIT
    trap '' INT TERM HUP
    compose "$new" logs --no-color --no-log-prefix --tail 40 app >&2 || true
    if [[ -n $current ]] && DEPLOY_TIMEOUT_S=300 start "$current"; then
        say "$current serves again" >&2
        exit "$FAILED"
    fi
    compose "$new" stop app || true
    die "$DOWN" "no release serves"
}

start() { # VERSION; waits until it serves
    local deadline restarts found
    # One by one: together, and with what they depend on, Compose would replace nginx and MongoDB too.
    compose "$1" up --detach --no-deps app || return 1
    compose "$1" up --detach --no-deps nginx || return 1
    deadline=$((SECONDS + DEPLOY_TIMEOUT_S))
    while ((SECONDS < deadline)); do
        found=$(answering)
        if [[ $found == "$1" ]] && ask /health/ready >/dev/null; then
            return 0 # without a number it would mean something else in a trap
        elif [[ -n $found && $found != "$1" ]]; then
            say "$found answers instead of $1" >&2
            return 1
        fi
        restarts=$(docker inspect --format '{{.RestartCount}}' "$(compose "$1" ps --all --quiet app)")
        if ((restarts > 1)); then
            say "$1 ends again and again" >&2
            return 1
        fi
        sleep 0.5
    done
    say "$1 is not ready after $DEPLOY_TIMEOUT_S s: $(curl --silent --max-time 10 "$url/health/ready" || true)" >&2
    return 1
}

answering() { # the version that serves, or nothing
    ask /health | sed -nE 's/.*"version": ?"([^"]+)".*/\1/p' || true
}

ask() { curl --silent --fail --noproxy '*' --max-time 10 "$url$1"; }

case "${1:-help} $#" in
    "deploy 1" | "deploy 2") deploy "${2:-}" ;;
    "rollback 1") rollback ;;
    "status 1") status ;;
    "logs 2") logs "$2" ;;
    "help "[01] | "--help 1") help ;;
    *)
        help >&2
        exit "$USAGE"
        ;;
esac
exit # before bash reads on in this file, which a pull may have changed in the meantime
