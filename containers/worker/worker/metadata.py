"""One row of the table for each object. Writing a row that stands changes nothing; another in its place is refused."""

import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import msgspec
from botocore.exceptions import ClientError

from fanout.errors import PlanError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEPT_SECONDS = 90 * 24 * 3600  # then DynamoDB may forget a row
WRITES_AT_ONCE = 16

type Row = dict[str, str | int]


class Metadata:
    """The rows of one run.

    Conditional writes are batched by the API in transactions only, at twice their price: so they are single, and many
    are under way at once. Reading is batched: a page of 1 MB a request.
    """

    def __init__(self, run: str, client: "DynamoDBClient", table: str) -> None:
        self.run = run
        self._client = client
        self._table = table

    def write(self, rows: Iterable[Row], *, now: float | None = None) -> None:
        """Writes every row, or raises PlanError if another one stands in its place. ``now``: seconds since 1970."""
        expires = int((time.time() if now is None else now) + KEPT_SECONDS)
        listed = list(rows)
        if len(listed) == 1:
            self._put(listed[0], expires)
            return
        with ThreadPoolExecutor(WRITES_AT_ONCE) as pool:
            for _ in pool.map(lambda row: self._put(row, expires), listed):
                pass

    def rows(self) -> Iterator[Row]:
        """Every row of the run, in the order of its objects."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="#run = :run AND begins_with(#item, :items)",
            ExpressionAttributeNames={"#run": "run", "#item": "item"},
            ExpressionAttributeValues={":run": {"S": self.run}, ":items": {"S": "item/"}},
            ConsistentRead=True,
        )
        for page in pages:
            yield from (plain(row) for row in page["Items"])

    def _put(self, row: Row, expires: int) -> None:
        stamp = digest(row)
        item = typed(row) | {
            "run": {"S": self.run},
            "item": {"S": f"item/{row['place']:07d}"},
            "digest": {"S": stamp},
            "expiresAt": {"N": str(expires)},
        }
        try:
            self._client.put_item(
                TableName=self._table,
                Item=item,
                ConditionExpression="attribute_not_exists(#run) OR #digest = :digest",
                ExpressionAttributeNames={"#run": "run", "#digest": "digest"},
                ExpressionAttributeValues={":digest": {"S": stamp}},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            raise PlanError(
                f"object {row['key']!r}: another result of it stands in table {self._table}, run {self.run}: "
                "another run, or another version of the program, uses the same output URI"
            ) from error


def digest(row: Row) -> str:
    """One hash of all that a row says."""
    return hashlib.sha256(msgspec.json.encode(row, order="sorted")).hexdigest()


def typed(row: Row) -> dict[str, Any]:
    return {name: {"N": str(value)} if isinstance(value, int) else {"S": value} for name, value in row.items()}


def plain(item: Mapping[str, Mapping[str, Any]]) -> Row:
    """The inverse of ``typed``, without what only the table needs."""
    row: Row = {}
    for name, value in item.items():
        if name not in {"run", "item", "digest", "expiresAt"}:
            row[name] = int(value["N"]) if "N" in value else str(value["S"])
    return row
