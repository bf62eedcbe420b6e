"""Events as an engine would write them, with defaults."""

from typing import Any

from workers.contract.events import Event, LogEvent, MetricsEvent, RolloutAnswer, RolloutEvent, RolloutTokens


def metric(seq: int, step: Any = None, **values: Any) -> Event:
    step = seq if step is None else step
    return MetricsEvent(seq=seq, time=1000.0 + seq, step=step, tokens=step * 10, values=values or {"reward": float(step)})


def said(seq: int, message: str = "Loading torch.", level: str = "info") -> Event:
    return LogEvent.model_validate({"seq": seq, "time": 1000.0 + seq, "level": level, "message": message})


def rollout(seq: int, step: int, reward: float | None = 0.5, text: str = "The answer is 12") -> Event:
    tokens = RolloutTokens(ids=[1, 2], texts=["The", " answer"], logprobs=[-0.1, -0.2])
    answer = RolloutAnswer(text=text, reward=reward, terms={"correct": reward}, length=2, tokens=tokens)
    return RolloutEvent(seq=seq, time=1000.0 + seq, step=step, prompt="4 + 8 = ?", reference_answer="12", answers=[answer])


def line(event: Event) -> bytes:
    return event.model_dump_json().encode()
