"""Repairs to moto's Step Functions interpreter, each checked against the source it replaces.

moto 5.2.5 carries a port of LocalStack's interpreter. Every repair names what it expects to find; another version that
changed there fails at start-up with the place, instead of running pipelines in a subtly different way.
"""

import collections
from typing import Any, Protocol

from botocore.model import StructureShape
from moto.stepfunctions.parser import models as _interpreter  # noqa: F401 loads every module repaired below
from moto.stepfunctions.parser import utils
from moto.stepfunctions.parser.asl.component.common.error_name import error_equals_decl, failure_event
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service,
    state_task_service_aws_sdk,
    state_task_service_batch,
    state_task_service_callback,
)
from moto.stepfunctions.parser.asl.utils import boto_client
from moto.stepfunctions.parser.backend import execution as execution_module

from localcloud import executionlogs, expressions
from localcloud.clients import Clients, operations
from localcloud.repairs import expect, modules_with

SYNC_POLL_SECONDS = 0.1  # a finished job wakes its state; this only notices an aborted execution
_STRING_FIELDS_THAT_TAKE_JSON = {("sns", "Message"), ("sqs", "MessageBody")}
ABANDONED = "Terminated by Step Functions: the state was aborted or timed out"
MAX_ERROR = 256  # characters
MAX_CAUSE = 32_768
_UNCATCHABLE = ("States.Runtime", "States.DataLimitExceeded")  # not even by States.ALL


class Jobs(Protocol):
    """What ``.sync`` needs from the batch service."""

    def wait(self, job_id: str, timeout: float | None = None) -> bool:
        """True once the job has ended; waits at most ``timeout`` seconds."""
        ...


def repair(*, clients: Clients, jobs: Jobs, append_log: executionlogs.Append) -> None:
    """Apply every repair. Executions call AWS through ``clients`` with their state machine's role."""
    _use_role_clients(clients)
    _restore_normalisation()
    _follow_jobs(jobs)
    _respect_uncatchable_errors()
    _end_executions_once()
    _name_sdk_errors()
    _cut_errors_and_causes()
    _forget_threads()
    expressions.repair()
    executionlogs.repair(append_log)


def _use_role_clients(clients: Clients) -> None:
    """Clients with the role of the state machine, kept open, checking parameters as AWS does.

    moto makes a client with fixed credentials for every call, and tells it not to validate.
    """
    original = boto_client.boto_client_for
    expect(original, 'aws_access_key_id="ak"')

    def boto_client_for(region: str, service: str, state_credentials: Any = None) -> Any:
        assert region == clients.region, f"a state calls {service} in {region}; this cloud is {clients.region}"
        return clients.client(service, getattr(state_credentials, "role_arn", None), session_name="states")

    users = modules_with("boto_client_for", original)
    assert len(users) >= 10, f"moto changed: only {len(users)} modules use boto_client_for"
    for module in users:
        module.boto_client_for = boto_client_for


def _restore_normalisation() -> None:
    """``JobName`` → ``jobName`` and back by botocore's shapes; moto's stubs let Batch die with KeyError 'JobName'."""
    task = state_task_service.StateTaskService
    for stub in (task._normalise_parameters, task._normalise_response):  # noqa: SLF001 the stubs to fill
        expect(stub, "    ) -> None:\n        pass\n")
    expect(task._to_boto_request_value, "boto_request_value = to_json_str(request_value)\n")  # noqa: SLF001
    to_request_value = task._to_boto_request_value  # noqa: SLF001

    def named(self: Any, service: str | None, action: str | None, *, output: bool) -> StructureShape | None:
        operation = operations(self._get_boto_service_name(service)).get(self._get_boto_service_action(action))
        return None if operation is None else operation.output_shape if output else operation.input_shape

    def normalise_parameters(
        self: Any, parameters: Any, boto_service_name: str | None = None, service_action_name: str | None = None
    ) -> None:
        shape = named(self, boto_service_name, service_action_name, output=False)
        if shape is not None:
            self._to_boto_request(parameters, shape)
            for member, value in parameters.items():
                if (self._get_boto_service_name(), member) in _STRING_FIELDS_THAT_TAKE_JSON:
                    parameters[member] = to_request_value(self, value, shape.members[member])

    def normalise_response(
        self: Any, response: Any, boto_service_name: str | None = None, service_action_name: str | None = None
    ) -> None:
        shape = named(self, boto_service_name, service_action_name, output=True)
        if shape is not None:
            self._from_boto_response(response, shape)

    def request_value(self: Any, value: Any, shape: Any) -> Any:
        # a number where a string belongs stays one, for the client to refuse it as AWS does
        return value if shape.type_name == "string" else to_request_value(self, value, shape)

    task._normalise_parameters = normalise_parameters  # noqa: SLF001
    task._normalise_response = normalise_response  # noqa: SLF001
    task._to_boto_request_value = request_value  # noqa: SLF001


def _follow_jobs(jobs: Jobs) -> None:
    """``batch:submitJob.sync``: woken when the job ends, and its job terminated when the state is abandoned."""
    batch = state_task_service_batch.StateTaskServiceBatch
    original = batch._build_sync_resolver  # noqa: SLF001
    expect(original, 'job_id = submission_output["JobId"]')
    expect(state_task_service_callback.StateTaskServiceCallback._eval_sync, "time.sleep(_DELAY_SECONDS_SYNC")  # noqa: SLF001

    def build(self: Any, env: Any, resource_runtime_part: Any, state_credentials: Any, **rest: Any) -> Any:
        job_id = env.stack[-1]["JobId"]
        part = resource_runtime_part
        describe = original(self, env=env, resource_runtime_part=part, state_credentials=state_credentials, **rest)

        def resolve() -> Any:
            while env.is_running():
                if jobs.wait(job_id, SYNC_POLL_SECONDS):
                    return describe()
            client = state_task_service_batch.boto_client_for(part.region, "batch", state_credentials)
            client.terminate_job(jobId=job_id, reason=ABANDONED)
            return None

        return resolve

    batch._build_sync_resolver = build  # noqa: SLF001
    state_task_service_callback._DELAY_SECONDS_SYNC_CONDITION_CHECK = SYNC_POLL_SECONDS  # noqa: SLF001


def _respect_uncatchable_errors() -> None:
    equals = error_equals_decl.ErrorEqualsDecl
    original = equals._eval_body  # noqa: SLF001
    expect(original, "_STATE_ALL_ERROR in self.error_names:\n            res = True")

    def evaluate(self: Any, env: Any) -> None:
        name = env.stack[-1].error_name
        if name in _UNCATCHABLE and not any(error.error_name == name for error in self.error_names):
            env.stack.pop()
            env.stack.append(False)
            return
        original(self, env)

    equals._eval_body = evaluate  # noqa: SLF001


def _end_executions_once() -> None:
    """Stopping an execution shows at once, with error and cause; what its worker finds later changes nothing."""
    reflect = execution_module.BaseExecutionWorkerCommunication._reflect_execution_status  # noqa: SLF001
    expect(reflect, "elif isinstance(exit_program_state, ProgramStopped):")
    stop = execution_module.Execution.stop
    expect(stop, "exec_worker.stop(stop_date=stop_date, cause=cause, error=error)")
    details = execution_module.Execution.get_start_execution_details
    expect(details, "start_time=self.start_date")
    status = execution_module.ExecutionStatus

    def reflect_once(self: Any) -> None:
        if self.execution.exec_status == status.RUNNING:
            reflect(self)

    def stop_now(self: Any, stop_date: Any, error: str | None, cause: str | None) -> None:
        if self.exec_status != status.RUNNING:
            return
        if self.exec_worker.env is not None:  # None: it has not begun, and its worker will find it stopped
            stop(self, stop_date, error, cause)
        self.error, self.cause = error, cause
        self.stop_date = stop_date
        self.exec_status = status.ABORTED

    def start_details(self: Any) -> Any:
        found = details(self)
        moment = self.start_date.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        found.start_time = moment  # $$.Execution.StartTime is text
        return found

    execution_module.BaseExecutionWorkerCommunication._reflect_execution_status = reflect_once  # noqa: SLF001
    execution_module.Execution.stop = stop_now
    execution_module.Execution.get_start_execution_details = start_details


def _name_sdk_errors() -> None:
    """``S3.NoSuchKeyException``: errors of the SDK's integrations bear the service's name as its Java client has it."""
    names = state_task_service_aws_sdk._SERVICE_ERROR_NAMES  # noqa: SLF001 the table to complete
    assert names.get("dynamodb") == "DynamoDb", "moto changed: _SERVICE_ERROR_NAMES"
    names.update(s3="S3", batch="Batch", sns="Sns", ssm="Ssm", sts="Sts")
    names["lambda"] = "Lambda"


def cut(details: dict[str, Any]) -> None:
    """Shorten error and cause to what Step Functions keeps of them."""
    for name, limit in (("error", MAX_ERROR), ("cause", MAX_CAUSE)):
        if isinstance(details.get(name), str):
            details[name] = details[name][:limit]


def _cut_errors_and_causes() -> None:
    """Of tasks and Fail states where they arise, so that catchers see what AWS shows; of executions once more."""
    begin = failure_event.FailureEvent.__init__
    expect(begin, "self.event_details = event_details")
    ended = failure_event.FailureEventException.get_execution_failed_event_details
    expect(ended, 'execution_failed_event_details["cause"] = decorated_cause')

    def begin_cut(self: Any, env: Any, error_name: Any, event_type: Any, event_details: Any = None) -> None:
        for details in (event_details or {}).values():
            cut(details)
        begin(self, env, error_name, event_type, event_details)

    def ended_cut(self: Any) -> Any:
        details = ended(self)
        if details is not None:
            cut(details)
        return details

    failure_event.FailureEvent.__init__ = begin_cut
    failure_event.FailureEventException.get_execution_failed_event_details = ended_cut


def _forget_threads() -> None:
    """moto keeps every thread it ever started, with all that the thread had in hand."""
    users = modules_with("TMP_THREADS", utils.TMP_THREADS)
    assert len(users) >= 3, f"moto changed: only {len(users)} modules keep TMP_THREADS"
    for module in users:
        module.TMP_THREADS = collections.deque(maxlen=0)
