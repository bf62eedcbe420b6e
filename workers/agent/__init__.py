"""What runs on a worker host beside the engine.

host: `lodestar worker`, the Celery worker and the sweeper in one. tasks: the bell's two tasks, done in seconds.
places: claim what fits on this host and start an executor for each. supervisor: one process per attempt of a run.
job_process: one per attempt of a job; handlers lie in jobs, found by file name. sweeper: finds what no bell told.
"""
