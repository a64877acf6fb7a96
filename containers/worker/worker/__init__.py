"""What the jobs of the pipelines nton and array-workflow do."""
