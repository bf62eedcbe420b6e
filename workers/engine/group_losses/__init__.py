"""Group losses: answers to one prompt weighed against one another inside the loss, so that the gradient runs through the weights.

Functions of sequence scores [B], risks [B] and groups [B] (B answers); gradients reach the scores alone.
"""
