"""How many frames of a run stand, and how long the others will take."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from fanout.blendplan import PREVIEW, parameters_of, standing_frames
from fanout.errors import PlanError
from fanout.plan import Plan, find_plan
from fanout.s3 import Objects, S3Uri
from stepbatch.progress import LINE_SECONDS, clock
from stepbatch.workspace import write_whole

TOLD = 2 * LINE_SECONDS  # a pipe gets a line about it, too
AT_LEAST = 2  # frames between two reclaims
SHARE = 10  # listing frames may take a tenth of the time


@dataclass(slots=True, kw_only=True)
class FrameCounter:
    """Looks into the bucket now and then, less often where that takes long."""

    objects: Objects
    output: S3Uri
    preview: Path  # where the preview goes as soon as it is there
    timer: Callable[[], float] = time.monotonic
    _text: str = ""
    _due: float = float("-inf")  # when to look again
    _rendered: int = 0  # frames since it began to look
    _told_until: float = 0.0  # seconds after the run began: so long the preview is pointed at
    _ripe: int = 0  # of them, when a reclaim was last worth it
    _first: dict[str, tuple[float, int]] = field(default_factory=dict)  # look -> when frames of it were first counted

    def ripe(self) -> bool:
        """Whether a child has rendered frames since this was true before; of the first two, one may be the preview."""
        if self._rendered < self._ripe + AT_LEAST:
            return False
        self._ripe = self._rendered
        return True

    def __call__(self, seconds: float) -> str:
        """``17 of 24 frames, about 00:05 left``, ``seconds`` after the run began; empty before it is planned."""
        began = self.timer()
        if began >= self._due:
            plan = find_plan(self.objects, self.output)
            self._text = self._counted(plan, seconds) if plan else ""
            self._fetch_preview(seconds)
            if seconds < self._told_until:
                self._text += f"; preview: {self.preview}"
            self._due = began + SHARE * (self.timer() - began)
        return self._text

    def _counted(self, plan: Plan, seconds: float) -> str:
        try:
            parameters = parameters_of(plan)
        except PlanError:
            return ""
        wanted = set(parameters.frames)
        done = len(wanted & standing_frames(self.objects, self.output, parameters.look))
        began, before = self._first.setdefault(parameters.look.hash, (seconds, done))
        self._rendered = done - before
        text = f"{done:,} of {len(wanted):,} frames"
        if before < done < len(wanted):
            left = (seconds - began) / (done - before) * (len(wanted) - done)
            text += f", about {clock(left)} left"
        return text

    def _fetch_preview(self, seconds: float) -> None:
        if not self.preview.exists() and self.objects.find(self.output / PREVIEW):
            write_whole(self.preview, self.objects.get(self.output / PREVIEW))
            self._told_until = seconds + TOLD
