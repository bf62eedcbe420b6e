"""Generalised Jensen-Shannon divergence, GKD's loss (arXiv 2306.13649), with TRL's reading of its ends."""

import math

import torch
from torch import Tensor

from workers.engine.divergences import forward_kl, reverse_kl


def divergence(student_logs: Tensor, teacher_logs: Tensor, *, beta: float = 0.5) -> Tensor:
    """β·KL(p_T‖M) + (1−β)·KL(p_S‖M) [N], M = β·p_T + (1−β)·p_S, of log-distributions [N,V].

    Both terms vanish at β = 0 and β = 1; there it is the forward and the reverse KL, what it tends to when divided by
    β and by 1 − β. At β = ½ it is symmetric and at most log 2.
    """
    if beta <= 0.0:
        return forward_kl.divergence(student_logs, teacher_logs)
    if beta >= 1.0:
        return reverse_kl.divergence(student_logs, teacher_logs)
    mixture = torch.logaddexp(teacher_logs + math.log(beta), student_logs + math.log1p(-beta))
    of_teacher = (teacher_logs.exp() * (teacher_logs - mixture)).sum(-1)
    of_student = (student_logs.exp() * (student_logs - mixture)).sum(-1)
    return beta * of_teacher + (1 - beta) * of_student
