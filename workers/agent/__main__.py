"""`python -m workers.agent run <run_id> <attempt>` and `python -m workers.agent job <job_id> <attempt>`: one executor.

Started by `places` after it has claimed; Django is set up first, since the executors' modules need its models.
"""

import os
import sys


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lodestar.settings")
    import django  # noqa: PLC0415 # after the settings are named

    django.setup()
    from workers.agent import job_process, supervisor  # noqa: PLC0415 # models need a set-up Django

    kind, subject_id, attempt = sys.argv[1], sys.argv[2], int(sys.argv[3])
    return {"run": supervisor.main, "job": job_process.main}[kind](subject_id, attempt)


if __name__ == "__main__":
    sys.exit(main())
