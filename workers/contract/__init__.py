"""Documents that cross the border between the web side and the engine.

`run_spec` (what to run, frozen at launch), `events` (what the engine says), `control` (what it is told),
`catalogue` (which methods exist and how their forms look), `records` (one canonical row of a data set),
`preflight` (what a short check found before a run is allowed). Nothing here imports Django or torch.
Adding a field: give it a default, so that documents written before it still read.
"""
