"""The AWS services that jobs call. Clients are made when first used, one of each a process."""

import os
from functools import cached_property
from typing import TYPE_CHECKING

import boto3

from fanout.notice import Post
from fanout.s3 import Objects

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TABLE, TOPIC = "TABLE_NAME", "TOPIC_ARN"  # environment variables


class Services:
    """Clients of the process."""

    @cached_property
    def objects(self) -> Objects:
        return Objects(boto3.client("s3"))

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        return boto3.client("dynamodb")

    def forget(self) -> None:
        """In a forked process: connections that its parent opened are the parent's."""
        self.__dict__.clear()

    @property
    def table(self) -> str:
        return os.environ[TABLE]

    @property
    def post(self) -> Post:
        return Post(self.dynamodb, boto3.client("sns"), self.table, os.environ[TOPIC])


services = Services()
