"""One token from logits [B,V], by an exponential race; B rows, V vocabulary.

argmax_v (z_v − log e_v) with e_v ~ Exp(1) is a draw from softmax(z): one pass, no cumulative sum, no sort
(the Gumbel-max trick; the first of V exponential clocks with rates softmax(z) to ring).
"""

import torch
from torch import Tensor

SMALLEST = 1e-38
"""An exponential draw of exactly 0 would make any token certain, impossible ones too."""


def filtered(logits: Tensor, *, top_p: float = 1.0, top_k: int = 0, min_p: float = 0.0) -> Tensor:
    """Logits with −inf outside: the `top_k` best (0: all), then p ≥ min_p·p_max, then the smallest set of mass ≥ top_p.

    Ties at the k-th place all stay. The best token always stays.
    """
    if 0 < top_k < logits.shape[-1]:
        logits = logits.masked_fill(logits < logits.topk(top_k).values[..., -1:], -torch.inf)
    if min_p > 0:
        best = logits.amax(-1, keepdim=True)
        logits = logits.masked_fill(logits < best + torch.log(torch.tensor(min_p)), -torch.inf)
    if top_p < 1:
        ordered, index = logits.sort(-1, descending=True)
        mass = ordered.softmax(-1)
        outside = mass.cumsum(-1) - mass >= top_p
        outside[..., 0] = False
        logits = logits.masked_fill(torch.zeros_like(outside).scatter(-1, index, outside), -torch.inf)
    return logits


def draw(
    logits: Tensor, *, temperature: float, top_p: float = 1.0, top_k: int = 0, min_p: float = 0.0,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """Tokens [B] and their log-probs [B] under softmax(logits/temperature), the whole of it, before any filter.

    That is the distribution the policy is trained at, so an unfiltered draw has it as behaviour. Temperature 0 takes
    the best token and tells its log-prob at temperature 1. `generator` None is torch's global one.
    """
    scaled = logits.float()
    if temperature == 0:
        tokens = scaled.argmax(-1)
    else:
        scaled = scaled if temperature == 1 else scaled / temperature
        noise = torch.empty_like(scaled).exponential_(generator=generator).clamp_(min=SMALLEST).log_()
        allowed = filtered(scaled, top_p=top_p, top_k=top_k, min_p=min_p)
        tokens = torch.sub(allowed, noise, out=noise).argmax(-1)
    chosen = scaled.gather(-1, tokens.unsqueeze(-1)).squeeze(-1)
    return tokens, chosen - scaled.logsumexp(-1)
