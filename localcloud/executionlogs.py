"""Executions in CloudWatch Logs, as their state machine's LoggingConfiguration asks; see :mod:`localcloud.interpreter`.

moto carries the code for it but never switches it on, and it would write no message.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from moto.stepfunctions.parser.asl.eval.event.logging import CloudWatchLoggingConfiguration, CloudWatchLoggingSession
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.backend.execution import Execution

from localcloud.repairs import expect

Append = Callable[[str, str, Sequence[tuple[int, str]]], None]


def repair(append: Append) -> None:
    """Have ``append`` (group, stream, events) called with every event that a state machine logs."""
    begin = Execution.__init__
    expect(begin, "self._cloud_watch_logging_session = cloud_watch_logging_session")
    expect(CloudWatchLoggingSession.publish_history_log, "LogEvent(ingestion_time=timestamp_value")

    def begin_with_log(self: Any, *rest: Any, **named: Any) -> None:
        begin(self, *rest, **named)
        declared = {"includeExecutionData": False} | (self.state_machine.loggingConfiguration or {})
        arn = self.state_machine.arn
        configuration = CloudWatchLoggingConfiguration.from_logging_configuration(arn, declared)
        if configuration is not None:
            self._cloud_watch_logging_session = CloudWatchLoggingSession(self.exec_arn, configuration)

    def publish(self: Any, history_log: dict[str, Any]) -> None:
        configuration = self.configuration
        moment = datetime.fromisoformat(history_log["event_timestamp"])
        milliseconds = int(moment.timestamp() * 1000)
        message = to_json_str(history_log | {"redrive_count": "0", "event_timestamp": str(milliseconds)})
        name = configuration.state_machine_arn.rpartition(":")[2]
        stream = f"states/{name}/{moment:%Y-%m-%d-%H-%M}/{self.execution_arn.rpartition(':')[2][:8]}"
        append(configuration.log_group_name, stream, [(milliseconds, message)])

    Execution.__init__ = begin_with_log
    CloudWatchLoggingSession.publish_history_log = publish
