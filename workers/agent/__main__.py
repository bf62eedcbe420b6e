"""`python -m workers.agent run <run_id> <attempt>` and `… job <job_id> <attempt>`: one executor, started by `places`
after it has claimed. `python -m workers.agent host`: the worker itself, which `lodestar worker` runs too.

Django is set up first, since these modules need its models.
"""

import os
import sys


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lodestar.settings")
    import django  # noqa: PLC0415 # after the settings are named

    django.setup()
    from workers.agent import host, job_process, supervisor  # noqa: PLC0415 # models need a set-up Django

    if sys.argv[1:] == ["host"]:
        return host.main()
    kind, subject_id, attempt = sys.argv[1], sys.argv[2], int(sys.argv[3])
    return {"run": supervisor.main, "job": job_process.main}[kind](subject_id, attempt)


if __name__ == "__main__":
    sys.exit(main())
