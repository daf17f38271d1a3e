"""The server's OpenAPI document, to check responses against it."""

import re
from typing import Any

import jsonschema_rs
import requests

from tests.support.client import Json


class Contract:
    """The OpenAPI document of a server."""

    def __init__(self, url: str) -> None:
        self.document: Json = requests.get(f"{url}/openapi.json", timeout=30).json()

    def operations(self) -> list[tuple[str, str, Json]]:
        """Path, method and operation."""
        paths: dict[str, Json] = self.document["paths"]
        return [(path, method, it) for path in paths for method, it in paths[path].items()]

    def check(self, response: requests.Response) -> None:
        """Status, headers and body of the response are documented for its path."""
        path, operation = self._operation_of(response.request)
        case = f"{response.request.method} {path} {response.status_code}"
        described = operation["responses"].get(str(response.status_code))
        assert described, f"{case} is not documented"
        for name, reference in described["headers"].items():
            is_required = self.resolve(reference)["required"]
            assert name in response.headers or not is_required, f"{case} has no {name}"
        content = described.get("content", {})
        if content:
            media_type = response.headers["Content-Type"].partition(";")[0]
            assert media_type in content
            if media_type == "application/json":
                self.check_body(content[media_type]["schema"], response.json())
        else:
            assert response.content == b""

    def check_body(self, schema: Json, body: Any) -> None:
        """Raises ValidationError if the body does not match the schema."""
        whole = {**schema, "components": self.document["components"]}
        jsonschema_rs.validator_for(whole, validate_formats=True).validate(body)

    def resolve(self, part: Json) -> Json:
        """What a reference refers to."""
        if "$ref" not in part:
            return part
        found = self.document
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        return found

    def _operation_of(self, request: requests.PreparedRequest) -> tuple[str, Json]:
        address = (request.path_url or "").partition("?")[0]
        fitting = [path for path in self.document["paths"] if _fits(path, address)]
        assert fitting, f"{address} is not documented"
        path = min(fitting, key=lambda path: path.count("{"))
        operation: Json = self.document["paths"][path][(request.method or "").lower()]
        return path, operation


def _fits(path: str, address: str) -> bool:
    return re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)), address) is not None
