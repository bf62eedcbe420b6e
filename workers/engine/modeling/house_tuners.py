"""Two adapters that peft does not have, as peft tuners of our own: bottleneck networks and CURLoRA.

They are attached, switched off, saved and loaded through peft like its own kinds, by processes that have imported this
file. peft alone does not know them: elsewhere a merged CURLoRA model loads as any model does, and a bottleneck, which
no weight of the base can express, needs this engine.

Legend: d width of a layer's output, m of the bottleneck, r rank.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from peft.config import PeftConfig
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING, PEFT_TYPE_TO_PREFIX_MAPPING, PEFT_TYPE_TO_TUNER_MAPPING
from peft.tuners.tuners_utils import BaseTuner, BaseTunerLayer, check_adapters_to_merge
from torch import Tensor, nn

ACTIVATIONS: dict[str, type[nn.Module]] = {"gelu": nn.GELU, "relu": nn.ReLU}


@dataclass
class BottleneckConfig(PeftConfig):
    """`size` is m; `target_modules` are the layers after which the networks stand."""

    target_modules: list[str] | str | None = None
    size: int = 64
    activation: str = "gelu"
    modules_to_save: list[str] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()  # type: ignore[no-untyped-call]  # peft leaves it untyped
        self.peft_type = "BOTTLENECK"


@dataclass
class CurConfig(PeftConfig):
    """`r` columns and rows of each target."""

    target_modules: list[str] | str | None = None
    r: int = 8
    modules_to_save: list[str] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()  # type: ignore[no-untyped-call]  # peft leaves it untyped
        self.peft_type = "CURLORA"


class BottleneckLayer(nn.Module, BaseTunerLayer):
    """h ← h + U·act(D·h + b_d) + b_u after a linear layer, D [m,d], U [d,m]; U and b_u zero at the start (arXiv 1902.00751)."""

    adapter_layer_names: ClassVar[tuple[str, ...]] = ("bottleneck_down", "bottleneck_up")  # type: ignore[misc]

    def __init__(self, base_layer: Any, adapter_name: str, config: BottleneckConfig) -> None:
        super().__init__()
        self.base_layer = base_layer
        self.bottleneck_down, self.bottleneck_up = nn.ModuleDict(), nn.ModuleDict()
        self.activation = ACTIVATIONS[config.activation]()
        self._disable_adapters, self.merged_adapters, self._active_adapter = False, [], adapter_name
        down = nn.Linear(base_layer.out_features, config.size)
        up = nn.Linear(config.size, base_layer.out_features)
        nn.init.zeros_(up.weight)
        nn.init.zeros_(up.bias)
        self.bottleneck_down[adapter_name], self.bottleneck_up[adapter_name] = down, up
        self._move_adapter_to_device_of_base_layer(adapter_name)
        self.set_adapter(self.active_adapters, inference_mode=config.inference_mode)

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """x [..., in] → [..., d]."""
        hidden: Tensor = self.base_layer(x, *args, **kwargs)
        if self.disable_adapters:
            return hidden
        for name in self.active_adapters:
            inner = self.activation(self.bottleneck_down[name](hidden))
            hidden = hidden + self.bottleneck_up[name](inner).to(hidden.dtype)
        return hidden


class CurLayer(nn.Module, BaseTunerLayer):
    """W + C·U·R: C [out,r] columns and R [r,in] rows of W, frozen; U [r,r] trained, zero at the start (arXiv 2408.14572).

    A column is drawn with probability inverse to its squared norm, without return, and so are rows: what matters least to
    the base is what the adapter may bend.
    """

    adapter_layer_names: ClassVar[tuple[str, ...]] = ("curlora_u", "curlora_c", "curlora_r")  # type: ignore[misc]

    def __init__(self, base_layer: Any, adapter_name: str, config: CurConfig) -> None:
        super().__init__()
        self.base_layer = base_layer
        self.curlora_u, self.curlora_c, self.curlora_r = nn.ParameterDict(), nn.ParameterDict(), nn.ParameterDict()
        self._disable_adapters, self.merged_adapters, self._active_adapter = False, [], adapter_name
        weight = base_layer.weight.detach()
        rank = min(config.r, *weight.shape)
        self.curlora_u[adapter_name] = nn.Parameter(torch.zeros(rank, rank))
        self.curlora_c[adapter_name] = nn.Parameter(weight[:, unimportant(weight.T, rank)].clone())
        self.curlora_r[adapter_name] = nn.Parameter(weight[unimportant(weight, rank)].clone())
        self.frozen_peft_weight_names = {adapter_name: ("curlora_c", "curlora_r")}
        self._move_adapter_to_device_of_base_layer(adapter_name)
        self.set_adapter(self.active_adapters, inference_mode=config.inference_mode)

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """x [..., in] → [..., out]."""
        result: Tensor = self.base_layer(x, *args, **kwargs)
        if self.disable_adapters or self.merged:
            return result
        for name in self.active_adapters:
            inner = x.to(self.curlora_u[name].dtype) @ self.curlora_r[name].T @ self.curlora_u[name].T
            result = result + (inner @ self.curlora_c[name].T).to(result.dtype)
        return result

    def get_delta_weight(self, name: str) -> Tensor:
        """C·U·R [out,in]."""
        delta: Tensor = self.curlora_c[name] @ self.curlora_u[name] @ self.curlora_r[name]
        return delta

    def merge(self, safe_merge: bool = False, adapter_names: list[str] | None = None) -> None:
        """Adds C·U·R to the base's weight; `safe_merge` is peft's and changes nothing here."""
        for name in check_adapters_to_merge(self, adapter_names):
            base: Any = self.get_base_layer()
            base.weight.data += self.get_delta_weight(name).to(base.weight.dtype)
            self.merged_adapters.append(name)


def unimportant(weight: Tensor, count: int) -> Tensor:
    """`count` different rows of weight [n,m], drawn with probability inverse to their squared norm, in ascending order."""
    inverse = 1 / weight.float().square().sum(1).clamp(min=1e-12)
    return torch.multinomial(inverse / inverse.sum(), count, replacement=False).sort().values


class _HouseTuner(BaseTuner):
    target_module_mapping: ClassVar[dict[str, list[str]]] = {}  # type: ignore[misc]

    def _create_and_replace(  # noqa: PLR0917 - peft calls it by position
        self, peft_config: Any, adapter_name: str, target: Any, target_name: str, parent: Any, current_key: str,
        parameter_name: str | None = None,
    ) -> None:
        if not isinstance(target, nn.Linear):
            raise ValueError(f"{current_key} is no linear layer")
        layer: Any = self.tuner_layer_cls
        self._replace_module(parent, target_name, layer(target, adapter_name, peft_config), target)


class BottleneckModel(_HouseTuner):
    prefix: str = "bottleneck_"
    tuner_layer_cls = BottleneckLayer


class CurModel(_HouseTuner):
    prefix: str = "curlora_"
    tuner_layer_cls = CurLayer


for _name, _config, _model in (("BOTTLENECK", BottleneckConfig, BottleneckModel), ("CURLORA", CurConfig, CurModel)):
    PEFT_TYPE_TO_CONFIG_MAPPING[_name] = _config  # type: ignore[index]
    PEFT_TYPE_TO_TUNER_MAPPING[_name] = _model  # type: ignore[index]
    PEFT_TYPE_TO_PREFIX_MAPPING[_name] = _model.prefix  # type: ignore[index]
