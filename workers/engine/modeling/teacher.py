"""A teacher beside the trained student: the frozen role, and the curves that comparing the two draws."""

from torch import Tensor

from workers.contract.catalogue import MetricInfo, ModelNeed
from workers.engine.composition import Role, Setting
from workers.engine.faults import ConfigFault
from workers.engine.modeling.loading import declared_context
from workers.engine.sample import Scores
from workers.engine.training.tally import Tally

STUDENT = ModelNeed(role="policy", help="The model that is trained: the student.")
TEACHER = ModelNeed(role="teacher", help="The model that is learned from. It reads the same tokens as the student.")

METRICS = [
    MetricInfo(name="teacher_entropy", title="Entropy of the teacher", panel="Policy", unit="nats"),
    MetricInfo(name="student_entropy", title="Entropy of the student", panel="Policy", unit="nats"),
    MetricInfo(name="kd/agreement", title="Top-1 agreement", panel="Distillation", better="up",
               help="Share of trained positions where student and teacher think the same token likeliest."),
]


def teacher_role(setting: Setting, longest: int) -> Role:
    """The frozen teacher. Raises ConfigFault when the run names none, or one that reads fewer tokens than `longest`.

    That it reads the student's tokens is checked of every model of a run (`loading.check_tokens`).
    """
    ref = setting.spec.models.get("teacher")
    if ref is None:
        raise ConfigFault("The run names no model as teacher.", "Choose a model to learn from.")
    context = declared_context(ref.path)
    if context < longest:
        raise ConfigFault(f"max_length {longest} is beyond the teacher's context of {context} tokens.",
                          f"Set max_length to {context} or less, or choose another teacher.")
    return Role("teacher", weights="teacher")


def tell(tally: Tally, scores: Scores, mask: Tensor) -> None:
    """Entropies of both and how often they agree, from a pass that compared them."""
    assert scores.compared is not None
    assert scores.entropy is not None
    tally.mean("teacher_entropy", scores.compared.teacher_entropy, mask)
    tally.mean("student_entropy", scores.entropy, mask)
    tally.mean("kd/agreement", scores.compared.agreement.float(), mask)
