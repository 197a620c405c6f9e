"""The JSON Schema of the file, for editors: what a person writes, not what it becomes."""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from relay.config.models.file import File


def schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a configuration file."""
    described = File.model_json_schema(schema_generator=_AsWritten)
    return {"$schema": GenerateJsonSchema.schema_dialect, "title": "callback-relay", **described}


class _AsWritten(GenerateJsonSchema):
    """Leaves out what no person writes: null for what is not set, and titles that repeat the key."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        if schema.get("default", ...) in (None, ()):
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False
