"""The event log of a run and what is kept beside it so that curves, logs and rollouts are read without replaying it."""

from django.db import models

from runs.launches.models import Run


class AttemptLog(models.Model):
    """How far the log of one attempt has come: the highest engine number kept, and the smallest step it measured."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="attempt_logs")
    attempt = models.PositiveIntegerField()
    last_seq = models.PositiveBigIntegerField(default=0)
    first_step = models.PositiveBigIntegerField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["run", "attempt"], name="one_log_per_attempt"),)

    def __str__(self) -> str:
        return f"{self.run_id}#{self.attempt}"


class EventChunk(models.Model):
    """Events that were kept together, cursors `first_cursor` to `last_cursor` without gaps.

    `data` is zstd over one JSON line an event; `types` lists the event types inside as ",log,metrics,". `first_seq` and
    `last_seq` are the engine's own numbers, 0 when the chunk holds none.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="event_chunks")
    attempt = models.PositiveIntegerField()
    first_cursor = models.PositiveBigIntegerField()
    last_cursor = models.PositiveBigIntegerField()
    first_seq = models.PositiveBigIntegerField(default=0)
    last_seq = models.PositiveBigIntegerField(default=0)
    types = models.CharField(max_length=200)
    data = models.BinaryField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["run", "first_cursor"], name="one_chunk_per_first_cursor"),
            models.UniqueConstraint(fields=["run", "last_cursor"], name="one_chunk_per_last_cursor"),
        )

    def __str__(self) -> str:
        return f"{self.run_id}: {self.first_cursor} to {self.last_cursor}"


TAIL = -1
"""`number` of the one chunk of a curve that still grows; a sealed chunk is numbered by its first step."""


class MetricChunk(models.Model):
    """Points of one curve of one attempt, steps rising strictly; see `columns` for what `data` holds.

    `low`, `high` and `last` leave out values that are not finite (None when there is no finite one). A sealed chunk
    carries a `sketch` of `sketch_count` of its points, packed like `data`, from which long curves are drawn.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="metric_chunks")
    attempt = models.PositiveIntegerField()
    name = models.CharField(max_length=200)
    number = models.BigIntegerField()
    first_step = models.PositiveBigIntegerField()
    last_step = models.PositiveBigIntegerField()
    count = models.PositiveIntegerField()
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    last = models.FloatField(null=True)
    data = models.BinaryField()
    sketch_count = models.PositiveIntegerField(default=0)
    sketch = models.BinaryField(default=b"")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["run", "name", "attempt", "number"], name="one_metric_chunk"),)

    def __str__(self) -> str:
        return f"{self.run_id} {self.name} {self.first_step} to {self.last_step}"


class Level(models.IntegerChoices):
    DEBUG = 10
    INFO = 20
    WARNING = 30
    ERROR = 40


class LogLine(models.Model):
    """A line of the run's log page: what the engine logged and what happened to the run. `time` is Unix seconds."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="log_lines")
    cursor = models.PositiveBigIntegerField()
    time = models.FloatField()
    level = models.PositiveSmallIntegerField(choices=Level.choices)
    message = models.TextField()
    step = models.PositiveBigIntegerField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["run", "cursor"], name="one_log_line_per_cursor"),)

    def __str__(self) -> str:
        return f"{self.run_id}@{self.cursor}"


class Rollout(models.Model):
    """One prompt and its answers as the list shows it. `body` is the event as JSON without its token arrays."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="rollouts")
    cursor = models.PositiveBigIntegerField()
    attempt = models.PositiveIntegerField()
    step = models.PositiveBigIntegerField()
    reward = models.FloatField(null=True)
    body = models.TextField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["run", "cursor"], name="one_rollout_per_cursor"),)
        indexes = (
            models.Index(fields=["run", "reward", "cursor"], name="rollout_by_reward"),
            models.Index(fields=["run", "step"], name="rollout_by_step"),
        )

    def __str__(self) -> str:
        return f"{self.run_id}@{self.cursor}"
