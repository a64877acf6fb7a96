"""How much of the machine this job may use."""

import os


def threads() -> int:
    """As many as the job may use: a container sees every core of its host."""
    cores = os.process_cpu_count() or 1
    return max(1, min(int(os.environ.get("RENDER_THREADS") or cores), cores))
