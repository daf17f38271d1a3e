"""A curl command for each operation, made from the examples of its parameters and its body."""

import json
import re
import shlex
from typing import Any

from wordai_jobs.web.openapi.parameters import PATH_PARAMETERS

Document = dict[str, Any]


def curl(path: str, method: str, described: Document) -> Document:
    """The sample of an operation, to be run with `SERVER` and, if it needs one, `TOKEN` set."""
    address = re.sub(r"\{(\w+)\}", lambda match: PATH_PARAMETERS[match[1]]["example"], path)
    wanted = [
        f"{field['name']}={field['example']}"
        for field in described["parameters"]
        if field.get("in") == "query" and field.get("required")
    ]
    address += f"?{'&'.join(wanted)}" if wanted else ""
    parts = ["curl -sS" if method == "get" else f"curl -sS -X {method.upper()}"]
    if {"bearer": []} in described["security"]:
        parts.append('-H "Authorization: Bearer $TOKEN"')
    content = described.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        body = json.dumps(content["application/json"]["example"], ensure_ascii=False)
        parts.append(f"-H 'Content-Type: application/json' -d {shlex.quote(body)}")
    elif content:
        parts.append("-F file=@document.pdf")
    parts.append(f'"$SERVER{address}"')
    return {"lang": "shell", "label": "curl", "source": " \\\n  ".join(parts)}
