"""Jobs as DescribeJobs and ListJobs show them: botocore's shapes JobDetail and JobSummary. Pure."""

from typing import Any

from localcloud.batch.jobs import Attempt, Job, Status, log_stream, task_id


class Views:
    """Writes jobs down for one account and region."""

    def __init__(self, *, account: str, region: str) -> None:
        self._batch = f"arn:aws:batch:{region}:{account}"
        self._ecs = f"arn:aws:ecs:{region}:{account}"

    def job_arn(self, job: Job) -> str:
        return f"{self._batch}:job/{job.id}"

    def detail(self, job: Job) -> dict[str, Any]:
        """One entry of DescribeJobs."""
        spec, request = job.spec, job.spec.request
        definition = spec.definition
        detail: dict[str, Any] = {
            "jobArn": self.job_arn(job),
            "jobName": spec.name,
            "jobId": job.id,
            "jobQueue": spec.queue.arn,
            "status": job.status.value,
            "attempts": [self._attempt(job, number, each) for number, each in enumerate(job.attempts, 1)],
            "createdAt": job.created_at,
            "startedAt": job.started_at or 0,
            "dependsOn": [dict(each) for each in request.get("dependsOn") or []],
            "jobDefinition": definition["jobDefinitionArn"],
            "parameters": dict(spec.parameters),
            "container": self._container(job),
            "tags": dict((job.parent or job).tags or {}),
            "propagateTags": bool(request.get("propagateTags", definition.get("propagateTags", False))),
            "platformCapabilities": definition.get("platformCapabilities") or ["EC2"],
            "eksAttempts": [],
        }
        detail |= self._optional(job)
        retry = request.get("retryStrategy") or definition.get("retryStrategy")
        if retry:
            detail["retryStrategy"] = {**retry, "attempts": spec.attempts}
        if spec.timeout is not None:
            detail["timeout"] = {"attemptDurationSeconds": spec.timeout}
        if array := self._array(job):
            detail["arrayProperties"] = array
        detail["isCancelled"], detail["isTerminated"] = job.cancelled, job.terminated
        return detail

    def summary(self, job: Job) -> dict[str, Any]:
        """One entry of ListJobs."""
        summary: dict[str, Any] = {
            "jobArn": self.job_arn(job),
            "jobId": job.id,
            "jobName": job.spec.name,
            "createdAt": job.created_at,
            "status": job.status.value,
            "jobDefinition": job.spec.definition["jobDefinitionArn"],
            **self._optional(job),
        }
        if job.started_at:
            summary["startedAt"] = job.started_at
        if job.attempts:
            container = self._outcome(job.attempts[-1])
            if container:
                summary["container"] = container
        if array := self._array(job):
            summary["arrayProperties"] = array
        if job.cancelled:
            summary["isCancelled"] = True
        if job.terminated:
            summary["isTerminated"] = True
        return summary

    @staticmethod
    def _optional(job: Job) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if job.status_reason:
            found["statusReason"] = job.status_reason
        if job.stopped_at is not None:
            found["stoppedAt"] = job.stopped_at
        return found

    @staticmethod
    def _array(job: Job) -> dict[str, Any] | None:
        if job.array:
            summary = {status.value: count for status, count in job.array.summary.items()}
            return {"size": len(job.array.children), "statusSummary": summary}
        return None if job.index is None else {"index": job.index, "statusSummary": {}}

    @staticmethod
    def _outcome(attempt: Attempt) -> dict[str, Any]:
        outcome: dict[str, Any] = {}
        if attempt.exit_code is not None:
            outcome["exitCode"] = attempt.exit_code
        if attempt.reason:
            outcome["reason"] = attempt.reason
        return outcome

    def _placement(self, job: Job, attempt: int, *, logged: bool) -> dict[str, Any]:
        """Where an attempt runs or ran; a container that never started has no log."""
        cluster = job.spec.queue.environments[0].name
        placement: dict[str, Any] = {
            "containerInstanceArn": f"{self._ecs}:container-instance/{cluster}/{task_id(cluster, 0)}",
            "taskArn": f"{self._ecs}:task/{cluster}/{task_id(job.id, attempt)}",
            "networkInterfaces": [],
        }
        return placement | ({"logStreamName": log_stream(job.spec, job.id, attempt)} if logged else {})

    def _attempt(self, job: Job, number: int, attempt: Attempt) -> dict[str, Any]:
        began = attempt.started_at is not None
        return {
            "container": {**self._outcome(attempt), **self._placement(job, number, logged=began)},
            "stoppedAt": attempt.stopped_at,
            "statusReason": attempt.status_reason,
            **({"startedAt": attempt.started_at} if began else {}),
        }

    def _container(self, job: Job) -> dict[str, Any]:
        """The definition's container with the submission's overrides, and what became of the last attempt."""
        properties = job.spec.definition["containerProperties"]
        overrides = job.spec.request.get("containerOverrides") or {}
        kept = {key: value for key, value in properties.items() if value is not None and key not in {"vcpus", "memory"}}
        required = {each["type"]: each["value"] for each in kept.get("resourceRequirements") or []}
        required |= {each["type"]: each["value"] for each in overrides.get("resourceRequirements") or []}
        required.setdefault("VCPU", f"{job.spec.resources.cpu / 1000:g}")
        required.setdefault("MEMORY", str(job.spec.resources.memory))
        container: dict[str, Any] = {
            "volumes": [],
            "mountPoints": [],
            "ulimits": [],
            "secrets": [],
            "networkInterfaces": [],
            **kept,
            "command": list(job.spec.command),
            "environment": [{"name": name, "value": value} for name, value in job.spec.environment.items()],
            "resourceRequirements": [{"type": kind, "value": value} for kind, value in required.items()],
        }
        running = job.status is Status.RUNNING
        if running:
            container |= self._placement(job, len(job.attempts) + 1, logged=True)
        elif job.attempts:
            container |= self._outcome(job.attempts[-1])
            if job.status is not Status.STARTING:
                container |= self._placement(job, len(job.attempts), logged=job.attempts[-1].started_at is not None)
        return container
