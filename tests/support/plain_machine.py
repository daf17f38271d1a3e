"""A machine for the guide to a server without containers: one container, without systemd in it.

Its `systemctl` does what deploy/wordai-jobs.service says of user, folders and program. That systemd
accepts the unit itself is shown by tests/unit/test_service_unit.py.
"""

import shutil
from pathlib import Path

from tests.support.engine import Engine
from tests.support.server import ROOT

# Virtual environments of this machine also find the packages of the image, and pip fetches no
# others: that would take a minute.
_PYTHON = """#!/bin/sh
/usr/bin/python3 "$@" || exit
[ "$2" = venv ] || exit 0
echo /opt/venv/lib/python3.11/site-packages > "$(echo "$3"/lib/python3.11/site-packages)/other.pth"
"""
_SYSTEMCTL = """#!/bin/sh
unit=/etc/systemd/system/wordai-jobs.service pid=/run/wordai-jobs.pid
value() { sed -n "s/^$1=//p" $unit; }
stop() {
    [ -f $pid ] || return 0
    kill "$(cat $pid)"
    while kill -0 "$(cat $pid)" 2>/dev/null; do sleep 0.1; done
    rm $pid
}
start() {
    install -d -m 700 -o "$(value User)" "/var/lib/$(value StateDirectory)"
    cd "$(value WorkingDirectory)" || exit
    setsid setpriv --reuid="$(value User)" --regid="$(value Group)" --init-groups \\
        env -i PATH=/usr/bin:/bin:/opt/venv/bin "$(value Environment)" $(value ExecStart) \\
        >>/var/log/wordai-jobs.log 2>&1 </dev/null &
    echo $! >$pid
}
case $1 in
    daemon-reload) test -f $unit ;;
    restart) stop && start ;;
    *) "$1" ;;
esac
"""
_DOCKERFILE = """
FROM python:3.11-slim-bookworm
COPY --from=wordai-jobs:embedded /opt/venv /opt/venv
COPY bin /usr/local/bin
COPY wordai_jobs /root/wordai_jobs
WORKDIR /root/wordai_jobs
ENV PIP_NO_DEPS=1 PATH=/usr/local/bin:/opt/venv/bin:/usr/bin:/bin:/usr/sbin:/sbin
CMD ["sleep", "3600"]
"""
_SETTINGS = """
[storage]
data_dir = "/var/lib/wordai-jobs/data"

[rendering]
processes = 1
"""
_FILES = ("pyproject.toml", "setup.cfg", "constraints.txt", "README.md", "LICENSE")
_NAME = "machine"


class PlainMachine:
    """Has a checkout in root's home, and no service yet."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        self._engine = engine
        checkout = folder / "wordai_jobs"
        checkout.mkdir(parents=True)
        for name in _FILES:
            shutil.copy(ROOT / name, checkout)
        without_cache = shutil.ignore_patterns("__pycache__")
        for name in ("wordai_jobs", "deploy"):
            shutil.copytree(ROOT / name, checkout / name, ignore=without_cache)
        (checkout / "config.toml").write_text(_SETTINGS)
        programs = folder / "bin"
        programs.mkdir()
        for name, text in (("python3", _PYTHON), ("systemctl", _SYSTEMCTL)):
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        (folder / "Dockerfile").write_text(_DOCKERFILE)
        engine.run("build", "--quiet", "--tag", _NAME, str(folder))
        engine.run("run", "--detach", "--init", "--name", _NAME, _NAME)

    def run(self, script: str) -> str:
        """What the commands, typed by root in the checkout, say."""
        return self._engine.run("exec", _NAME, "bash", "-euo", "pipefail", "-c", script)
