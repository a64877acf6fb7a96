"""One module a pipeline: what its command takes, what it uploads, what it asks for, how its results are shown."""
