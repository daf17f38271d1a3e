#!/usr/bin/env bash
# Installs a release of wordai_jobs next to the running one, tries it, switches to it, and goes back by itself if it does
# not work. `deploy.sh help` says how; docs/deployment.md says what must be there first.
# shellcheck disable=SC2317 # shellcheck takes functions that only a trap calls for unreachable
set -euo pipefail
shopt -s inherit_errexit
umask 022 # the service reads what root installs

DEPLOY_ROOT=${DEPLOY_ROOT:-/opt/wordai-jobs}
DEPLOY_CONFIG=${DEPLOY_CONFIG:-/etc/wordai-jobs/config.toml}
DEPLOY_ENVIRONMENT=${DEPLOY_ENVIRONMENT:-/etc/wordai-jobs/environment}
DEPLOY_HOME=${DEPLOY_HOME:-/var/lib/wordai-jobs}
DEPLOY_USER=${DEPLOY_USER:-wordai-jobs}
DEPLOY_SUPERVISOR=${DEPLOY_SUPERVISOR:-systemd}
DEPLOY_SERVICE=${DEPLOY_SERVICE:-wordai-jobs}
DEPLOY_KEEP=${DEPLOY_KEEP:-3}
DEPLOY_TIMEOUT_S=${DEPLOY_TIMEOUT_S:-60}
DEPLOY_PYTHON=${DEPLOY_PYTHON:-python3}
DEPLOY_EXTRAS=${DEPLOY_EXTRAS-embedded}
DEPLOY_INSTALLER=${DEPLOY_INSTALLER:-}

readonly FAILED=1 USAGE=2 DOWN=3 LOCKED=4
readonly LOG_LINES=40

old=         # the release that served before, such as releases/0.1.0; empty at the first deploy
switched=    # set while `current` points to a release that is not yet known to work
installing=  # the folder of that release
work=        # temporary files of this run
trial_pid=
trial_release=
trial=()     # settings of the server on trial, as NAME=value

help() {
    cat <<'TEXT'
deploy.sh deploy SOURCE   install the release in SOURCE (a checkout, an archive of one, or a wheel), try it on a spare port,
                          switch to it, and go back if it does not work
deploy.sh rollback        go back to the previous release
deploy.sh status          show what is installed, and which release answers
deploy.sh help            show this text

Exit codes: 0 done; 1 failed, and the previous release serves again; 2 wrong use; 3 nothing serves, act now; 4 another
deploy is running.

Settings, from the environment:
  DEPLOY_ROOT         /opt/wordai-jobs              releases/, current, previous
  DEPLOY_CONFIG       /etc/wordai-jobs/config.toml  settings of the server
  DEPLOY_ENVIRONMENT  /etc/wordai-jobs/environment  further settings of the server, as lines NAME=value
  DEPLOY_HOME         /var/lib/wordai-jobs          the server's working folder
  DEPLOY_USER         wordai-jobs                   user that the server runs as, if root runs this script
  DEPLOY_SUPERVISOR   systemd                       or "process": a plain process with a pid file in DEPLOY_ROOT
  DEPLOY_SERVICE      wordai-jobs                   name of the systemd unit
  DEPLOY_KEEP         3                             releases that stay installed
  DEPLOY_TIMEOUT_S    60                            seconds until a started server must be ready
  DEPLOY_PYTHON       python3                       creates the virtual environment; 3.11 or newer
  DEPLOY_EXTRAS       embedded                      extras of the package; empty with your own MongoDB
  DEPLOY_INSTALLER                                  program to call instead of pip, with SOURCE and the release's folder
pip's own settings (PIP_INDEX_URL, PIP_FIND_LINKS, PIP_NO_INDEX, …) apply.
TEXT
}

say() { printf '%s\n' "$*"; }

die() { # CODE MESSAGE
    printf 'deploy.sh: %s\n' "$2" >&2
    exit "$1"
}

# --- the commands -----------------------------------------------------------------------------------------------------

deploy() { # SOURCE
    begin
    local source version release
    source=$(unpacked "$1")
    version=$(version_of "$source")
    release=$DEPLOY_ROOT/releases/$version
    old=$(pointed_to current)
    [[ $old != "releases/$version" ]] || die $FAILED "$version is the release that serves; a new release needs a new version"

    say "Installing $version in $release"
    installing=$release
    rm -rf "$release"
    mkdir -p "$release"
    install_release "$source" "$release"
    say "Trying $version next to the running one"
    try_release "$release" "$version"
    switch_to "releases/$version"
    installing=
    remove_old_releases
    say "$version serves"
}

rollback() {
    begin
    local target
    old=$(pointed_to current)
    target=$(pointed_to previous)
    [[ -n $target && -d $DEPLOY_ROOT/$target ]] || die $FAILED "there is no release to go back to"
    switch_to "$target"
    say "${target##*/} serves again"
}

status() {
    local current answer=nothing
    current=$(pointed_to current)
    say "current:   $(or_none "${current##*/}")"
    say "previous:  $(or_none "$(basename "$(pointed_to previous)")")"
    say "installed: $(installed_releases | sort -V | xargs)"
    if [[ -n $current ]]; then
        read_environment
        read_release "$DEPLOY_ROOT/$current"
        answer=$(version_at "$url") || answer=nothing
    fi
    say "answering: $answer"
    [[ -n $current && $answer == "${current##*/}" ]]
}

# --- one deploy at a time, and what happens however it ends -----------------------------------------------------------

begin() {
    local tool
    for tool in curl flock "$DEPLOY_PYTHON"; do
        command -v "$tool" >/dev/null || die $FAILED "$tool is not installed"
    done
    [[ -d $DEPLOY_HOME ]] || die $FAILED "the server's working folder $DEPLOY_HOME does not exist"
    mkdir -p "$DEPLOY_ROOT/releases"
    exec 9>"$DEPLOY_ROOT/deploy.lock"
    flock --nonblock 9 || die $LOCKED "another deploy is running"
    read_environment
    work=$(mktemp -d)
    chmod 711 "$work" # the trial, run by the service's user, has its folder in it
    trap on_exit EXIT
    trap 'exit $FAILED' INT TERM HUP
}

on_exit() {
    local code=$?
    # Not ignored with '': a server that is started from here would inherit that.
    trap : INT TERM HUP
    stop_trial
    [[ -z $switched ]] || go_back || code=$DOWN
    [[ -z $installing ]] || rm -rf "$installing"
    rm -rf "$work" || true
    exit "$code"
}

go_back() {
    if [[ -z $old ]]; then
        say "There is no earlier release to go back to" >&2
        stop_service
        rm -f "$DEPLOY_ROOT/current"
        return 1
    fi
    say "Going back to ${old##*/}" >&2
    point current "$old"
    local DEPLOY_TIMEOUT_S=300 # it is known to work, so it gets all the time it needs
    if restart_service && read_release "$DEPLOY_ROOT/$old" && wait_until_ready "$url" "${old##*/}" service_is_running; then
        say "${old##*/} serves again" >&2
    else
        say "${old##*/} does not serve either, see its log" >&2
        return 1
    fi
}

# --- installing -------------------------------------------------------------------------------------------------------

unpacked() { # SOURCE; prints a wheel, or a folder with all that a release is built from
    local source=$1 part
    if [[ -f $source && $source =~ \.(tar(\..*)?|tgz)$ ]]; then
        mkdir "$work/archive"
        tar -xf "$source" -C "$work/archive"
        source=$(find "$work/archive" -path '*/wordai_jobs/__init__.py' -print -quit)
        source=${source%/wordai_jobs/__init__.py}
    fi
    if [[ -f $source && $source == *.whl ]]; then
        realpath "$source"
        return
    fi
    [[ -f $source/wordai_jobs/__init__.py ]] || die $USAGE "there is no release in $1"
    # A copy, because pip leaves its build folder in a checkout and would use that of an earlier release.
    mkdir "$work/source"
    for part in pyproject.toml setup.cfg constraints.txt README.md LICENSE wordai_jobs; do
        cp -R "$source/$part" "$work/source/"
    done
    say "$work/source"
}

version_of() { # FOLDER_OR_WHEEL
    local version
    if [[ $1 == *.whl ]]; then
        version=$(basename "$1" | cut -d- -f2)
    else
        version=$(sed -nE 's/^__version__ = "([^"]+)"$/\1/p' "$1/wordai_jobs/__init__.py")
    fi
    [[ $version =~ ^[0-9A-Za-z][0-9A-Za-z.+_-]*$ ]] || die $USAGE "the release has no version"
    say "$version"
}

install_release() { # FOLDER_OR_WHEEL RELEASE
    if [[ -n $DEPLOY_INSTALLER ]]; then
        "$DEPLOY_INSTALLER" "$1" "$2"
        return
    fi
    local constraints=$1/constraints.txt options=()
    [[ $1 != *.whl ]] || constraints=$(dirname "$1")/constraints.txt
    [[ ! -f $constraints ]] || options=(--constraint "$constraints")
    "$DEPLOY_PYTHON" -m venv "$2/venv"
    "$2/venv/bin/python" -m pip install --quiet --disable-pip-version-check "${options[@]}" \
        "$1${DEPLOY_EXTRAS:+[$DEPLOY_EXTRAS]}"
}

installed_releases() { # newest first
    [[ ! -d $DEPLOY_ROOT/releases ]] ||
        find "$DEPLOY_ROOT/releases" -mindepth 1 -maxdepth 1 -type d -printf '%T@ %f\n' | sort -rn | cut -d' ' -f2
}

remove_old_releases() { # all but the newest DEPLOY_KEEP; the current and the previous release always stay
    local name
    while read -r name; do
        if [[ releases/$name != "$(pointed_to current)" && releases/$name != "$(pointed_to previous)" ]]; then
            say "Removing the old release $name"
            rm -rf "${DEPLOY_ROOT:?}/releases/$name"
        fi
    done < <(installed_releases | tail -n "+$((DEPLOY_KEEP + 1))")
}

# --- trying -----------------------------------------------------------------------------------------------------------

# The trial runs on a scratch data folder and a scratch database (the embedded one is in that folder): a data folder
# belongs to one running server, and a trial must not end its jobs. One rendering process leaves the others to the server.
try_release() { # RELEASE VERSION
    local release=$1 port log=$work/trial.log
    mkdir "$work/trial"
    [[ ${#as_user[@]} -eq 0 ]] || chown "$DEPLOY_USER:" "$work/trial"
    port=$(free_port)
    read_release "$release"
    trial=(
        WORDAI_JOBS_SERVER__HOST=127.0.0.1 "WORDAI_JOBS_SERVER__PORT=$port"
        "WORDAI_JOBS_STORAGE__DATA_DIR=$work/trial" WORDAI_JOBS_RENDERING__PROCESSES=1
        "WORDAI_JOBS_MONGODB__DATABASE=${mongodb_database:0:32}_check"
    )
    [[ $metrics_port == none ]] || trial+=(WORDAI_JOBS_METRICS__PORT=0) # the running server uses the configured port
    trial_release=$release
    # A trial that was killed leaves its database, which does not belong to the new folder. The doctor names any problem.
    drop_check_database 2>/dev/null || true
    (become_service "${trial[@]}" -- "$release/venv/bin/wordai-jobs" doctor) || die $FAILED "$2 cannot run here, see above"
    become_service "${trial[@]}" -- "$release/venv/bin/wordai-jobs" serve >"$log" 2>&1 9>&- &
    trial_pid=$!
    if ! wait_until_ready "http://127.0.0.1:$port" "$2" trial_is_running; then
        tail -n $LOG_LINES "$log" >&2
        die $FAILED "$2 did not pass its trial; the running server was not touched"
    fi
    stop_trial
}

trial_is_running() { kill -0 "$trial_pid" 2>/dev/null; }

stop_trial() { # by force: its data is removed anyway, and its children end with it
    [[ -n $trial_pid ]] || return 0
    kill -KILL "$trial_pid" 2>/dev/null || true
    wait "$trial_pid" 2>/dev/null || true
    trial_pid=
    drop_check_database || say "The trial's database could not be removed; it has no data of users" >&2
}

free_port() { "$DEPLOY_PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

drop_check_database() {
    [[ $mongodb_uri != embedded ]] || return 0
    (become_service "${trial[@]}" -- "$trial_release/venv/bin/python" -I -c '
import pymongo
from wordai_jobs.config import load_config
settings = load_config().mongodb
assert settings.database.endswith("_check")
pymongo.MongoClient(settings.uri, timeoutMS=5000).drop_database(settings.database)
')
}

# --- switching --------------------------------------------------------------------------------------------------------

switch_to() { # RELEASE as in releases/0.2.0
    say "Switching from $(or_none "${old##*/}") to ${1##*/}: running jobs get jobs.shutdown_grace_s to finish"
    switched=yes
    point current "$1"
    restart_service
    read_release "$DEPLOY_ROOT/$1"
    if ! wait_until_ready "$url" "${1##*/}" service_is_running; then
        show_service_log >&2
        die $FAILED "${1##*/} does not serve"
    fi
    [[ -z $old ]] || point previous "$old"
    switched=
}

point() { # LINK TARGET; at any moment the link has the old target or the new one
    ln -sfn "$2" "$DEPLOY_ROOT/.$1.new"
    mv -T "$DEPLOY_ROOT/.$1.new" "$DEPLOY_ROOT/$1"
}

pointed_to() { readlink "$DEPLOY_ROOT/$1" || true; }

or_none() { say "${1:-none}"; }

# --- asking a server --------------------------------------------------------------------------------------------------

wait_until_ready() { # URL VERSION IS_RUNNING
    local deadline=$((SECONDS + DEPLOY_TIMEOUT_S)) found
    while ((SECONDS < deadline)); do
        if ! "$3"; then
            say "$2 ended" >&2
            return 1
        fi
        if found=$(version_at "$1") && [[ $found != "$2" ]]; then
            say "$found answers instead of $2" >&2
            return 1
        fi
        if [[ -n $found ]] && ask "$1/health/ready" >/dev/null; then
            return 0
        fi
        sleep 0.2
    done
    say "$2 was not ready within $DEPLOY_TIMEOUT_S s: $(curl --silent --noproxy '*' --max-time 10 "$1/health/ready" || true)" >&2
    return 1
}

version_at() { # URL
    local answer
    answer=$(ask "$1/health") || return 1
    [[ $answer =~ \"version\":\ ?\"([^\"]+)\" ]] || return 1
    say "${BASH_REMATCH[1]}"
}

ask() { curl --silent --fail --noproxy '*' --max-time 10 "$1"; }

# Reads the settings that matter here in one go, because each Python process loads the whole package.
read_release() { # RELEASE; sets `url` (as seen from this machine), `mongodb_uri`, `mongodb_database` and `metrics_port`
    local found host port
    found=$(become_service -- "$1/venv/bin/python" -I -c '
import sys
from wordai_jobs.config import load_config
from wordai_jobs.errors import StartError
try:
    config = load_config()
except StartError as error:
    sys.exit(str(error))
metrics = getattr(config, "metrics", None)  # a release without this section would refuse the setting
print(config.server.host, config.server.port, config.mongodb.uri, config.mongodb.database, sep="\n")
print(metrics.port if metrics else "none")
') || return
    { read -r host; read -r port; read -r mongodb_uri; read -r mongodb_database; read -r metrics_port; } <<<"$found"
    case $host in
        0.0.0.0) host=127.0.0.1 ;;
        ::) host='[::1]' ;;
        *:*) host="[$host]" ;;
    esac
    url=http://$host:$port
}

# --- running as the service does --------------------------------------------------------------------------------------

read_environment() { # sets `settings` and `as_user`
    local line value
    settings=("WORDAI_JOBS_CONFIG=$DEPLOY_CONFIG")
    as_user=()
    [[ $EUID -ne 0 || $DEPLOY_SUPERVISOR == process ]] ||
        as_user=(setpriv "--reuid=$DEPLOY_USER" "--regid=$(id -g "$DEPLOY_USER")" --init-groups --)
    [[ -f $DEPLOY_ENVIRONMENT ]] || return 0
    while IFS= read -r line || [[ -n $line ]]; do
        [[ $line =~ ^[A-Za-z_][A-Za-z_0-9]*= ]] || continue # a comment, or an empty line
        value=${line#*=}
        if [[ $value =~ ^\"(.*)\"$ || $value =~ ^\'(.*)\'$ ]]; then
            value=${BASH_REMATCH[1]}
        fi
        settings+=("${line%%=*}=$value")
    done <"$DEPLOY_ENVIRONMENT"
}

# Replaces this (sub)shell. The settings are exported, because every user of the machine can read arguments.
become_service() { # NAME=VALUE… -- COMMAND…
    unset "${!WORDAI_JOBS_@}"
    export "${settings[@]}"
    while [[ $1 != -- ]]; do
        export "${1?}"
        shift
    done
    shift
    export HOME=$DEPLOY_HOME # the service may not enter root's
    cd "$DEPLOY_HOME" || exit
    exec "${as_user[@]}" "$@"
}

# --- the supervisor: systemd, or a plain process ----------------------------------------------------------------------

restart_service() {
    case $DEPLOY_SUPERVISOR in
        systemd)
            systemctl reset-failed "$DEPLOY_SERVICE" 2>/dev/null || true
            systemctl restart "$DEPLOY_SERVICE"
            ;;
        process)
            stop_service
            become_service -- setsid "$DEPLOY_ROOT/current/venv/bin/wordai-jobs" serve >>"$DEPLOY_ROOT/server.log" 2>&1 9>&- &
            say $! >"$DEPLOY_ROOT/server.pid"
            ;;
    esac
}

stop_service() { # returns once the server has ended
    local pid
    case $DEPLOY_SUPERVISOR in
        systemd) systemctl stop "$DEPLOY_SERVICE" ;;
        process)
            service_is_running || return 0
            pid=$(<"$DEPLOY_ROOT/server.pid")
            kill "$pid"
            while service_is_running; do sleep 0.1; done
            ;;
    esac
}

service_is_running() {
    case $DEPLOY_SUPERVISOR in
        systemd) systemctl is-active --quiet "$DEPLOY_SERVICE" ;;
        process)
            local pid
            pid=$(cat "$DEPLOY_ROOT/server.pid" 2>/dev/null) || return 1
            # By now another process may have this number; a zombie has no command line.
            tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qE 'wordai-jobs|deploy\.sh'
            ;;
    esac
}

show_service_log() {
    case $DEPLOY_SUPERVISOR in
        systemd) journalctl --unit "$DEPLOY_SERVICE" --lines $LOG_LINES --no-pager ;;
        process) tail -n $LOG_LINES "$DEPLOY_ROOT/server.log" ;;
    esac
}

main() {
    case $DEPLOY_SUPERVISOR in
        systemd | process) ;;
        *) die $USAGE "DEPLOY_SUPERVISOR is systemd or process, not $DEPLOY_SUPERVISOR" ;;
    esac
    case "${1:-help} $#" in
        "deploy 2") deploy "$2" ;;
        "rollback 1") rollback ;;
        "status 1") status ;;
        "help "[01] | "--help 1") help ;;
        *)
            help >&2
            exit $USAGE
            ;;
    esac
    exit # before bash reads on in this file, which a pull may have changed in the meantime
}

main "$@"
