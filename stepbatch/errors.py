"""What the command line tells its user in words, and the exit status that goes with it.

::

    StepbatchError
    ├── UsageError     the command, an option or a file of the user's is wrong       exit 2
    ├── CloudError     the cloud is not there, ended, or lacks what the command needs  exit 1
    └── MirrorError    what was downloaded is not what the run's manifest says       exit 1
"""


class StepbatchError(Exception):
    """The root: a message that names the thing, the place, the value and what to do."""

    exit_status = 1


class UsageError(StepbatchError):
    """The same command fails again until the user changes it or what it names."""

    exit_status = 2


class CloudError(StepbatchError):
    """The cloud cannot do what was asked."""


class MirrorError(StepbatchError):
    """A downloaded output is damaged, or lies outside the folder it belongs to."""
