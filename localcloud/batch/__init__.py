"""AWS Batch on one machine: array jobs, dependencies, retries and logs as the service does them."""
