"""The implicit reward: β·(log π − log π_ref) of an adapter and the model below it, against transformers and peft."""

from pathlib import Path

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from tests.engine.builders import dataset, spec, sum_pairs, train
from workers.contract.records import RecordKind
from workers.contract.run_spec import ModelRef, RewardPipeline, RewardTerm
from workers.engine.faults import ConfigFault
from workers.engine.modeling.loading import load_tokenizer
from workers.engine.rewarding.reward_pipeline import Pipeline
from workers.engine.rewards.reward_model import whole


def term(ref: ModelRef, **params: object) -> Pipeline:
    return Pipeline(RewardPipeline(terms=[RewardTerm(name="r", kind="implicit_reward", model=ref, params=params)]))


def test_it_is_the_log_ratio_of_a_dpo_adapter_and_its_base(small: Path, tmp_path: Path) -> None:
    data = dataset(tmp_path / "pairs", sum_pairs(4), kind=RecordKind.PREFERENCE)
    train(spec(tmp_path / "run", model=small, data=data, method="dpo", use_peft=True, merge_adapter=False, max_steps=3,
               learning_rate=1e-2))
    adapter, tokenizer = tmp_path / "run" / "final", load_tokenizer(str(small))
    prompts, answers = ["12+34=", "5+5=", "1+1="], ["46", "a longer answer", ""]
    base = AutoModelForCausalLM.from_pretrained(small)
    tuned = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(small), adapter)
    sums, counts = [], []
    for prompt, answer in zip(prompts, answers, strict=True):
        row = whole(tokenizer, prompt, answer)
        ids, trained = torch.tensor([row.ids]), torch.tensor(row.trained[1:])
        with torch.no_grad():
            logps = [torch.log_softmax(model(input_ids=ids).logits[0, :-1], -1).gather(-1, ids[0, 1:, None])[:, 0]
                     for model in (tuned, base)]
        sums.append(float((logps[0] - logps[1])[trained].sum()))
        counts.append(int(trained.sum()))
    ref = ModelRef(path=str(small), adapter_path=str(adapter))
    for params, wanted in (({"beta": 0.5}, [0.5 * value for value in sums]),
                           ({"beta": 1, "per_token": True}, [value / count for value, count in zip(sums, counts, strict=True)])):
        made = term(ref, **params)
        found = made.score(prompts=prompts, completions=answers, completion_ids=[[]] * 3, columns={}).total.tolist()
        made.close()
        assert found == pytest.approx(wanted, abs=1e-4)
    assert max(map(abs, sums)) > 1e-2


def test_a_whole_model_has_no_reference_and_is_refused(small: Path) -> None:
    with pytest.raises(ConfigFault, match="is a whole model") as caught:
        term(ModelRef(path=str(small), name="mine"))
    assert caught.value.field == "reward.terms.0"
