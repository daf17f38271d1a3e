"""JSON schemas of the types that validate requests and that answers are made of."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

Schema = dict[str, Any]


class Schemas:
    """The document's `components/schemas`. Each type is there once; elsewhere it is referred to."""

    def __init__(self, requests: Iterable[type], answers: Iterable[type]) -> None:
        inputs: list[tuple[type, JsonSchemaMode, TypeAdapter[Any]]] = [
            (kind, mode, TypeAdapter(kind))
            for mode, kinds in _modes(requests, answers)
            for kind in kinds
        ]
        found, definitions = TypeAdapter.json_schemas(
            inputs, ref_template="#/components/schemas/{model}", schema_generator=_WithoutTitles
        )
        self.components: dict[str, Schema] = definitions["$defs"]
        self._references = {kind: schema for (kind, _), schema in found.items()}

    def reference(self, kind: type) -> Schema:
        return self._references[kind]

    def fields(self, model: type[BaseModel]) -> Schema:
        """The fields of a model as a form or a query has them: what is optional is left out, never
        null.
        """
        schema = self.components[model.__name__]
        fields = {name: _without_null(field) for name, field in schema["properties"].items()}
        return {"type": "object", "properties": fields, "required": schema.get("required", [])}

    def example(self, model: type[BaseModel]) -> Any:
        """The example that the model itself gives."""
        return self.components[model.__name__]["examples"][0]


class _WithoutTitles(GenerateJsonSchema):
    """A title that repeats a field's name says nothing."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _modes(
    requests: Iterable[type], answers: Iterable[type]
) -> tuple[tuple[JsonSchemaMode, list[type]], ...]:
    return ("validation", sorted(requests, key=_name)), (
        "serialization",
        sorted(answers, key=_name),
    )


def _name(kind: type) -> str:
    return kind.__name__


def _without_null(field: Schema) -> Schema:
    kinds = [kind for kind in field.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) != 1:
        return field
    kept = {name: value for name, value in field.items() if name not in ("anyOf", "default")}
    return {**kinds[0], **kept}
