"""Every endpoint of the application, read from its routes, so that tests forget no new one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from tempfile import TemporaryDirectory
from typing import Any

from wordai_jobs.app import create_app
from wordai_jobs.config import parse_config
from wordai_jobs.web.openapi.document import build

# Everything else needs a token.
PUBLIC = (
    *("/", "/docs", "/openapi.json"),
    *("/health", "/health/ready", "/metrics", "/dev/token"),
)
PUBLIC_FOLDERS = ("/static/", "/docs/")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A method and a path with `<parameters>`."""

    method: str
    path: str
    parameters: frozenset[str]
    # The example of its JSON body in the OpenAPI document; None if it takes none.
    body: Any

    @property
    def is_public(self) -> bool:
        return self.path in PUBLIC or self.path.startswith(PUBLIC_FOLDERS)

    def address(self, values: Mapping[str, str]) -> str:
        """The path with its parameters filled in."""
        return re.sub(r"<(?:path:)?(\w+)>", lambda match: values[match[1]], self.path)


@cache
def all_endpoints() -> list[Endpoint]:
    """All but Flask's own."""
    with TemporaryDirectory() as folder:  # for an application that is never started
        app = create_app(parse_config({"storage": {"data_dir": folder}}))
    paths = build(app)["paths"]

    def body(path: str, method: str) -> Any:
        operation = paths[re.sub(r"<(?:path:)?(\w+)>", r"{\1}", path)][method.lower()]
        content = operation.get("requestBody", {}).get("content", {})
        return content.get("application/json", {}).get("example")

    found = [
        Endpoint(method, rule.rule, frozenset(rule.arguments), body(rule.rule, method))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    ]
    return sorted(found, key=lambda endpoint: (endpoint.path, endpoint.method))
