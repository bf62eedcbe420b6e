"""How values lie in the cache: JSON. Django's own way is pickle, with which whoever writes to Redis runs code in here."""

import json
from typing import Any


class JsonSerializer:
    """Whole numbers stay bare, since Redis counts with them."""

    def dumps(self, value: Any) -> Any:
        return value if type(value) is int else json.dumps(value)

    def loads(self, data: bytes) -> Any:
        """Raises ValueError for what was not written by `dumps`."""
        return json.loads(data)
