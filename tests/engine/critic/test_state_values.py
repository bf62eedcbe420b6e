"""The value of a state is the head's answer to everything before the token, however samples are batched."""

from pathlib import Path

import pytest
import torch

from tests.engine.online_builders import sample
from workers.engine.critic import all_state_values, state_values
from workers.engine.modeling.loading import load_scalar
from workers.engine.modeling.models import Model, Valuer
from workers.engine.sample import batch_of


@pytest.fixture
def critic(small: Path) -> Model:
    torch.manual_seed(1)
    return Model(Valuer(load_scalar(str(small))), torch.device("cpu"), trained=True)


def test_the_value_of_a_token_is_that_after_the_token_before_it_as_transformers_has_it(critic: Model) -> None:
    one = sample(4, 0, 1.0, seed=1)
    found = state_values(critic, batch_of([one]))[0]
    with torch.no_grad():
        hidden = critic.module.model(input_ids=one.ids[None]).last_hidden_state
        theirs = critic.module.score(hidden)[0, :, 0]
    assert not found[:3].any()
    assert torch.allclose(found[3:], theirs[2:6], atol=1e-5)


def test_the_token_itself_does_not_change_its_own_states_value(critic: Model) -> None:
    one, other = sample(4, 0, 1.0, seed=1), sample(4, 0, 1.0, seed=1)
    other.ids[5] = (other.ids[5] + 1) % 260
    first, second = (state_values(critic, batch_of([each]))[0] for each in (one, other))
    assert torch.allclose(first[:6], second[:6], atol=1e-6)
    assert abs(first[6] - second[6]) > 1e-6


def test_a_shared_prompt_padding_and_micro_batches_change_nothing(critic: Model) -> None:
    samples = [sample(length, group, 1.0, seed=length) for length, group in ((4, 0), (2, 0), (5, 1), (1, 1))]
    for first, second in ((0, 1), (2, 3)):
        samples[second].ids[:3] = samples[first].ids[:3]
    together = all_state_values(critic, samples)
    for one, row in zip(samples, together, strict=True):
        alone = state_values(critic, batch_of([one]))[0].detach()
        assert torch.allclose(row, alone, atol=1e-5)
        assert not row.requires_grad
