"""How often somebody may fail before they have to wait. Counted in Redis, so that all web processes count together."""

import time
from dataclasses import dataclass

import structlog
from django.core.cache import cache
from django.http import HttpRequest
from redis.exceptions import RedisError

from runs.problems import Problem

log = structlog.get_logger(__name__)


class TooMany(Problem):
    """429, with the seconds to wait in Retry-After."""

    def __init__(self, retry_after: int) -> None:
        detail = f"Too many attempts. Wait {retry_after} s, then retry."
        super().__init__(status=429, code="too_many_requests", detail=detail)
        self.retry_after = retry_after


@dataclass(frozen=True)
class Limit:
    """At most `count` in each window of `seconds`, for each subject (an address, a person)."""

    name: str
    count_allowed: int
    seconds: int

    def refuse_when_spent(self, subject: str) -> None:
        """Raises TooMany. When Redis is down nothing is refused: passwords are slow to try and tokens are 260 bits."""
        try:
            spent = int(cache.get(self._key(subject), 0)) >= self.count_allowed
        except (RedisError, ValueError, TypeError) as error:  # ValueError, TypeError: somebody else wrote there
            log.warning("limit_not_checked", limit=self.name, error=str(error))
            return
        if spent:
            raise TooMany(self.seconds - int(time.time()) % self.seconds)

    def count(self, subject: str) -> None:
        try:
            cache.add(self._key(subject), 0, timeout=self.seconds)
            cache.incr(self._key(subject))
        except (RedisError, ValueError) as error:  # ValueError: the window ended between the two
            log.warning("limit_not_counted", limit=self.name, error=str(error))

    def _key(self, subject: str) -> str:
        return f"limit:{self.name}:{subject}:{int(time.time()) // self.seconds}"


SIGN_IN_BY_ADDRESS = Limit("sign-in-address", 20, 300)
SIGN_IN_BY_PERSON = Limit("sign-in-person", 10, 300)
TOKEN_FAILURES = Limit("token-failures", 60, 60)


def address_of(request: HttpRequest) -> str:
    """The address that asks; behind a trusted proxy the server has put the real one here already."""
    return str(request.META.get("REMOTE_ADDR", ""))
