"""The API's description, with what every operation may answer besides success: a problem document (RFC 9457)."""

from typing import Any

from ninja import NinjaAPI, Schema
from ninja.openapi.schema import OpenAPISchema


class ProblemFieldOut(Schema):
    field: str
    message: str


class ProblemOut(Schema):
    """Why a request was not done and what to do. `code` is for programs; `errors` point at fields of the request."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[ProblemFieldOut]
    request_id: str


REFERENCE = "#/components/schemas/{model}"
ANSWER = {
    "description": "The request was not done; the document says why and what to do.",
    "content": {"application/problem+json": {"schema": {"$ref": REFERENCE.format(model="ProblemOut")}}},
}


class DescribedAPI(NinjaAPI):
    """Adds the problem document as the `default` answer of each operation; made once, since it takes about a second."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._described: dict[str, OpenAPISchema] = {}

    def get_openapi_schema(self, **given: Any) -> OpenAPISchema:
        asked = repr(sorted(given.items()))
        if asked not in self._described:
            self._described[asked] = self._describe(**given)
        return self._described[asked]

    def _describe(self, **given: Any) -> OpenAPISchema:
        schema = super().get_openapi_schema(**given)
        problem = ProblemOut.model_json_schema(ref_template=REFERENCE)
        parts = problem.pop("$defs")
        schema["components"]["schemas"] |= parts | {"ProblemOut": problem}
        for methods in schema["paths"].values():
            for operation in methods.values():
                operation["responses"]["default"] = ANSWER
        return schema
