"""The engine: pure torch, runs by itself (`python -m workers.engine spec.json`), never sees Django.

The way through it: `__main__` reads a spec and opens the event log; `run` loads models and data and builds the
method's composition; `training.loop` turns its cycle; `training.checkpoint` keeps all state. A method is one file in
`methods`; the parts it is made of live in the folders beside it, one member a file, found by file name:

    rewards  credit  advantages  policy_losses  regularisers  preference  reward_models  sampler  worlds

`critic`, `step_rules` and `group_losses` hold parts that a method imports by name.
"""

import os

# Threads that wait for one another by spinning take the processor from whoever they wait for: a second busy process on
# the same cores made a step of the tiny model ten times longer. Read once, when torch loads OpenMP, so it stands here.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
