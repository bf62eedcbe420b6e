"""Reverse KL: mode-seeking distillation (arXiv 2306.08543), and the full penalty of a policy against its reference."""

from torch import Tensor


def divergence(student_logs: Tensor, teacher_logs: Tensor, *, beta: float = 1.0) -> Tensor:
    """KL(p_S‖p_T) [N] of log-distributions [N,V]; `beta` has no part in it."""
    return (student_logs.exp() * (student_logs - teacher_logs)).sum(-1)
