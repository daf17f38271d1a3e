"""JSON schemas of the types in `request_bodies` and `response_bodies`, and examples from them."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

Schema = dict[str, Any]

_REFERENCE = "#/components/schemas/"


class Schemas:
    """The document's `components/schemas`: each type once, referred to from everywhere else."""

    def __init__(self, requests: Iterable[type], responses: Iterable[type]) -> None:
        by_mode: dict[JsonSchemaMode, Iterable[type]] = {
            "validation": requests,
            "serialization": responses,
        }
        inputs: list[tuple[type, JsonSchemaMode, TypeAdapter[Any]]] = [
            (kind, mode, TypeAdapter(kind))
            for mode, kinds in by_mode.items()
            for kind in sorted(kinds, key=lambda kind: kind.__name__)
        ]
        found, definitions = TypeAdapter.json_schemas(
            inputs, ref_template=_REFERENCE + "{model}", schema_generator=_WithoutTitles
        )
        self.components: dict[str, Schema] = definitions["$defs"]
        self._references = {kind: schema for (kind, _), schema in found.items()}

    def reference(self, kind: type) -> Schema:
        return self._references[kind]

    def fields(self, model: type[BaseModel]) -> Schema:
        """The fields of a model as a form or a query has them: optional ones are left out, never
        null.
        """
        schema = self.components[model.__name__]
        fields = {name: _without_null(field) for name, field in schema["properties"].items()}
        return {"type": "object", "properties": fields, "required": schema.get("required", [])}

    def example(self, schema: Schema) -> Any:
        """The schema's own example, or one made from the examples of its parts."""
        if "examples" in schema:
            return schema["examples"][0]
        if "const" in schema:
            return schema["const"]
        if "$ref" in schema:
            return self.example(self.components[schema["$ref"].removeprefix(_REFERENCE)])
        if schema["type"] == "array":
            return [self.example(schema["items"])]
        return {
            name: self.example(field)
            for name, field in schema["properties"].items()
            if name in schema.get("required", ()) or "examples" in field
        }


class _WithoutTitles(GenerateJsonSchema):
    """A title that repeats a field's name says nothing."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _without_null(field: Schema) -> Schema:
    kinds = [kind for kind in field.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) != 1:
        return field
    kept = {name: value for name, value in field.items() if name not in ("anyOf", "default")}
    return {**kinds[0], **kept}
