"""What requests carry."""

from typing import Any

from wordai_jobs.web.openapi.operation import Form, Operation
from wordai_jobs.web.openapi.schemas import Schemas

_PDF = {
    "type": "string",
    "format": "binary",
    "contentMediaType": "application/pdf",
    "description": "the PDF",
}


def request_body(operation: Operation, schemas: Schemas) -> dict[str, Any] | None:
    """The bodies that the operation takes, None where it takes none."""
    content: dict[str, Any] = {}
    if operation.json:
        content["application/json"] = {
            "schema": schemas.reference(operation.json),
            "example": schemas.example(operation.json),
        }
    if operation.form:
        content["multipart/form-data"] = {"schema": _form(operation.form, schemas)}
    return {"required": True, "content": content} if content else None


def _form(form: Form, schemas: Schemas) -> dict[str, Any]:
    fields = schemas.fields(form.fields) if form.fields else {"properties": {}, "required": []}
    return {
        "type": "object",
        "properties": {**fields["properties"], "file": _PDF},
        "required": [*fields["required"], "file"],
    }
