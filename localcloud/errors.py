"""Errors of the local cloud.

::

    LocalCloudError
    ├── ApiError          a call is answered with an AWS error: status, code, message
    └── TemplateError     the template cannot be read, expanded or resolved here
        └── DeployError   one of its resources cannot be created: resource, property, problem
"""


class LocalCloudError(Exception):
    """Anything the local cloud tells its user in words."""


class ApiError(LocalCloudError):
    """An AWS error response. ``code`` is the name that boto3 shows, e.g. ``ClientException``."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message


class TemplateError(LocalCloudError):
    """The template breaks a rule; ``where`` is a path such as ``Resources.Queue.Properties.Priority``."""

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"{where}: {problem}" if where else problem)
        self.where = where
        self.problem = problem


class DeployError(TemplateError):
    """A resource cannot be created here: its logical id, its property if one is at fault, and the problem."""

    def __init__(self, resource: str, problem: str, *, prop: str = "") -> None:
        super().__init__(f"{resource}.{prop}" if prop else resource, problem)
        self.resource = resource
        self.prop = prop
