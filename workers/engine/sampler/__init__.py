"""The sampler: a group of answers for each prompt, drawn from the policy with transformers' own forward.

`grouped` is the sampler every method calls: each prompt is read once and its keys and values are copied to its group,
the cache has its full room from the start, and rows that have ended leave the batch. `cache` is that cache, `quick` takes
the steps of models of Llama's build with less work than calling them, `draw` the choice of a token from logits, `ends` the
tokens that end an answer. Random numbers come from torch's global generator, whose state every checkpoint keeps.
"""
