"""An adapter added into its base: W + (α/r)·B·A for every adapted matrix, written as a whole model."""

from pathlib import Path
from typing import Any

from workers.contract.run_spec import ModelKind
from workers.engine.modeling.adapters import merged
from workers.engine.modeling.loading import check_there, load_causal, load_scalar, load_tokenizer
from workers.engine.training import training_state


def merge(request: dict[str, Any]) -> None:
    """`request`: base_path, adapter_path, kind, to (a directory that is not there yet). Raises ModelFault."""
    base, adapter = str(request["base_path"]), str(request["adapter_path"])
    check_there(Path(adapter))
    load = load_scalar if request["kind"] == ModelKind.REWARD else load_causal
    training_state.write_model(merged(load(base), adapter), load_tokenizer(base), Path(request["to"]))
