"""What stands for h = log π/π_ref under other divergences than the reverse KL (arXiv 2309.16240, in TRL's form).

An f-divergence's reward is β·f′(π/π_ref) up to a constant for each prompt, so that only differences within a pair mean
anything. With u = π/π_ref:

| divergence | f′(u) |
|---|---|
| reverse_kl | log u = h |
| forward_kl | 1 − 1/u |
| js_divergence | log 2u/(1+u) |
| alpha_divergence | (u^{α−1} − 1)/(α − 1); α → 1 is the reverse KL. The paper's own α is 1 minus this one. |

All are 0 at u = 1 and grow with u. Exponents stop at `HIGHEST`, beyond which float32 has no numbers.
"""

import math
from typing import Literal

from torch import Tensor
from torch.nn import functional as F

Divergence = Literal["reverse_kl", "forward_kl", "js_divergence", "alpha_divergence"]

HIGHEST = 80.0


def score(divergence: Divergence, h: Tensor, alpha: float) -> Tensor:
    """f′ of each log-ratio `h`, elementwise; `alpha` is read by the α-divergence alone."""
    if divergence == "forward_kl":
        return 1 - (-h).clamp(max=HIGHEST).exp()
    if divergence == "js_divergence":
        return math.log(2) + F.logsigmoid(h)
    if divergence == "alpha_divergence" and abs(alpha - 1) > 1e-6:
        return ((alpha - 1) * h).clamp(max=HIGHEST).expm1() / (alpha - 1)
    return h
