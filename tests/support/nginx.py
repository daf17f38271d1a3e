"""A real nginx with deploy/nginx.conf, in which only addresses, origins and paths are changed."""

import grp
import os
import pwd
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

from tests.support.server import ROOT, free_port, wait_until_up
from tests.support.tools import program
from tests.support.waiting import wait_until

SITE = ROOT / "deploy" / "nginx.conf"

# What Debian's nginx.conf has around a site; every path is in the test's folder.
_AROUND = """
user {user} {group};
worker_processes 2;
pid nginx.pid;
error_log error.log;
events {{ worker_connections 512; }}
http {{
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    access_log access.log;
    gzip on;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    include site.conf;
}}
"""


@dataclass(frozen=True, slots=True)
class Nginx:
    """A running nginx with one site."""

    folder: Path
    port: int
    url: str

    @property
    def log(self) -> str:
        """The requests so far, one per line."""
        return (self.folder / "requests.log").read_text()

    def wait_until_logged(self, pattern: str) -> None:
        """nginx logs a request only after the response."""
        wait_until(
            lambda: re.search(pattern, self.log, re.MULTILINE), 30, f"{pattern!r} in nginx's log"
        )


@contextmanager
def _serving(folder: Path, text: str, port: int, scheme: str) -> Iterator[Nginx]:
    write_configuration(folder, text)
    command = [*_command(folder), "-g", "daemon off;"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        wait_until_up(process, port, log=folder / "error.log")
        yield Nginx(folder, port, f"{scheme}://127.0.0.1:{port}")
    finally:
        process.terminate()
        assert process.wait(30) == 0


@contextmanager
def nginx_before(
    backend_port: int,
    folder: Path,
    origins: Iterable[str] = (),
    changes: Mapping[str, str] | None = None,
) -> Iterator[Nginx]:
    """nginx in front of the application on that port; `origins` and `changes` as in `site`."""
    port = free_port()
    with _serving(folder, site(port, backend_port, origins, changes), port, "http") as running:
        yield running


@contextmanager
def nginx_with_tls_before(
    backend_port: int,
    folder: Path,
    origins: Iterable[str] = (),
    plain_port: int | None = None,
) -> Iterator[Nginx]:
    """nginx with TLS filled in as the file says; `authority.pem` in the folder verifies it."""
    folder.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    own = authority.issue_cert("127.0.0.1")
    own.private_key_and_cert_chain_pem.write_to_path(str(folder / "nginx.pem"))
    port = free_port()
    text = replaced(
        _with_tls_filled_in(),
        {
            "listen 443 ssl http2 default_server;": (
                f"listen 127.0.0.1:{port} ssl http2 default_server;"
            ),
            "listen [::]:443 ssl http2 default_server;": "",
            "listen 80 default_server;": (
                f"listen 127.0.0.1:{plain_port or free_port()} default_server;"
            ),
            "listen [::]:80 default_server;": "",
            "/etc/letsencrypt/live/api.example/fullchain.pem": "nginx.pem",
            "/etc/letsencrypt/live/api.example/privkey.pem": "nginx.pem",
            **surroundings(backend_port, origins),
        },
    )
    with _serving(folder, text, port, "https") as running:
        yield running


def _with_tls_filled_in() -> str:
    """The file after the command that its own comment names."""
    text = SITE.read_text()
    commands = re.findall(r"sed -i -e '(s/.*?/)' -e '(/.*?/d)'", text)
    assert len(commands) == 1, "deploy/nginx.conf must say once how to fill in TLS"
    sed = ["sed", "-e", commands[0][0], "-e", commands[0][1]]
    return subprocess.run(sed, input=text, capture_output=True, text=True, check=True).stdout


def site(
    port: int, backend_port: int, origins: Iterable[str], changes: Mapping[str, str] | None = None
) -> str:
    """`deploy/nginx.conf` with a test's addresses, origins and log; `changes` are further ones."""
    return replaced(
        SITE.read_text(),
        {
            "listen 80 default_server;                   # without TLS": (
                f"listen 127.0.0.1:{port} default_server;"
            ),
            "listen [::]:80 default_server;              # without TLS": "",
            **surroundings(backend_port, origins),
            **(changes or {}),
        },
    )


def surroundings(backend_port: int, origins: Iterable[str]) -> dict[str, str]:
    """The changes that every test needs, whatever address nginx listens on."""
    listed = "\n".join(f'"{origin}" $http_origin;' for origin in origins)
    return {
        "server 127.0.0.1:8000;": f"server 127.0.0.1:{backend_port};",
        '"https://app.example" $http_origin;': listed,
        "/var/log/nginx/wordai_jobs.log": "requests.log",
    }


def replaced(text: str, changes: Mapping[str, str]) -> str:
    """The text with each change; fails if the file does not contain the old part exactly once."""
    for old, new in changes.items():
        assert text.count(old) == 1, f"deploy/nginx.conf must say {old!r} once"
        text = text.replace(old, new)
    return text


def write_configuration(folder: Path, text: str) -> None:
    """Write the site, and the configuration around it, into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "site.conf").write_text(text)
    user, group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name
    (folder / "nginx.conf").write_text(_AROUND.format(user=user, group=group))


def syntax_check(folder: Path, text: str) -> str:
    """What `nginx -t` says about the site."""
    write_configuration(folder, text)
    command = [*_command(folder), "-t"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stderr


def _command(folder: Path) -> list[str]:
    options = ["-p", str(folder), "-e", "error.log", "-c", str(folder / "nginx.conf")]
    return [program("nginx", "nginx-light"), *options]
