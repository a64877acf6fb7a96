"""Which resource types exist here, and what their creators are given."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.clients import input_shape
from localcloud.deploy.shapes import api_parameters
from localcloud.deploy.stack import Created, physical_name
from localcloud.deploy.template import Template
from localcloud.errors import DeployError
from localcloud.mounts import Mount


class ServiceClients(Protocol):
    """Where clients come from; :class:`localcloud.clients.Clients` in earnest."""

    def client(self, service: str, role_arn: str | None = None, *, session_name: str = "localcloud") -> Any: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where resources are created."""

    stack: str
    account: str
    region: str
    clients: ServiceClients
    use_code: Callable[[str, Path], None]  # CodeSha256 of a function or layer, and the directory that it runs from
    use_mounts: Callable[[str, tuple[Mount, ...]], None]  # name of a function, and the file systems that it mounts
    templates: dict[str, str] = field(default_factory=dict)  # of nested stacks, by URL: a way back may need one again

    def arn(self, service: str, resource: str, *, region: str | None = None) -> str:
        return f"arn:aws:{service}:{self.region if region is None else region}:{self.account}:{resource}"


@dataclass(slots=True, kw_only=True)
class Declaration:
    """A resource as its creator sees it: properties resolved, and each to be taken once.

    What no one takes is refused when the creator is done: a property must never be ignored by accident.
    """

    logical_id: str
    type: str
    properties: dict[str, Any]
    template: Template
    place: Place
    prefix: str  # what its physical name begins with
    stack_arn: str
    _left: set[str] = field(init=False)

    def __post_init__(self) -> None:
        self._left = set(self.properties)

    @property
    def where(self) -> str:
        return f"Resources.{self.logical_id}.Properties"

    def take(self, name: str, default: Any = None) -> Any:
        self._left.discard(name)
        return self.properties.get(name, default)

    def need(self, name: str) -> Any:
        value = self.take(name)
        if value is None:
            raise self.error("is required", prop=name)
        return value

    def without_effect(self, *names: str) -> None:
        """Properties that matter on AWS and change nothing here."""
        self._left.difference_update(names)

    def finish(self) -> None:
        if self._left:
            raise self.error(f"of {self.type} is not emulated here", prop=", ".join(sorted(self._left)))

    def name(self, prop: str, *, limit: int) -> str:
        """The physical name: the declared one, else ``stack-LogicalId``."""
        return str(self.take(prop) or physical_name(self.prefix, self.logical_id, limit=limit))

    def tags(self) -> dict[str, str]:
        declared = self.take("Tags") or {}
        return dict(declared) if isinstance(declared, Mapping) else {tag["Key"]: str(tag["Value"]) for tag in declared}

    def call(self, service: str, operation: str, **parameters: Any) -> Any:
        """Call the local API; what it refuses is an error of this resource."""
        method = getattr(self.place.clients.client(service, session_name="cloudformation"), operation)
        try:
            return method(**{name: value for name, value in parameters.items() if value is not None})
        except ClientError as error:
            raise self.error(error.response["Error"]["Message"]) from error
        except BotoCoreError as error:
            raise self.error(str(error)) from error

    def as_parameters(self, service: str, operation: str, *, skip: tuple[str, ...] = ()) -> dict[str, Any]:
        """Every property but ``skip``, in the names and types of the API operation."""
        properties = {name: self.take(name) for name in self.properties if name not in skip}
        parameters: dict[str, Any] = api_parameters(properties, input_shape(service, operation), self.where)
        return parameters

    def converted(self, value: Any, shape: Any, prop: str) -> Any:
        """A property's value in the names and types of a member of the API."""
        return api_parameters(value, shape, f"{self.where}.{prop}")

    def error(self, problem: str, *, prop: str = "") -> DeployError:
        return DeployError(f"Resources.{self.logical_id}", problem, prop=prop and f"Properties.{prop}")


Creator = Callable[[Declaration], Created]
CREATORS: dict[str, Creator] = {}
UNEMULATED: set[str] = set()  # types that are accepted, with nothing behind them


def creator(type_name: str) -> Creator | None:
    """None for a type that is not known here. ``Custom::Anything`` is a custom resource."""
    return CREATORS.get("AWS::CloudFormation::CustomResource" if type_name.startswith("Custom::") else type_name)


def creates(type_name: str) -> Callable[[Creator], Creator]:
    """Register the creator of an emulated type."""

    def register(creator: Creator) -> Creator:
        assert type_name not in CREATORS, f"{type_name} has two creators"
        CREATORS[type_name] = creator
        return creator

    return register
