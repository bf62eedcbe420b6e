"""The main road of a file in one object: sent by API, inspected and ingested by the real handlers in this process."""

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.test import Client

from runs.accounts.access import Actor, Role
from runs.accounts.models import Membership, Project, User
from runs.accounts.secrets import create_token
from runs.jobs import services as jobs
from runs.jobs.models import Job
from runs.leases import Desired
from runs.problems import Problem
from workers.agent.jobs import JobCancelled, JobContext, JobRefused, handler

SHARED_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def desk_at(home: Path, site: Any) -> "Desk":
    """A desk whose state lies below `home`; `site` is pytest-django's settings."""
    site.HOME = home
    site.MODEL_ROOTS = [home / "models"]
    site.FILE_UPLOAD_TEMP_DIR = home
    return Desk()


class Desk:
    """A project with people in each role; every call goes through the API with a token of its own."""

    def __init__(self) -> None:
        self.project = Project.objects.create(name="Sums")
        self.models = Path(settings.HOME) / "models"
        self._headers: dict[str, dict[str, str]] = {}

    def call(self, method: str, path: str, body: Any = None, *, who: str = Role.EDITOR, **headers: str) -> Any:
        """The answer of /api/v1`path`; bytes go as they are, anything else as JSON."""
        raw = isinstance(body, bytes)
        content = body if raw else json.dumps(body) if body is not None else ""
        kind = "application/octet-stream" if raw else "application/json"
        return Client().generic(method, f"/api/v1{path}", content, content_type=kind, headers=self.headers_of(who) | headers)

    def get(self, path: str) -> Any:
        answer = self.call("GET", path)
        assert answer.status_code == 200, answer.content
        return answer.json()

    def post(self, path: str, body: Any) -> Any:
        answer = self.call("POST", path, body)
        assert answer.status_code == 201, answer.content
        return answer.json()

    def begin(self, size: int) -> str:
        """The id of a fresh upload."""
        made = self.post(f"/projects/{self.project.id}/uploads", {"filename": "sums.jsonl", "size_bytes": size})
        assert (made["offset"], made["state"]) == (0, "receiving")
        return str(made["id"])

    def send(self, content: bytes) -> dict[str, Any]:
        """The upload after its inspection."""
        upload = self.begin(len(content))
        answer = self.call("PATCH", f"/uploads/{upload}", content, **{"Upload-Offset": "0"})
        assert answer.status_code == 200, answer.content
        self.work(answer.json()["job_id"])
        return self.get(f"/uploads/{upload}")  # type: ignore[no-any-return]

    def ingest(self, upload: dict[str, Any], mapping: Any = None, **splits: Any) -> dict[str, Any]:
        """A new data set's first version after its job."""
        body = {"name": "Rows", "source": {"upload_id": upload["id"]}, "mapping": mapping, "splits": {"mode": "none"} | splits}
        made = self.post(f"/projects/{self.project.id}/datasets", body)
        self.work(made["job"]["id"])
        return self.get(f"/dataset-versions/{made['version']['id']}")  # type: ignore[no-any-return]

    def rows(self, version: dict[str, Any], **query: Any) -> list[dict[str, Any]]:
        asked = "&".join(f"{key}={value}" for key, value in query.items())
        return [item["record"] for item in self.get(f"/dataset-versions/{version['id']}/rows?{asked}")["items"]]

    def work(self, job_id: str, *, cancelled_while_it_runs: bool = False) -> Job:
        """Does a job here and now, as a worker's process would."""
        attempt = jobs.claim(job_id, owner="wrk_test")
        assert attempt is not None
        if cancelled_while_it_runs:
            jobs.request_cancel(Job.objects.get(id=job_id))
        job = Job.objects.get(id=job_id)
        try:
            jobs.succeed(job_id, attempt, handler(job.kind)(self._context(job)))
        except JobRefused as refused:
            jobs.fail(job_id, attempt, refused.error)
        except Problem as problem:
            jobs.fail(job_id, attempt, {"code": problem.code, "message": problem.detail, "remedy": "", "faults": []})
        except JobCancelled:
            jobs.finish_cancel(job_id, attempt)
        job.refresh_from_db()
        return job

    def _context(self, job: Job) -> JobContext:
        """The handler sees a cancel at its first report that somebody asked for it."""

        def report(progress: float | None, doing: str, eta_seconds: float | None) -> bool:
            return jobs.report(job.id, job.attempt, progress=progress, doing=doing, eta_seconds=eta_seconds) == Desired.RUN

        work_dir = Path(settings.HOME) / "jobs" / job.id
        work_dir.mkdir(parents=True, exist_ok=True)
        return JobContext(
            id=job.id, project_id=job.project_id, attempt=job.attempt, payload=job.payload, work_dir=work_dir, report=report
        )

    def headers_of(self, who: str) -> dict[str, str]:
        """A person is made when first asked for; `stranger` is no member."""
        if who not in self._headers:
            user = User.objects.create(email=f"{who}@example.org", name=who)
            if who != "stranger":
                Membership.objects.create(project=self.project, user=user, role=Role(who))
            self._headers[who] = {"Authorization": f"Bearer {create_token(Actor(user), name='test')[1]}"}
        return self._headers[who]


def jsonl(*rows: Any) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
