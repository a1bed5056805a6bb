"""What every part of the topology shares: frozen, and keys that are not its fields are refused."""

from pydantic import AliasGenerator, BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Part(BaseModel):
    """A mapping of the topology."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ApiPart(Part):
    """A part whose fields are those of a Kubernetes API type, written in snake_case."""

    model_config = ConfigDict(alias_generator=AliasGenerator(serialization_alias=to_camel))

    def as_api(self) -> dict[str, object]:
        """The keys that were given, under the names of the API type."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)
