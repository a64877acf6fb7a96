"""The command line: runs, watches and reports array pipelines through AWS APIs alone, so it drives both clouds."""
