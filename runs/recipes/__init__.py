"""Recipes: a graph of stages (runs, annotation, data sets, approvals) that people start as one thing.

A definition is data (`definition`), with `${params.x}` and `${stages.y.model}` where a value is known only later
(`references`). It is checked as a whole before anything starts (`checking`). What a stage does is one file in `kinds`;
a recipe that comes with the house is one file in `builtin`. `services.advance` moves a recipe run on, from signals and
from the workers' sweep alike.
"""
