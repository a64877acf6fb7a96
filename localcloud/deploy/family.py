"""A stack and the stacks that are nested in it: how they are called, and what names they give. Pure."""

import hashlib
import uuid
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Where a stack stands among its own.

    Physical names begin with the outermost stack's name, so they stay the same when a resource moves into a nested
    stack. Where another stack has taken the name for a resource of the same type and logical id, a nested stack's
    carries its own logical id too.
    """

    root: str  # name of the outermost stack
    root_arn: str
    path: str = ""  # logical ids of the nested stacks that lead here, joined by "-"
    parent_arn: str | None = None
    taken: set[tuple[str, str]] = field(default_factory=set)  # types and logical ids; from the start the root's own

    def inside(self, logical_id: str, parent_arn: str) -> "Family":
        """The family as the nested stack ``logical_id`` of ``parent_arn`` sees it."""
        path = f"{self.path}-{logical_id}" if self.path else logical_id
        return Family(root=self.root, root_arn=self.root_arn, path=path, parent_arn=parent_arn, taken=self.taken)

    @property
    def stack(self) -> str:
        """The stack's own name; a nested one's ends as CloudFormation's do, but is the same in every run."""
        if not self.path:
            return self.root
        digest = hashlib.sha256(f"{self.root_arn}/{self.path}".encode()).hexdigest()
        return f"{self.root}-{self.path}-{digest[:12].upper()}"

    @property
    def arn(self) -> str:
        if not self.path:
            return self.root_arn
        head = self.root_arn.partition("stack/")[0]
        return f"{head}stack/{self.stack}/{uuid.uuid5(uuid.NAMESPACE_URL, f'{self.root_arn}/{self.path}')}"

    def prefix(self, kind: str, logical_id: str) -> str:
        """What the physical name of a resource begins with; to be asked once for each, in the order of creation."""
        if self.path and (kind, logical_id) in self.taken:
            return f"{self.root}-{self.path}"
        self.taken.add((kind, logical_id))
        return self.root
