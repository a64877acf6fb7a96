"""A bucket, a table and a topic in moto, and the five jobs run in their order by hand."""

import gzip
import json
import os
from dataclasses import dataclass, field
from typing import Any

import boto3
import msgspec
import zstandard
from moto.core import DEFAULT_ACCOUNT_ID
from moto.sns.models import sns_backends

from fanout.itemresults import SliceProfiles, SliceStatistics
from fanout.items import Places, Shape, list_items, plan_items
from fanout.notice import run_key
from fanout.plan import write_plan
from fanout.s3 import Objects, S3Uri
from worker.__main__ import main
from worker.metadata import Metadata, Row

BUCKET, TABLE, REGION = "data", "items", "us-east-1"
SOURCE, OUTPUT = S3Uri(BUCKET, "in"), S3Uri(BUCKET, "out/run")
LONGEST = "in/" + "k" * 1_017 + ".csv"  # 1,024 bytes
ODD = ["a b", "a#b", "a%b", "a%20b", "a+b", "a:b", "emoji 😀", "deep/er/x", "ünï", "q'\"q", "a&b=c?", "a\\b", "//x"]
KEYS = [*(f"in/{name}.csv" for name in ODD), LONGEST]


def csv_of(place: int, records: int = 3) -> bytes:
    return ("name,value\n" + "".join(f"r{k},{place + k}\n" for k in range(records))).encode()


@dataclass
class Workflow:
    """What the jobs of one run see."""

    monkeypatch: Any
    execution: str = "e1"
    places: Places = field(init=False)
    shape: Shape = field(init=False)

    def __post_init__(self) -> None:
        self.client = boto3.client("s3")
        self.client.create_bucket(Bucket=BUCKET)
        self.objects = Objects(self.client)
        self.dynamodb = boto3.client("dynamodb")
        keys: Any = [{"AttributeName": "run", "KeyType": "HASH"}, {"AttributeName": "item", "KeyType": "RANGE"}]
        types: Any = [{"AttributeName": name, "AttributeType": "S"} for name in ("run", "item")]
        self.dynamodb.create_table(
            TableName=TABLE, KeySchema=keys, AttributeDefinitions=types, BillingMode="PAY_PER_REQUEST"
        )
        self.topic = boto3.client("sns").create_topic(Name="workflow")["TopicArn"]
        self.monkeypatch.setenv("TABLE_NAME", TABLE)
        self.monkeypatch.setenv("TOPIC_ARN", self.topic)

    def put(self, key: str, content: bytes, **more: Any) -> None:
        self.client.put_object(Bucket=BUCKET, Key=key, Body=content, **more)

    def fill(self, keys: list[str]) -> None:
        """Objects of three kinds, three records each."""
        for place, key in enumerate(keys):
            self.put(key, csv_of(place))
        self.put("in/packed.csv.gz", gzip.compress(csv_of(100)))
        lines = "".join(json.dumps({"name": "x", "value": k}) + "\n" for k in range(3)).encode()
        self.put("in/packed.jsonl.zst", zstandard.compress(lines))

    def plan(self, each: int = 4) -> None:
        items = list_items(self.objects, SOURCE, OUTPUT)
        plan, self.shape, content = plan_items(items, each, SOURCE)
        self.places = Places(OUTPUT, plan.hash)
        self.objects.put(self.places.items, content)
        write_plan(self.objects, OUTPUT, plan)

    def job(self, action: str, *more: str, index: int | None = None, size: int | None = None, attempt: int = 1) -> int:
        """Exit status of one child."""
        given = {"AWS_BATCH_JOB_ARRAY_INDEX": index, "AWS_BATCH_JOB_ARRAY_SIZE": size, "AWS_BATCH_JOB_ATTEMPT": attempt}
        for name, value in given.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                self.monkeypatch.setenv(name, str(value))
        self.monkeypatch.setenv("AWS_BATCH_JOB_ID", f"job-of-{self.execution}")
        where = ["-i", str(SOURCE), "-o", str(OUTPUT), "-p", self.places.plan_hash, "-s", str(self.shape)]
        return main([action, *where, *more])

    def array(self, action: str, *more: str, size: int | None = None, skip: tuple[int, ...] = ()) -> list[int]:
        count = size or self.shape.slices
        return [self.job(action, *more, index=k, size=count) for k in range(count) if k not in skip]

    def conclude(self) -> int:
        return self.job("conclude", "-x", self.execution, "-m", "desk@example.com")

    def run(self, steps: int = 10, *more: str, again: bool = False) -> list[int]:
        """Exit statuses of all jobs, none left out when one fails."""
        resume = ("-c", "yes" if again else "no")
        return [
            self.job("validate", *resume, *more),
            *self.array("statistics", *resume),
            *self.array("profile", *resume),
            *self.array("check", size=steps),
            self.conclude(),
        ]

    @property
    def table(self) -> Metadata:
        return Metadata(run_key(self.places.plan_hash, OUTPUT), self.dynamodb, TABLE)

    def rows(self) -> list[Row]:
        return list(self.table.rows())

    def document(self, name: str) -> Any:
        return json.loads(self.objects.get(OUTPUT / name))

    def statistics(self, index: int) -> SliceStatistics:
        return msgspec.json.decode(self.objects.get(self.places.statistics(index)), type=SliceStatistics)

    def profiles(self, index: int) -> SliceProfiles:
        return msgspec.json.decode(self.objects.get(self.places.profiles(index)), type=SliceProfiles)

    def listing(self) -> list[str]:
        return [row.uri.key.removeprefix("out/run/") for row in self.objects.list(OUTPUT)]

    def messages(self) -> list[str]:
        """What subscribers were told."""
        topic = sns_backends[DEFAULT_ACCOUNT_ID][REGION].topics[self.topic]
        return [str(sent[1]) for sent in topic.sent_notifications]
