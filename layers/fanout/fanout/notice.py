"""One message an execution, however often whoever sends it is started again.

The sender claims the message in the table, publishes it, and marks the claim as sent. A claim that is marked, or that
another sender holds, is left alone. A sender that died after its claim and before its mark sends when it is started
again, and if it is not, whoever comes after it takes its claim over: a message is never lost. Whoever dies in the
moment between publishing and marking is followed by a second message.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sns import SNSClient

KEPT_SECONDS = 90 * 24 * 3600  # then the table may forget that it was sent
NOBODY = "-"  # a recipient on its way to a job: Batch takes no command with an empty word
SUBJECT_LENGTH = 100  # characters that SNS takes


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A message about one execution."""

    run: str  # partition of the table
    execution: str
    subject: str
    message: str
    status: str  # COMPLETE, PARTIAL or FAILED; an attribute, for subscriptions that filter
    recipient: str = ""  # likewise

    @property
    def attributes(self) -> dict[str, dict[str, str]]:
        given = {"status": self.status, "recipient": self.recipient}
        told = {name: value for name, value in given.items() if value not in ("", NOBODY)}
        return {name: {"DataType": "String", "StringValue": value} for name, value in told.items()}


@dataclass(frozen=True, slots=True)
class Post:
    """Where messages are claimed and published."""

    dynamodb: "DynamoDBClient"
    sns: "SNSClient"
    table: str
    topic: str

    def send_once(self, notice: Notice, *, sender: str, now: float, after_others: bool = False) -> str | None:
        """The message's id, from now or from before; None if another sender has claimed it and not sent it yet.

        ``sender``: who asks, the same when it is started again. ``now``: seconds since 1970. ``after_others``: no other
        sender is at work any more, so that what one of them claimed and did not send is sent now.
        """
        if not self._claim(notice, sender, int(now), after_others=after_others):
            return self.sent(notice.run, notice.execution)
        published = self.sns.publish(
            TopicArn=self.topic,
            Subject=plain_subject(notice.subject),
            Message=notice.message,
            MessageAttributes=notice.attributes,  # type: ignore[arg-type]
        )
        self.dynamodb.update_item(
            TableName=self.table,
            Key=_key(notice.run, notice.execution),
            UpdateExpression="SET #sent = :id",
            ExpressionAttributeNames={"#sent": "sent"},
            ExpressionAttributeValues={":id": {"S": published["MessageId"]}},
        )
        return published["MessageId"]

    def sent(self, run: str, execution: str) -> str | None:
        """The id of the execution's message, if it is marked as sent."""
        row = self.dynamodb.get_item(TableName=self.table, Key=_key(run, execution), ConsistentRead=True).get(
            "Item", {}
        )
        return row["sent"]["S"] if "sent" in row else None

    def _claim(self, notice: Notice, sender: str, now: int, *, after_others: bool) -> bool:
        condition: Any = {
            "ConditionExpression": "attribute_not_exists(#run) OR (#sender = :sender AND attribute_not_exists(#sent))",
            "ExpressionAttributeNames": {"#run": "run", "#sender": "sender", "#sent": "sent"},
            "ExpressionAttributeValues": {":sender": {"S": sender}},
        }
        if after_others:
            condition = {
                "ConditionExpression": "attribute_not_exists(#sent)",
                "ExpressionAttributeNames": {"#sent": "sent"},
            }
        item = _key(notice.run, notice.execution) | {
            "sender": {"S": sender},
            "status": {"S": notice.status},
            "expiresAt": {"N": str(now + KEPT_SECONDS)},
        }
        try:
            self.dynamodb.put_item(TableName=self.table, Item=item, **condition)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return False
        return True


def plain_subject(text: str) -> str:
    """SNS takes one line of printable ASCII."""
    return "".join(letter if " " <= letter <= "~" else "?" for letter in text)[:SUBJECT_LENGTH]


def run_key(plan_hash: str, output: object) -> str:
    """The partition of a run's rows: the same work for another output has rows of its own."""
    return f"{plan_hash}@{output}"


def _key(run: str, execution: str) -> dict[str, dict[str, str]]:
    return {"run": {"S": run}, "item": {"S": f"notice/{execution}"}}
