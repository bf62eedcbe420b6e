"""What `make learn` shows at length, within seconds: one method of each family on sums, the worlds with tables for policies."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.engine.builders import curve, small_model
from tests.learning.laboratory import Tell, chance_of_right, ends, place, rows, run, share_of_chosen
from tests.learning.tables import Table, advantage, climb, logits_of
from workers.contract.run_spec import ModelRef
from workers.engine.worlds import chain, goodhart, lock

pytestmark = pytest.mark.slow

SUMS: dict[str, Any] = {"digits": 1, "train": 16, "test": 4, "demonstrations": 16, "misconception": 0.0}
QUICK: dict[str, Any] = {"eval_steps": 0, "save_steps": 0, "eval_limit": 1, "lr_scheduler_type": "constant", "warmup_ratio": 0.0,
                         "per_device_train_batch_size": 16, "max_length": 32, "learning_rate": 1e-2, "max_steps": 40}
SEEDS = (0, 1, 2, 3, 4)


@pytest.fixture(scope="module")
def blank() -> Path:
    return small_model(place() / "blank")


@pytest.fixture(scope="module")
def taught(blank: Path) -> Path:
    final, _ = run("sft-instruct", blank, {"train": rows("arithmetic", SUMS, "demonstrations")}, **QUICK)
    return final


def test_what_is_demonstrated_is_known_and_a_student_takes_it_over(taught: Path, blank: Path, tell: Tell) -> None:
    prompts = rows("arithmetic", SUMS, "prompts")
    student, events = run("kd-logit", small_model(place() / "student", seed=1),
                          {"train": rows("arithmetic", SUMS, "demonstrations")},
                          models={"teacher": ModelRef(path=str(taught))}, **QUICK)
    before, shown, copied = (chance_of_right(model, prompts) for model in (blank, taught, student))
    tell(f"in short, sft-instruct: chance of the right answer {before:.3f}, gained", [shown - before])
    tell("in short, kd-logit: the student's chance", [copied])
    first, last = ends(events, "loss")
    assert before < 0.01
    assert min(shown, copied) > 0.08
    assert last < first / 4


def test_what_is_preferred_is_written_and_what_is_better_scored_higher(blank: Path, tell: Tell) -> None:
    pairs = rows("arithmetic", SUMS, "pairs")
    policy, _ = run("dpo", blank, {"train": pairs}, **(QUICK | {"learning_rate": 3e-3, "max_steps": 30}))
    before, after = share_of_chosen(blank, pairs), share_of_chosen(policy, pairs)
    _, events = run("rm-bt", blank, {"train": pairs, "eval": pairs},
                    **(QUICK | {"eval_steps": 30, "eval_limit": 16, "max_steps": 30}))
    scored = list(curve(events, "eval/accuracy").values())
    tell(f"in short, dpo: chance of the right of two answers {before:.3f}, gained", [after - before])
    tell(f"in short, rm-bt: accuracy {scored[0]:.3f}, gained", [scored[-1] - scored[0]])
    assert after > before + 0.3
    assert scored[-1] > scored[0] + 0.2


def test_a_reward_that_can_be_earned_is_earned(blank: Path, tell: Tell) -> None:
    """One answer in 26 of a blank model begins with a digit, so that the first groups hold some to learn from."""
    digits = {"terms": [{"name": "digits", "kind": "regex_match", "params": {"pattern": "^[0-9]"}}]}
    config = {name: value for name, value in QUICK.items() if name != "max_length"}
    _, events = run("grpo", blank, {"train": rows("arithmetic", SUMS, "prompts")}, reward=digits, **(config | {"max_steps": 24}),
                    max_completion_length=2, prompts_per_step=4, num_generations=32, rollout_steps=0)
    rewards = list(curve(events, "reward").values())
    tell(f"in short, grpo: reward {rewards[0]:.3f}, gained", [ends(events, "reward")[1] - rewards[0]])
    assert rewards[0] < 0.15
    assert ends(events, "reward")[1] > 0.6


CHAIN = chain.Knobs(steps=2, modulus=5, operators="+-", misconceived=0.3, train=60, test=5)
TOLD = 24
"""Chains that are worked out in a step, and below it the workings of each."""
WORKINGS = 8


def lines_by_heart() -> Tensor:
    """[operators, left, right, result]: the logits of the policy that the demonstrations of the chain have."""
    values = range(CHAIN.modulus)
    return torch.tensor([[[chain.kernel(CHAIN, (operator, left, right)) for right in values] for left in values]
                         for operator in CHAIN.operators]).log()


def success(logits: Tensor, chains: list[chain.Chain]) -> Tensor:
    """The chance of a right end of each chain [n], exactly: the running value's distribution, line by line."""
    found = []
    for one in chains:
        now = torch.eye(CHAIN.modulus)[one[0]]
        for operator, operand in one[1]:
            now = now @ logits[CHAIN.operators.index(operator), :, operand].softmax(-1)
        found.append(now[chain.result_of(CHAIN, one)])
    return torch.stack(found)


def worked(logits: Tensor, one: chain.Chain, generator: torch.Generator) -> tuple[list[int], list[int]]:
    """A working drawn: its results, and the cells that they stand in, by number."""
    results, cells, left = [], [], one[0]
    for operator, operand in one[1]:
        cells.append((CHAIN.operators.index(operator) * CHAIN.modulus + left) * CHAIN.modulus + operand)
        left = int(torch.multinomial(logits.view(-1, CHAIN.modulus)[cells[-1]].softmax(-1), 1, generator=generator))
        results.append(left)
    return results, cells


@pytest.mark.parametrize("supervised", ["outcome", "process"])
def test_workings_come_out_right_more_often(supervised: str, tell: Tell) -> None:
    """At first exactly as often as the world says; then by the answer's gold, or by what each line did to its chance."""
    chains = [chain.read_prompt(row["prompt"]) for row in chain.make(CHAIN)["problems_train"]]
    known = torch.tensor([chain.values(CHAIN, one)[0][one[0]] for one in chains])
    assert torch.allclose(success(lines_by_heart(), chains), known, atol=1e-6)
    gained = []
    for seed in SEEDS[:3]:
        logits, generator = lines_by_heart().requires_grad_(), torch.Generator().manual_seed(seed)
        for _ in range(12):
            asked = [chains[place] for place in torch.randint(len(chains), (TOLD,), generator=generator) for _ in range(WORKINGS)]
            drawn = [worked(logits.detach(), one, generator) for one in asked]
            prompts = [chain.prompt_of(one) for one in asked]
            texts = ["".join(chain.written(one, results)) for one, (results, _) in zip(asked, drawn, strict=True)]
            if supervised == "outcome":
                earned = torch.tensor([[0.0, chain.gold(CHAIN, *each)] for each in zip(prompts, texts, strict=True)])
                name, needed = "group_normalised", {}
            else:
                earned = torch.tensor(chain.credit(CHAIN, prompts, texts))[:, chain.RESULT::chain.LINE][:, :CHAIN.steps]
                name, needed = "process_normalised", {"step_ends": torch.ones_like(earned)}
            mask, groups = torch.ones_like(earned), torch.arange(len(asked)) // WORKINGS
            cells, results = (torch.tensor([each[place] for each in drawn]) for place in (1, 0))
            log_chances = logits.view(-1, CHAIN.modulus).log_softmax(-1)[cells, results]
            loss = -(advantage(name, earned, mask, groups, **needed) * log_chances).sum() / len(asked)
            [gradient] = torch.autograd.grad(loss, [logits])
            logits = (logits - 30 * gradient).detach().requires_grad_()
        gained.append(float((success(logits.detach(), chains) - known).mean()))
    low, _ = tell(f"in short, chain: success {known.mean():.3f}, gained by {supervised}", gained)
    assert low > 0.1


LOCK = lock.Knobs(slots=5, length=30, keys=4, right=0.35, decoy=0.5, train=20, test=5)
PROMPT = "BCDAB|"


def locked() -> Table:
    """The lock's demonstrations for one prompt as chances of each place: fillers even, marks in place, keys mostly decoys."""
    keys = [{key: LOCK.right} | {lock.decoy_of(LOCK, slot, key): LOCK.decoy} for slot, key in enumerate(lock.keys_of(PROMPT))]
    places, symbols = lock.places(LOCK), lock.FILLERS[: LOCK.fillers] + lock.MARK + lock.KEYS[: LOCK.keys]
    fillers = dict.fromkeys(lock.FILLERS[: LOCK.fillers], 1 / LOCK.fillers)
    rows_ = [{lock.MARK: 1.0} if at in places else keys[places.index(at - 1)] if at - 1 in places else fillers
             for at in range(LOCK.length)]
    return Table(logits_of(rows_, symbols), symbols)


def opened(table: Table) -> float:
    """The chance that the table's policy opens every slot, exactly."""
    chances, places = table.logits.detach().softmax(-1), lock.places(LOCK)
    right = dict.fromkeys(places, lock.MARK) | {at + 1: key for at, key in zip(places, lock.keys_of(PROMPT), strict=True)}
    fine = [sum(chances[at, table.symbols.index(symbol)] for symbol in right.get(at, lock.FILLERS[: LOCK.fillers]))
            for at in range(LOCK.length)]
    return float(np.prod([float(one) for one in fine]))


def test_exact_credit_beats_sparse_credit_on_the_lock(tell: Tell) -> None:
    """Both gradients mean the same, so that they share the step size, the draws' seeds and all else; one is quieter."""
    speed: dict[str, list[float]] = {"sparse": [], "exact": []}

    def judge(texts: list[str]) -> tuple[Tensor, Tensor]:
        prompts = [PROMPT] * len(texts)
        rewards = torch.tensor([lock.gold(LOCK, PROMPT, text) for text in texts])
        return rewards, torch.tensor(lock.credit(LOCK, prompts, texts))[:, :-1]

    for seed in SEEDS:
        for name, seen in speed.items():
            table, curve_ = locked(), list[float]()
            climb(table, judge, steps=20, answers=16, rate=0.2, seed=seed, credited=name == "exact",
                  look=lambda table=table, curve_=curve_: curve_.append(opened(table)))  # type: ignore[misc]
            seen.append(float(np.mean(curve_)))
    for name, seen in speed.items():
        tell(f"in short, lock: mean success over 20 steps from {opened(locked()):.3f}, {name} credit", seen)
    low, _ = tell("in short, lock: exact less sparse",
                  [one - other for one, other in zip(speed["exact"], speed["sparse"], strict=True)])
    assert low > 0


GOODHART = goodhart.Knobs(bias=3.0)
TOPICS = "AB:"


def middling() -> Table:
    """The demonstrations of the topics as chances of twenty places, with an end that makes twelve tokens of them usual."""
    own, all_words = goodhart.words_of(GOODHART, "AB"), goodhart.words_of(GOODHART, goodhart.TOPICS[: GOODHART.topics])
    kinds = {"topic": own, "filler": goodhart.FILLERS, "off": "".join(word for word in all_words if word not in own),
             "flattery": goodhart.FLATTERY, "bullet": goodhart.BULLET}
    row = {symbol: goodhart.SHARES[kind] / len(symbols) for kind, symbols in kinds.items() for symbol in symbols}
    symbols = "".join(kinds.values()) + "$"
    return Table(logits_of([row | {"$": 0.08}] * 20, symbols), symbols, end=len(symbols) - 1)


def test_the_proxy_outruns_the_gold_without_kl_and_less_with_it(tell: Tell) -> None:
    """The proxy is what biased judges see; gains are of a thousand answers."""

    def judge(texts: list[str]) -> tuple[Tensor, Tensor]:
        return torch.tensor([goodhart.liked(GOODHART, TOPICS, text) for text in texts]), torch.empty(0)

    def seen(table: Table) -> tuple[float, float]:
        texts = table.texts(table.draw(1000, torch.Generator().manual_seed(9)))
        proxy, gold = ([worth(GOODHART, TOPICS, text) for text in texts] for worth in (goodhart.liked, goodhart.gold))
        return sum(proxy) / len(proxy), sum(gold) / len(gold)

    before, gained = seen(middling()), dict[float, list[tuple[float, ...]]]()
    for beta in (0.0, 1.0):
        for seed in SEEDS[:3]:
            table = middling()
            climb(table, judge, steps=30, answers=64, rate=0.1, seed=seed, beta=beta)
            gained.setdefault(beta, []).append(tuple(np.subtract(seen(table), before).tolist()))
    proxy, gold = (tell(f"in short, goodhart: {name} gained without KL", [each[place] for each in gained[0.0]])
                   for place, name in enumerate(("proxy", "gold")))
    low, _ = tell("in short, goodhart: gold with KL less without",
                  [held[1] - free[1] for held, free in zip(gained[1.0], gained[0.0], strict=True)])
    assert proxy[0] > 0
    assert gold[1] < 0
    assert low > 0
