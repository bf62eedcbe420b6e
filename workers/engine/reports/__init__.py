"""What a run tells people at its end or on demand: reports, results, trials, chat."""
