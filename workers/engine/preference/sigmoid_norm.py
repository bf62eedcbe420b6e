"""DPO on log-ratios for each token (Tülu 3, arXiv 2411.15124, §5.1.2): long answers weigh no more than short ones."""

from workers.engine.preference import mean_difference, sigmoid

contrast = mean_difference
link = sigmoid.link
