"""Every endpoint of the application, read from its routes, so that a new one cannot be forgotten by
a test.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wordai_jobs.app import create_app
from wordai_jobs.config import parse_config

_ANSWERED_BY_FLASK = ("HEAD", "OPTIONS")
# What anybody may ask for. Whatever else there is needs a token.
PUBLIC = (
    "/",
    "/app-config.json",
    "/health",
    "/health/ready",
    "/metrics",
    "/openapi.json",
    "/docs",
    "/dev/token",
)
PUBLIC_FOLDERS = ("/static/", "/docs/")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A method and a path with `<parameters>`."""

    method: str
    path: str
    parameters: frozenset[str]

    @property
    def is_public(self) -> bool:
        return self.path in PUBLIC or self.path.startswith(PUBLIC_FOLDERS)

    def address(self, values: Mapping[str, str]) -> str:
        """The path with its parameters filled in."""
        address = self.path
        for name in self.parameters:
            address = address.replace(f"<{name}>", values[name]).replace(
                f"<path:{name}>", values[name]
            )
        return address


def all_endpoints(folder: Path) -> list[Endpoint]:
    """`folder`: a data folder for the application that is made to be asked, and never started."""
    rules = create_app(parse_config({"storage": {"data_dir": str(folder)}})).url_map.iter_rules()
    return sorted(
        (
            Endpoint(method, rule.rule, frozenset(rule.arguments))
            for rule in rules
            for method in (rule.methods or ())
            if method not in _ANSWERED_BY_FLASK
        ),
        key=lambda endpoint: (endpoint.path, endpoint.method),
    )
