"""Everything that can be wrong with a run, in one tree.

::

    FanoutError
    ├── InputError                  the user's input is wrong: no retry can help          exit 2
    │   ├── RequestError            the execution's input
    │   ├── UriError                a URI that is not s3://bucket/key
    │   ├── PortfolioError          the book
    │   ├── MarketError             the market snapshot
    │   ├── BlendError              the .blend file, or a file it refers to
    │   └── PlanError               a plan that is missing, truncated or replaced under a running job
    ├── ResultsIncompleteError      a run whose results are missing, stale or failed       exit 1
    │   └── CheckError              a run found wrong by a check: it will be again         exit 2
    ├── JobsUnknownError            Batch does not say how a run's jobs are                exit 1
    └── Interrupted                 the work stopped half-way and what was done is saved   exit 75

Step Functions matches the bare class name in ``ErrorEquals``: renaming a class changes the state machines.
Containers end with ``exit_code``; the retry rules of the job definitions read it.
"""

MOST_TEXT = 4_000  # characters; Step Functions cuts a cause of 32,768 in the middle of its JSON


class FanoutError(Exception):
    """The root: an error that names the thing, the place and the value."""

    exit_code = 1

    def __init__(self, text: str) -> None:
        super().__init__(text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]} … ({len(text):,} characters in all)")


class InputError(FanoutError):
    """The user's input is wrong: the same run fails again until the input changes."""

    exit_code = 2


class LocatedError(InputError):
    """An input error with a place: ``positions[17].barrier: -0.2 is not above 0``."""

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"{where}: {problem}")
        self.where = where
        self.problem = problem

    def __reduce__(self) -> tuple[type["LocatedError"], tuple[str, str]]:
        return type(self), (self.where, self.problem)


class RequestError(LocatedError):
    """The execution's input breaks its contract."""


class UriError(InputError):
    """A URI is not of the form ``s3://bucket/key``, or nothing is there."""


class PortfolioError(LocatedError):
    """The book breaks its schema."""


class MarketError(LocatedError):
    """The market snapshot breaks its schema, or lacks what the book needs."""


class BlendError(LocatedError):
    """The .blend cannot be read or rendered, or a file that it refers to is missing."""


class PlanError(InputError):
    """The plan of a run is missing, damaged, or not the one this job was started for."""


class ResultsIncompleteError(FanoutError):
    """Some of a run's results are missing, stale or failed."""


class CheckError(ResultsIncompleteError):
    """A check of the whole run found it wrong; asking again finds the same."""

    exit_code = 2


class JobsUnknownError(FanoutError):
    """For too long nothing was heard of a run's jobs: they may have ended, or still run."""


class Interrupted(FanoutError):  # noqa: N818 - it is a request to stop, not a fault
    """The process was told to stop; what it had finished is saved."""

    exit_code = 75  # EX_TEMPFAIL of sysexits.h
