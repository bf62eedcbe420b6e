"""Recipes as people write them, for tests."""

CHAIN = """
title: Twice
summary: A supervised run, a look, another from its model.
params:
  base: {kind: model, title: Base model}
  rows: {kind: dataset, title: Demonstrations, rows: [demonstration]}
  held_out: {kind: dataset, title: Held out, rows: [demonstration], optional: true}
  steps: {kind: integer, title: Steps, default: 3, minimum: 1, maximum: 50}
stages:
  - name: first
    title: First
    kind: run
    run:
      method: sft-instruct
      config: {max_steps: "${params.steps}"}
      models: {policy: "${params.base}"}
      datasets: {train: "${params.rows}", eval: "${params.held_out}"}
  - {name: look, kind: approve, after: [first], approve: {question: "Does the first answer well?"}}
  - name: second
    kind: run
    after: [look]
    run:
      method: sft-instruct
      name: "second of ${params.steps} steps"
      config: {max_steps: "${params.steps}"}
      models: {policy: "${stages.first.model}"}
      datasets: {train: "${params.rows}"}
"""
