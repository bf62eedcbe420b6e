"""A project with several annotators and campaigns over rows that a test gives, all through the API."""

from pathlib import Path
from typing import Any

from runs.accounts.access import Actor, Role
from runs.accounts.models import Membership, User
from runs.accounts.secrets import create_token
from tests.datasets.desk import Desk, jsonl

NAMES = ("ann", "bob", "cyd", "dan")


def pairs(count: int) -> list[dict[str, str]]:
    return [{"prompt": f"{n}+1=", "chosen": str(n + 1), "rejected": str(n + 2)} for n in range(count)]


class Bench(Desk):
    """A desk at which `ann`, `bob`, `cyd` and `dan` annotate."""

    def headers_of(self, who: str) -> dict[str, str]:
        if who in NAMES and who not in self._headers:
            user = User.objects.create(email=f"{who}@example.org", name=who.title())
            Membership.objects.create(project=self.project, user=user, role=Role.ANNOTATOR)
            self._headers[who] = {"Authorization": f"Bearer {create_token(Actor(user), name='test')[1]}"}
        return super().headers_of(who)

    def version(self, *rows: dict[str, Any], **options: Any) -> dict[str, Any]:
        return self.ingest(self.send(jsonl(*rows)), **options)

    def try_campaign(self, source: dict[str, Any], **given: Any) -> Any:
        """The answer to a request for a new campaign."""
        body = {"name": "Sums", "source": source, "seed": 7, **given}
        return self.call("POST", f"/projects/{self.project.id}/campaigns", body)

    def campaign(self, count: int = 3, **given: Any) -> dict[str, Any]:
        """A campaign over that many preference pairs."""
        source = {"kind": "dataset", "version_id": self.version(*pairs(count))["id"]}
        answer = self.try_campaign(source, **given)
        assert answer.status_code == 201, answer.content
        return answer.json()  # type: ignore[no-any-return]

    def at(self, campaign: dict[str, Any], path: str, body: Any = None, *, who: str = Role.EDITOR, status: int = 200) -> Any:
        """GET, or POST with a body, below the campaign."""
        method = "GET" if body is None else "POST"
        answer = self.call(method, f"/campaigns/{campaign['id']}/{path}", body, who=who)
        assert answer.status_code == status, answer.content
        return answer.json()

    def tasks(self, campaign: dict[str, Any], who: str, want: int = 5) -> list[dict[str, Any]]:
        return self.at(campaign, "tasks", {"want": want}, who=who)["tasks"]  # type: ignore[no-any-return]

    def judge(
        self, campaign: dict[str, Any], who: str, task: dict[str, Any], verdict: str = "a", status: int = 201, **given: Any
    ) -> Any:
        body = {"task_id": task["id"], "client_id": f"{who}-{task['id']}", "verdict": verdict, **given}
        return self.at(campaign, "judgments", body, who=who, status=status)

    def judge_all(self, campaign: dict[str, Any], who: str, verdict: str = "a", **given: Any) -> list[dict[str, Any]]:
        """Everything that is handed out to `who`, in the order of the pairs."""
        done = []
        while tasks := self.tasks(campaign, who):
            for task in tasks:
                self.judge(campaign, who, task, verdict, **given)
            done += tasks
        return done


def bench_at(home: Path, site: Any) -> Bench:
    site.HOME = home
    site.MODEL_ROOTS = [home / "models"]
    site.FILE_UPLOAD_TEMP_DIR = home
    return Bench()
