"""Serving: a model is held ready and answers chats, token by token, until nobody has asked for a while."""

import time

from workers.contract.catalogue import MetricInfo, ModelNeed, Preset
from workers.contract.control import Chat, ChatStop
from workers.contract.events import MetricsEvent, ProgressEvent
from workers.contract.run_spec import RunKind
from workers.engine.card import card
from workers.engine.modeling.loading import declared_context, load_tokenizer
from workers.engine.modeling.models import frozen
from workers.engine.reports.chat import Chats
from workers.engine.task import Work
from workers.engine.training.training_config import MethodConfig, setting

TELL_SECONDS = 5.0
"""How often the run tells how much it has answered."""


class Config(MethodConfig):
    idle_seconds: float = setting(
        600.0, "Ends after silence of", "The model is let go when nobody has asked it for so long.", group="basic", unit="s",
        order=10, gt=0, le=7 * 86_400)
    max_tokens: int = setting(
        1024, "Longest answer", "No answer has more tokens, whatever is asked for.", group="basic", unit="tokens", order=20,
        ge=1, le=131_072)
    max_chats: int = setting(
        8, "Answers at once", "Further questions are refused until one is done. Each keeps a cache in memory.", order=30,
        ge=1, le=256)


CARD = card(
    "serve-chat", Config, kind=RunKind.SERVE,
    title="Serve a model", family="Serving", papers=[],
    summary="Holds a model ready for the playground and for programs that speak the OpenAI chat completions shape. "
            "Several conversations are answered at once, a token of each in turn.",
    formula=r"y_t \sim \operatorname{softmax}\!\left(z_t / \tau\right) \text{ on the smallest set of mass} \ge p",
    confidence="knowledge",
    data=[], models=[ModelNeed(role="policy", help="The model that answers.")],
    presets=[Preset(name="default", title="Ten minutes", description="Ends ten minutes after the last question.")],
    metrics=[
        MetricInfo(name="chats", title="Answers", panel="Serving", help="Answers given so far."),
        MetricInfo(name="tokens_per_second", title="Tokens a second", panel="Serving", unit="tok/s", better="up",
                   help="Tokens written a second while somebody was being answered."),
    ],
)


def perform(config: Config, work: Work) -> dict[str, float | None]:
    """Answers until the model was idle for `idle_seconds`: how many answers and tokens it wrote."""
    ref = work.spec.models["policy"]
    work.log.say("running", "loading the model")
    tokenizer = load_tokenizer(ref.path)
    chats = Chats(frozen(ref, work.device), tokenizer, context_length=declared_context(ref.path),
                  most_tokens=config.max_tokens, most_open=config.max_chats, say=work.inbox.answer)
    work.hear = lambda message: chats.take(message) if isinstance(message, Chat | ChatStop) else None
    work.log.log(f"{ref.name or 'The model'} is ready.")
    work.log.say("running", "ready for questions")
    account = _Account(work, chats)
    quiet_since = time.monotonic()
    try:
        while time.monotonic() - quiet_since < config.idle_seconds:
            if chats.open:
                began = time.monotonic()
                chats.turn()
                quiet_since = time.monotonic()
                account.busy += quiet_since - began
                work.obey()
            else:
                account.tell()
                work.wait(max(0.0, min(TELL_SECONDS, config.idle_seconds - (time.monotonic() - quiet_since))))
    finally:
        chats.close("The model is being let go.")
    work.log.log(f"Nobody asked for {config.idle_seconds:g} s, so the model is let go.")
    return {"chats": float(chats.answered), "tokens": float(chats.tokens)}


class _Account:
    """What the run's curves say of the answers; nothing of what was said."""

    def __init__(self, work: Work, chats: Chats) -> None:
        self._work, self._chats = work, chats
        self._told, self._at = 0, 0.0
        self.busy = 0.0
        """Seconds spent writing."""

    def tell(self) -> None:
        """At most once in a while, and only when something was answered since."""
        answered, now = self._chats.answered, time.monotonic()
        if answered == self._told or now - self._at < TELL_SECONDS:
            return
        self._told, self._at = answered, now
        values: dict[str, float | None] = {"chats": float(answered), "tokens_per_second": self._chats.tokens / self.busy}
        self._work.log.write(MetricsEvent(step=answered, values=values))
        self._work.log.write(ProgressEvent(step=answered, tokens=self._chats.tokens))
