"""Reading template.yaml and expanding its serverless resources with AWS's own translator."""

import contextlib
import io
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import yaml

from localcloud.deploy.parameters import parameter_values
from localcloud.errors import TemplateError

SERVERLESS = "AWS::Serverless-2016-10-31"
LANGUAGE = "AWS::LanguageExtensions"
LOCAL_BUCKET = "localcloud-sources"  # stands for "a directory or file beside the template" in expanded resources
_SOURCES = {
    "AWS::Serverless::Function": "CodeUri",
    "AWS::Serverless::LayerVersion": "ContentUri",
    "AWS::Serverless::StateMachine": "DefinitionUri",
    "AWS::Serverless::Application": "Location",
    "AWS::CloudFormation::Stack": "TemplateURL",
}
_REMOTE = ("s3://", "https://", "http://")
_SECTIONS = frozenset(
    {"AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Rules", "Mappings", "Conditions"}
    | {"Transform", "Globals", "Resources", "Outputs"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A template ready to deploy: plain CloudFormation, with the values of its parameters."""

    root: Path  # the directory that local paths are relative to
    text: str  # as the user wrote it
    resources: Mapping[str, Any]
    parameters: Mapping[str, Any]
    mappings: Mapping[str, Any] = field(default_factory=dict)
    conditions: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""

    def local_path(self, bucket: str, key: str) -> Path | None:
        """The file or directory that a rewritten location stands for; None for a real bucket."""
        return self.root / unquote(key) if bucket == LOCAL_BUCKET else None


def read_template(path: Path, *, region: str, parameters: Mapping[str, str]) -> Template:
    """Read and expand the template at ``path``; TemplateError says where it is wrong."""
    try:
        content = path.read_text()
    except OSError as error:
        raise TemplateError(str(path), f"cannot be read: {error.strerror}") from error
    return expand(content, root=path.parent.resolve(), region=region, parameters=parameters)


def expand(content: str, *, root: Path, region: str, parameters: Mapping[str, str]) -> Template:
    """Expand the text of a template whose local paths are relative to ``root``."""
    document = parse(content)
    values = parameter_values(document.get("Parameters") or {}, parameters)
    transforms = document.get("Transform") or []
    names = transforms if isinstance(transforms, list) else [transforms]
    for name in names:
        if name not in (SERVERLESS, LANGUAGE):
            raise TemplateError("Transform", f"{name!r} is not supported here")
    _check_sources(document, root)
    expanded = _translate(document, values, region) if SERVERLESS in names else document
    return Template(
        root=root,
        text=content,
        resources=expanded.get("Resources") or {},
        parameters=values,
        mappings=expanded.get("Mappings") or {},
        conditions=expanded.get("Conditions") or {},
        outputs=expanded.get("Outputs") or {},
        description=str(document.get("Description", "")),
    )


def parse(content: str) -> dict[str, Any]:
    """YAML or JSON with CloudFormation's short tags, its sections and resources checked."""
    from samtranslator.yaml_helper import yaml_parse  # 0.3 s of imports that nothing else needs

    try:
        document = yaml_parse(content)
    except yaml.YAMLError as error:
        raise TemplateError("", f"the template is not YAML: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("Resources"), dict):
        raise TemplateError("Resources", "the template declares no resources")
    for section in document:
        if section not in _SECTIONS:
            raise TemplateError(str(section), f"is no section of a template; those are {', '.join(sorted(_SECTIONS))}")
    for name, resource in document["Resources"].items():
        if not isinstance(resource, dict) or not isinstance(resource.get("Type"), str):
            raise TemplateError(f"Resources.{name}", "has no Type")
    return document


def _check_sources(document: dict[str, Any], root: Path) -> None:
    """Replace local paths, which the translator refuses, by locations in :data:`LOCAL_BUCKET`."""
    defaults = document.get("Globals") or {}
    for section, properties in defaults.items():
        _rewrite(f"Globals.{section}", properties, _SOURCES.get(f"AWS::Serverless::{section}"), root)
    for name, resource in document["Resources"].items():
        properties = resource.get("Properties") or {}
        _rewrite(f"Resources.{name}.Properties", properties, _SOURCES.get(resource["Type"]), root)


def _rewrite(where: str, properties: dict[str, Any], key: str | None, root: Path) -> None:
    location = properties.get(key) if key else None
    if not isinstance(location, str) or location.startswith(_REMOTE):
        return
    if not (root / location).exists():
        raise TemplateError(f"{where}.{key}", f"{location!r} does not exist in {root}")
    properties[str(key)] = f"s3://{LOCAL_BUCKET}/{quote(location)}"


def _translate(document: dict[str, Any], values: Mapping[str, Any], region: str) -> dict[str, Any]:
    from samtranslator.model.exceptions import InvalidDocumentException  # slow imports, needed once
    from samtranslator.translator.transform import transform

    given = {name: ",".join(value) if isinstance(value, list) else value for name, value in values.items()}
    try:
        with _quietly(region):
            translated: dict[str, Any] = transform(document, given, _NoPolicies())
    except InvalidDocumentException as error:
        causes = "; ".join(str(getattr(cause, "message", cause)) for cause in error.causes)
        raise TemplateError("", f"the serverless transform refuses the template: {causes or error.message}") from error
    return translated


class _NoPolicies:
    """Managed policies come from the translator's own bundled list."""

    def load(self) -> dict[str, str]:
        return {}


@contextlib.contextmanager
def _quietly(region: str) -> Iterator[None]:
    """The translator reads the region from the environment, and prints."""
    before = os.environ.get("AWS_DEFAULT_REGION")
    os.environ["AWS_DEFAULT_REGION"] = region
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        if before is None:
            del os.environ["AWS_DEFAULT_REGION"]
        else:
            os.environ["AWS_DEFAULT_REGION"] = before
