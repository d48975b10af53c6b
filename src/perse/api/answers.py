"""What every successful answer has."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat


class Answer(BaseModel):
    """A JSON answer. A field that is None is left out: the wire knows no null."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        json_schema_serialization_defaults_required=True,
    )

    def to_json(self) -> bytes:
        return self.model_dump_json(by_alias=True, exclude_none=True).encode()


class Success(Answer):
    """An answer of ``/v0``."""

    time_taken: FiniteFloat = Field(ge=0, description="Seconds that the server took.")
    status: int = Field(200, ge=200, le=200, description="The HTTP status.")
