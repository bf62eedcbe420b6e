"""Short background work on a worker (ingest a data set, inspect a model, preflight): lease, progress, cancel."""
