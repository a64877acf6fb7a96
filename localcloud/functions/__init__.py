"""AWS Lambda on this machine: the official runtime client against a Runtime API of our own, one process a worker."""
