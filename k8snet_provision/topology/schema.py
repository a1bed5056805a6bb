"""JSON Schema 2020-12 of a variables file that holds `topology`, for editors and other programs."""

from typing import Any

from .model import Topology


def json_schema() -> dict[str, Any]:
    """Describes group_vars/all/topology.yml: the one variable is checked, every other is let through."""
    topology = Topology.model_json_schema(ref_template="#/$defs/{model}")
    definitions = topology.pop("$defs")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "k8snet-provision topology",
        "description": "Ansible variables; `topology` is what k8snet-provision reads.",
        "type": "object",
        "properties": {"topology": {"$ref": "#/$defs/Topology"}},
        "$defs": {**definitions, "Topology": topology},
    }
