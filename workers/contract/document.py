"""The base of every document: unknown keys are errors, and JSON never holds NaN."""

from pydantic import BaseModel, ConfigDict


class Document(BaseModel):
    """A document that crosses a border. Unknown keys are refused, so a typo never passes in silence."""

    model_config = ConfigDict(extra="forbid", ser_json_inf_nan="null", protected_namespaces=())
