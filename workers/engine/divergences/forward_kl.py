"""Forward KL, the loss of logit distillation (arXiv 1503.02531 without its temperature's square)."""

from torch import Tensor


def divergence(student_logs: Tensor, teacher_logs: Tensor, *, beta: float = 0.0) -> Tensor:
    """KL(p_T‖p_S) [N] of log-distributions [N,V]; `beta` has no part in it."""
    return (teacher_logs.exp() * (teacher_logs - student_logs)).sum(-1)
