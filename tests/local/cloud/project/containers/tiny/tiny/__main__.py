"""``fail``, ``sleep``, ``keep``, or anything else, which it prints."""

import os
import sys
import time
from pathlib import Path

index = os.environ.get("AWS_BATCH_JOB_ARRAY_INDEX", "-")
print(f"tiny {index}: {' '.join(sys.argv[1:])}", flush=True)
if sys.argv[1] == "fail":
    sys.exit(2)
if sys.argv[1] == "keep":
    shared = Path(os.environ["SHARED"])
    shared.mkdir(exist_ok=True)
    (shared / "kept").write_text("by a job")
if sys.argv[1] == "sleep":
    time.sleep(600)
