"""PPO: proximal policy optimisation with a critic and generalised advantages (arXiv 1707.06347, 1506.02438, 2203.02155).

Each step answers are drawn and scored; the reward stands on the last token, less β times the log-ratio to the reference on
each token; the critic says what the state before each token is worth; GAE makes advantages and returns of both. Policy and
critic are then fitted on the same mini-batches for some passes, each with its own optimizer, gradient norm and learning
rate: the policy by the clipped surrogate, the critic by the clipped square loss. Both average over all tokens. β may be steered
towards a target divergence (see `step_rules.adaptive_kl`); an entropy bonus may be added.

At the edge: an answer without a reward is not trained on, by neither; equal rewards still teach the critic, and the policy
wherever the critic expected something else; a group of one is as good as any other; when every answer is cut and cut answers
are left out, the step changes nothing.
"""

from functools import partial

from torch import Tensor

from workers.contract.catalogue import MetricInfo, Paper, Preset
from workers.engine.card import card
from workers.engine.composition import Composition, Setting, Turn
from workers.engine.critic import gae
from workers.engine.families import actor_critic, surrogate
from workers.engine.families.actor_critic import ACTOR_CRITIC_METRICS, CRITIC, ActorCriticConfig
from workers.engine.families.kl_control import KlControlConfig, controlled
from workers.engine.families.online_config import DATA, POLICY
from workers.engine.sample import Batch, Counts, Sample
from workers.engine.training.training_config import setting


class Config(ActorCriticConfig, KlControlConfig):
    num_iterations: int = setting(
        4, "Passes over the answers", "Times each set of answers is trained on (PPO epochs).", order=119, ge=1, le=64)
    updates_per_rollout: int = setting(
        1, "Updates per pass", "Mini-batches into which a pass is cut; groups stay whole.", order=120, ge=1, le=1024)
    cliprange_value: float | None = setting(
        0.2, "Value clip range", "How far a value may move from where it stood before its gradient is cut; empty never cuts.",
        order=134, gt=0, le=1e6)


OWN_METRICS = [
    MetricInfo(name="policy/approxkl_avg", title="Moved within the step", panel="Policy", unit="nats/token",
               help="½ mean (log π − log π_old)² over the updates."),
    MetricInfo(name="val/ratio", title="Mean ratio", panel="Policy", help="π / π_old over the updates; near 1."),
    MetricInfo(name="val/clipfrac_avg", title="Values clipped", panel="Critic", better="down"),
    MetricInfo(name="kl_coef", title="KL coefficient β", panel="KL", help="Moves where the KL has a target."),
]

CARD = card(
    "ppo", Config, title="Proximal policy optimisation", family="Policy optimisation",
    papers=[Paper(title="Proximal Policy Optimization Algorithms", authors="Schulman et al.", year=2017,
                  link="https://arxiv.org/abs/1707.06347"),
            Paper(title="High-Dimensional Continuous Control Using Generalized Advantage Estimation",
                  authors="Schulman et al.", year=2015, link="https://arxiv.org/abs/1506.02438"),
            Paper(title="Training Language Models to Follow Instructions with Human Feedback", authors="Ouyang et al.",
                  year=2022, link="https://arxiv.org/abs/2203.02155")],
    summary="Draws answers, scores them, and lets a second model, the critic, learn what each beginning of an answer is worth: "
            "each token is then judged by how much better it made things. The classic of RLHF; needs the critic's memory.",
    formula=r"\mathcal{L} = -\mathbb{E}_t\!\left[\min\!\left(\rho_tA_t,\,"
            r"\mathrm{clip}(\rho_t,1-\varepsilon,1+\varepsilon)A_t\right)\right] "
            r"+ \tfrac{c_v}2\mathbb{E}_t\!\left[(V_t-R_t)^2\right],\quad "
            r"A_t=\sum_{l\ge0}(\gamma\lambda)^l\delta_{t+l},\;\delta_t=r_t+\gamma V_{t+1}-V_t",
    confidence="code", left_out="A critic that shares the policy's trunk.",
    data=DATA,
    models=[POLICY, CRITIC],
    needs_reward=True, metrics=ACTOR_CRITIC_METRICS + OWN_METRICS,
    presets=[
        Preset(name="default", title="Default", description="Four passes over each set of answers, KL in the reward.", config={}),
        Preset(name="lora", title="LoRA", description="Policy and critic train adapters; the reference is the policy without it.",
               config={"use_peft": True, "lora_r": 16, "lora_alpha": 32}),
        Preset(name="demo", title="Demo", description="Two-digit sums with the tiny model, a few minutes on two cores.",
               config={"learning_rate": 5e-5, "critic_learning_rate": 5e-4, "prompts_per_step": 128, "num_generations": 4,
                       "max_completion_length": 8, "per_device_train_batch_size": 512, "max_steps": 50, "num_iterations": 2,
                       "updates_per_rollout": 2, "lr_scheduler_type": "constant", "warmup_ratio": 0.0,
                       "eval_steps": 10, "eval_limit": 256, "eval_max_new_tokens": 8, "beta": 0.01}),
    ],
)


def compose(config: Config, setting: Setting) -> Composition:
    """Raises ConfigFault when there is no reward, a term misses its column, or the settings contradict each other."""
    return controlled(config, actor_critic.composition(config, setting, estimate=partial(gae.estimate, gamma=config.gamma,
                      lam=config.lam), loss=partial(loss, config)))


def compare(config: Config, turn: Turn, samples: list[Sample]) -> None:
    """Gives every sample its values, token rewards, advantages and returns; one without a reward is masked out."""
    actor_critic.compare(config, partial(gae.estimate, gamma=config.gamma, lam=config.lam), turn, samples)


def loss(config: Config, turn: Turn, batch: Batch, counts: Counts) -> Tensor:
    """One micro-batch's clipped surrogate and c_v times its clipped value loss, both averaged over the update's tokens."""
    policy = surrogate.surrogate(config, turn, batch, counts, told="loss/policy_avg")
    turn.tally.mean("policy/approxkl_avg", policy.ratio.log().square() / 2, batch.mask)
    turn.tally.mean("val/ratio", policy.ratio, batch.mask)
    return policy.loss + actor_critic.value_loss(config, turn, batch, counts, cliprange=config.cliprange_value)
