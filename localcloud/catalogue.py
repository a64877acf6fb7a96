"""Batch's control plane: job definitions, queues and compute environments, exactly as they were declared.

moto's Batch backend is not used for these: it drops jobStateTimeLimitActions, schedulingPriority and empty environment
variables, demands a service role, and starts EC2 instances of types it must know (``default_x86_64`` is not one).
"""

import copy
import re
import threading
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from localcloud import batchrules
from localcloud.errors import ApiError

Document = dict[str, Any]
_LISTS = ("command", "volumes", "environment", "mountPoints", "ulimits", "secrets", "resourceRequirements")


class BatchCatalogue:
    """Documents in the shapes of the Describe calls, by ARN. Every method is safe to call from several threads."""

    def __init__(self, *, account: str, region: str) -> None:
        self._account = account
        self._region = region
        self._definitions: dict[str, list[Document]] = {}
        self._queues: dict[str, Document] = {}
        self._environments: dict[str, Document] = {}
        self._lock = threading.RLock()
        self._operations: dict[str, Callable[[Document], Document]] = {
            "registerjobdefinition": self._register,
            "deregisterjobdefinition": self._deregister,
            "describejobdefinitions": self._describe_definitions,
            "createjobqueue": self._create_queue,
            "updatejobqueue": self._update_queue,
            "deletejobqueue": lambda body: self._delete(self._queues, body["jobQueue"]),
            "describejobqueues": lambda body: _page("jobQueues", _chosen(self._queues, body.get("jobQueues"))),
            "createcomputeenvironment": self._create_environment,
            "updatecomputeenvironment": self._update_environment,
            "deletecomputeenvironment": self._delete_environment,
            "describecomputeenvironments": lambda body: _page(
                "computeEnvironments", _chosen(self._environments, body.get("computeEnvironments"))
            ),
        }

    @property
    def operations(self) -> frozenset[str]:
        return frozenset(self._operations)

    def handle(self, operation: str, body: Document) -> Document:
        """Answer one call, named as in its URL: ``registerjobdefinition``."""
        with self._lock:
            return copy.deepcopy(self._operations[operation](copy.deepcopy(body)))

    # What the batch service asks.

    def job_definition(self, name_or_arn: str) -> Document | None:
        """By ARN, ``name:revision``, or ``name`` for the latest active revision."""
        name, _, revision = name_or_arn.rpartition("/")[2].partition(":")
        with self._lock:
            revisions = self._definitions.get(name, [])
            found = [
                d for d in revisions if str(d["revision"]) == revision or (not revision and d["status"] == "ACTIVE")
            ]
            return copy.deepcopy(found[-1]) if found else None

    def queue(self, name_or_arn: str) -> Document | None:
        """By name or ARN; each entry of ``computeEnvironmentOrder`` carries its environment as ``detail``."""
        with self._lock:
            found = self._queues.get(name_or_arn.rpartition("/")[2])
            if found is None:
                return None
            queue = copy.deepcopy(found)
            for entry in queue["computeEnvironmentOrder"]:
                entry["detail"] = copy.deepcopy(self._environments[entry["computeEnvironment"].rpartition("/")[2]])
            return queue

    def tags_of(self, arn: str) -> dict[str, str] | None:
        """The tags of a definition, queue or environment, to be changed in place; None if it is none of them."""
        name, _, revision = arn.rpartition("/")[2].partition(":")
        with self._lock:
            owners = [d for d in self._definitions.get(name, []) if str(d["revision"]) == revision]
            owners += [store[name] for store in (self._queues, self._environments) if name in store]
            return next((owner["tags"] for owner in owners if arn in owner.values()), None)

    # Definitions.

    def _register(self, body: Document) -> Document:
        batchrules.check_definition(body)
        name = body["jobDefinitionName"]
        revisions = self._definitions.setdefault(name, [])
        revision = len(revisions) + 1
        container = body.get("containerProperties")
        if container is not None:
            for key in _LISTS:
                container.setdefault(key, [])
        document = {"parameters": {}, "tags": {}, "propagateTags": False, "platformCapabilities": ["EC2"]} | body
        document |= {
            "jobDefinitionArn": self._arn(f"job-definition/{name}:{revision}"),
            "revision": revision,
            "status": "ACTIVE",
            "containerOrchestrationType": "ECS",
        }
        revisions.append(document)
        return {key: document[key] for key in ("jobDefinitionName", "jobDefinitionArn", "revision")}

    def _deregister(self, body: Document) -> Document:
        name, _, revision = body["jobDefinition"].rpartition("/")[2].partition(":")
        for document in self._definitions.get(name, []):
            if str(document["revision"]) == revision:
                document["status"] = "INACTIVE"
        return {}

    def _describe_definitions(self, body: Document) -> Document:
        everything = [document for revisions in self._definitions.values() for document in reversed(revisions)]
        if wanted := body.get("jobDefinitions"):
            names = {name.rpartition("/")[2] for name in wanted}
            everything = [d for d in everything if {d["jobDefinitionName"], _revision_name(d)} & names]
        if name := body.get("jobDefinitionName"):
            everything = [d for d in everything if d["jobDefinitionName"] == name]
        if status := body.get("status"):
            everything = [d for d in everything if d["status"] == status]
        return _page("jobDefinitions", everything, body)

    # Queues.

    def _create_queue(self, body: Document) -> Document:
        name = body["jobQueueName"]
        batchrules.check_name("jobQueueName", name)
        if name in self._queues:
            raise ApiError(400, "ClientException", f"Object already exists: job queue {name}")
        document: Document = {"state": "ENABLED", "tags": {}, "jobStateTimeLimitActions": [], "jobQueueType": "ECS"}
        document |= body
        document |= {
            "jobQueueArn": self._arn(f"job-queue/{name}"),
            "status": "VALID",
            "statusReason": "JobQueue Healthy",
            "computeEnvironmentOrder": self._order(body.get("computeEnvironmentOrder", [])),
        }
        batchrules.check_queue(document)
        self._queues[name] = document
        return {"jobQueueName": name, "jobQueueArn": document["jobQueueArn"]}

    def _update_queue(self, body: Document) -> Document:
        document = _named(self._queues, body.pop("jobQueue"), "Job queue")
        if "computeEnvironmentOrder" in body:
            body["computeEnvironmentOrder"] = self._order(body["computeEnvironmentOrder"])
        batchrules.check_queue(document | body)
        document.update(body)
        return {key: document[key] for key in ("jobQueueName", "jobQueueArn")}

    def _order(self, entries: list[Document]) -> list[Document]:
        ordered = sorted(entries, key=lambda entry: int(entry["order"]))
        arn = "computeEnvironmentArn"
        return [
            entry | {"computeEnvironment": _named(self._environments, entry["computeEnvironment"], "CE")[arn]}
            for entry in ordered
        ]

    # Compute environments.

    def _create_environment(self, body: Document) -> Document:
        name = body["computeEnvironmentName"]
        batchrules.check_environment(body)
        if name in self._environments:
            raise ApiError(400, "ClientException", f"Object already exists: compute environment {name}")
        role = f"arn:aws:iam::{self._account}:role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch"
        document = {"state": "ENABLED", "tags": {}, "serviceRole": role} | body
        document |= {
            "computeEnvironmentArn": self._arn(f"compute-environment/{name}"),
            "ecsClusterArn": f"arn:aws:ecs:{self._region}:{self._account}:cluster/{name}_Batch",
            "status": "VALID",
            "statusReason": "ComputeEnvironment Healthy",
            "containerOrchestrationType": "ECS",
            "uuid": str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
        }
        self._environments[name] = document
        return {"computeEnvironmentName": name, "computeEnvironmentArn": document["computeEnvironmentArn"]}

    def _update_environment(self, body: Document) -> Document:
        document = _named(self._environments, body.pop("computeEnvironment"), "Compute environment")
        resources = document.get("computeResources", {}) | body.pop("computeResources", {})
        document.update(body, computeResources=resources)
        return {key: document[key] for key in ("computeEnvironmentName", "computeEnvironmentArn")}

    def _delete_environment(self, body: Document) -> Document:
        name = body["computeEnvironment"].rpartition("/")[2]
        for queue in self._queues.values():
            if any(entry["computeEnvironment"].endswith(f"/{name}") for entry in queue["computeEnvironmentOrder"]):
                raise ApiError(400, "ClientException", f"Cannot delete, found existing JobQueue relationship: {name}")
        return self._delete(self._environments, name)

    def _delete(self, store: dict[str, Document], name_or_arn: str) -> Document:
        store.pop(name_or_arn.rpartition("/")[2], None)
        return {}

    def _arn(self, resource: str) -> str:
        return f"arn:aws:batch:{self._region}:{self._account}:{resource}"


def _named(store: dict[str, Document], name_or_arn: str, kind: str) -> Document:
    try:
        return store[name_or_arn.rpartition("/")[2]]
    except KeyError:
        raise ApiError(400, "ClientException", f"{kind} {name_or_arn} does not exist") from None


def _chosen(store: dict[str, Document], names: Iterable[str] | None) -> list[Document]:
    if not names:
        return list(store.values())
    return [store[name] for wanted in names if (name := wanted.rpartition("/")[2]) in store]


def _revision_name(definition: Document) -> str:
    return f"{definition['jobDefinitionName']}:{definition['revision']}"


def _page(key: str, documents: list[Document], body: Document | None = None) -> Document:
    body = body or {}
    start = int(token) if re.fullmatch(r"\d+", token := str(body.get("nextToken") or "0")) else 0
    stop = start + int(body.get("maxResults") or 100)
    page: Document = {key: documents[start:stop]}
    if stop < len(documents):
        page["nextToken"] = str(stop)
    return page
