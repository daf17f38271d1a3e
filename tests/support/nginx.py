"""A real nginx as a process of the test's own, with `deploy/nginx.conf` as it is but for addresses,
origins and paths.
"""

import grp
import os
import pwd
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support.server import ROOT, free_port, is_listening
from tests.support.tools import program
from tests.support.waiting import wait_until

SITE = ROOT / "deploy" / "nginx.conf"

# What Debian's nginx.conf has around a site, with every path in the test's folder.
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


class Nginx:
    """nginx with one site, which listens at `port` of loopback."""

    def __init__(self, folder: Path, text: str, port: int, scheme: str = "http") -> None:
        self.folder = folder
        self.port = port
        self.url = f"{scheme}://127.0.0.1:{port}"
        self._configuration = write_configuration(folder, text)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """The requests so far, one a line."""
        return (self.folder / "requests.log").read_text()

    def wait_until_logged(self, pattern: str) -> None:
        """A request is logged after it has been answered."""
        wait_until(
            lambda: re.search(pattern, self.log, re.MULTILINE), 30, f"{pattern!r} in nginx's log"
        )

    def start(self) -> "Nginx":
        self._process = subprocess.Popen(
            [
                program("nginx", "nginx-light"),
                "-p",
                str(self.folder),
                "-e",
                "error.log",
                "-c",
                str(self._configuration),
                "-g",
                "daemon off;",
            ],
            stderr=subprocess.DEVNULL,
        )
        wait_until(self._listens, 30, f"nginx at {self.url}")
        return self

    def stop(self) -> None:
        assert self._process
        self._process.terminate()
        assert self._process.wait(30) == 0

    def _listens(self) -> bool:
        assert self._process
        assert self._process.poll() is None, (self.folder / "error.log").read_text()
        return is_listening(self.port)


@contextmanager
def nginx_before(
    backend_port: int,
    folder: Path,
    origins: Iterable[str] = (),
    changes: Mapping[str, str] | None = None,
) -> Iterator[Nginx]:
    """nginx before the application at that port, for pages of `origins`; `changes` as in `site`."""
    port = free_port()
    running = Nginx(folder, site(port, backend_port, origins, changes), port).start()
    try:
        yield running
    finally:
        running.stop()


@contextmanager
def nginx_with_tls_before(
    backend_port: int,
    folder: Path,
    origins: Iterable[str] = (),
    plain_port: int | None = None,
) -> Iterator[Nginx]:
    """nginx with TLS filled in, as the file says it is done, and a certificate in `certificate.pem`
    of the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    _make_certificate(folder)
    text = replaced(
        _with_tls_filled_in(),
        {
            "listen 443 ssl http2 default_server;": f"listen 127.0.0.1:{port} ssl http2 default_server;",
            "listen [::]:443 ssl http2 default_server;": "",
            "listen 80 default_server;": f"listen 127.0.0.1:{plain_port or free_port()} default_server;",
            "listen [::]:80 default_server;": "",
            "/etc/letsencrypt/live/api.example/fullchain.pem": "certificate.pem",
            "/etc/letsencrypt/live/api.example/privkey.pem": "key.pem",
            **surroundings(backend_port, origins),
        },
    )
    running = Nginx(folder, text, port, "https").start()
    try:
        yield running
    finally:
        running.stop()


def _with_tls_filled_in() -> str:
    """What the command makes of the file that stands in its own comment."""
    text = SITE.read_text()
    commands = re.findall(r"sed -i -e '(s/.*?/)' -e '(/.*?/d)'", text)
    assert len(commands) == 1, "deploy/nginx.conf must say once how to fill in TLS"
    sed = ["sed", "-e", commands[0][0], "-e", commands[0][1]]
    return subprocess.run(sed, input=text, capture_output=True, text=True, check=True).stdout


def _make_certificate(folder: Path) -> None:
    subprocess.run(
        [
            program("openssl", "openssl"),
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=127.0.0.1",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-keyout",
            str(folder / "key.pem"),
            "-out",
            str(folder / "certificate.pem"),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )


def site(
    port: int, backend_port: int, origins: Iterable[str], changes: Mapping[str, str] | None = None
) -> str:
    """`deploy/nginx.conf` for a test: addresses, origins and the log's path are its own, and what
    `changes` puts in place.
    """
    return replaced(
        SITE.read_text(),
        {
            "listen 80 default_server;                   # without TLS": f"listen 127.0.0.1:{port} default_server;",
            "listen [::]:80 default_server;              # without TLS": "",
            **surroundings(backend_port, origins),
            **(changes or {}),
        },
    )


def surroundings(backend_port: int, origins: Iterable[str]) -> dict[str, str]:
    """The changes that every test needs, whatever it listens at."""
    return {
        "server 127.0.0.1:8000;": f"server 127.0.0.1:{backend_port};",
        '"https://app.example" $http_origin;': "\n".join(
            f'"{origin}" $http_origin;' for origin in origins
        ),
        "/var/log/nginx/wordai_jobs.log": "requests.log",
    }


def replaced(text: str, changes: Mapping[str, str]) -> str:
    """The text with each change made; fails where the file no longer says, exactly once, what is
    changed.
    """
    for old, new in changes.items():
        assert text.count(old) == 1, f"deploy/nginx.conf must say {old!r} once"
        text = text.replace(old, new)
    return text


def write_configuration(folder: Path, text: str) -> Path:
    """Write the site and what stands around it into `folder`; returns the file for `nginx -c`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "site.conf").write_text(text)
    configuration = folder / "nginx.conf"
    user, group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name
    configuration.write_text(_AROUND.format(user=user, group=group))
    return configuration


def syntax_check(folder: Path, text: str) -> str:
    """What `nginx -t` says of the site."""
    configuration = write_configuration(folder, text)
    command = [
        program("nginx", "nginx-light"),
        "-t",
        "-p",
        str(folder),
        "-e",
        "error.log",
        "-c",
        str(configuration),
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stderr
