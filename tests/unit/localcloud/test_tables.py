"""DynamoDB as moto answers with the repair: every kind of value comes back as it was put."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from localcloud import tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ROW: dict[str, Any] = {
    "run": {"S": "r"},
    "item": {"S": "item/0000001"},
    "empty": {"S": ""},
    "number": {"N": "-1.5"},
    "bytes": {"B": b"\x00\xff"},
    "truth": {"BOOL": False},
    "nothing": {"NULL": True},
    "words": {"SS": ["a", "b"]},
    "numbers": {"NS": ["1", "2"]},
    "blobs": {"BS": [b"\x01"]},
    "list": {"L": [{"S": "x"}, {"L": [{"B": b"\x02"}]}]},
    "map": {"M": {"S": {"N": "1"}, "inner": {"M": {"N": {"S": "a key like a kind"}}}}},
}


@pytest.fixture
def table() -> Iterator["DynamoDBClient"]:
    tables.repair()
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        client.create_table(
            TableName="t",
            KeySchema=[{"AttributeName": "run", "KeyType": "HASH"}, {"AttributeName": "item", "KeyType": "RANGE"}],
            AttributeDefinitions=[
                {"AttributeName": "run", "AttributeType": "S"},
                {"AttributeName": "item", "AttributeType": "S"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        client.put_item(TableName="t", Item=ROW)
        yield client


def test_every_kind_of_value_is_queried_scanned_and_got_as_it_was_put(table: "DynamoDBClient") -> None:
    queried = table.query(
        TableName="t",
        KeyConditionExpression="#run = :run",
        ExpressionAttributeNames={"#run": "run"},
        ExpressionAttributeValues={":run": {"S": "r"}},
    )["Items"]
    got = table.get_item(TableName="t", Key={"run": ROW["run"], "item": ROW["item"]})["Item"]
    assert [queried, table.scan(TableName="t")["Items"], [got]] == [[ROW], [ROW], [ROW]]


def test_a_second_repair_changes_nothing(table: "DynamoDBClient") -> None:
    tables.repair()
    assert table.scan(TableName="t")["Items"] == [ROW]
