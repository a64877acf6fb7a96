"""What the command line tells its user in words, and the exit status that goes with it.

::

    StepbatchError
    ├── UsageError     the command, an option or a file of the user's is wrong       exit 2
    ├── CloudError     the cloud is not there, ended, or lacks what is needed        exit 1
    ├── MirrorError    what was downloaded is not what the run's manifest says       exit 1
    ├── OutputError    stdout or stderr cannot be written: the disk is full          exit 1
    └── OutputClosed   who read stdout or stderr has left, as ``head`` does          exit 141, in silence
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


class OutputError(StepbatchError):
    """What the command has to say cannot be written."""


class OutputClosed(StepbatchError):  # noqa: N818 - nothing is wrong: the reader has had enough
    """Nobody reads what the command has to say."""

    exit_status = 141  # 128 + SIGPIPE, as of programs that the signal ends
