"""Step rewards and the reward of the whole answer together (survey §7, hybrid rewards): r_t = r_step(t) + R·1[t last].

The weights of both are those of the reward's terms. With a reward that is worth nothing but its steps this is `step_rewards`,
without steps it is `last_token`.
"""

from torch import Tensor

from workers.engine.credit import last_token, step_rewards

NEEDS = ("step_rewards", "step_ends")


def token_rewards(rewards: Tensor, mask: Tensor, **steps: Tensor) -> Tensor:
    """The sum of both members; a row adds up to R plus what its steps earned."""
    return step_rewards.token_rewards(rewards, mask, **steps) + last_token.token_rewards(rewards, mask)
