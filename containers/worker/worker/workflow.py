"""What the five jobs of array-workflow have in common: which plan, which slice, which clients."""

import argparse
import math
import os
import time
from dataclasses import dataclass

from fanout.errors import CheckError
from fanout.items import Item, Places, Shape, list_items, parse_rows, plan_items, read_items, withdraw_conclusions
from fanout.notice import run_key
from fanout.plan import read_plan, write_plan
from fanout.s3 import Objects, S3Uri
from worker.metadata import Metadata
from worker.services import services


@dataclass(frozen=True, slots=True)
class Job:
    """One job or child of a run."""

    objects: Objects
    source: S3Uri
    places: Places
    shape: Shape
    resume: bool  # results of an earlier attempt or execution may stand

    @classmethod
    def of(cls, options: argparse.Namespace, objects: Objects) -> "Job":
        """The plan is the one named in the command; in a job submitted by hand the one that stands."""
        output = S3Uri.parse_prefix(options.output)
        source = S3Uri.parse_prefix(options.input or options.output)  # of jobs that read results only
        if options.plan_hash:
            plan_hash, shape = options.plan_hash, Shape.parse(options.shape)
        else:
            plan = read_plan(objects, output)
            plan_hash, shape = plan.hash, Shape.parse(plan.work.parameters["shape"])
        again = options.resume != "no" or os.environ.get("AWS_BATCH_JOB_ATTEMPT", "1") != "1"
        return cls(objects, source, Places(output, plan_hash), shape, again)

    @property
    def index(self) -> int:
        return int(os.environ.get("AWS_BATCH_JOB_ARRAY_INDEX", "0"))  # absent: the only child

    @property
    def table(self) -> Metadata:
        return Metadata(run_key(self.places.plan_hash, self.places.output), services.dynamodb, services.table)

    def items_of_slice(self) -> list[Item]:
        start, stop = self.shape.slice(self.index)
        return read_items(self.objects, self.places, self.shape, start, stop)


def write_down_plan(options: argparse.Namespace, objects: Objects) -> None:
    """Lists the input and writes the plan, as the counting function does, for jobs that are submitted by hand."""
    source, output = S3Uri.parse_prefix(options.input), S3Uri.parse_prefix(options.output)
    items = list_items(objects, source, output)
    plan, _, content = plan_items(items, math.ceil(len(items) / max(1, int(options.slices))), source)
    places = Places(output, plan.hash)
    withdraw_conclusions(objects, places)
    objects.put(places.items, content)
    write_plan(objects, output, plan)


def validate(options: argparse.Namespace) -> str:
    from worker.validate import tolerate, validate

    objects = services.objects
    if not options.plan_hash:
        write_down_plan(options, objects)
    job = Job.of(options, objects)
    items = parse_rows(objects.get(job.places.items))
    report = validate(objects, job.places, job.source.bucket, items, resume=job.resume)
    tolerate(report, float(options.tolerated))
    return f"looked at {report.items} objects, {len(report.rejected)} rejected"


def statistics(options: argparse.Namespace) -> str:
    from worker.statistics import slice_statistics

    job = Job.of(options, services.objects)
    items = job.items_of_slice()
    if not items:
        return "nothing to do"
    return slice_statistics(job.objects, job.places, job.source.bucket, items, job.index, resume=job.resume)


def profile(options: argparse.Namespace) -> str:
    from worker.profiles import slice_profiles

    job = Job.of(options, services.objects)
    if job.index >= job.shape.slices:
        return "nothing to do"
    return slice_profiles(job.objects, job.places, job.index, job.table, resume=job.resume)


def check(options: argparse.Namespace) -> str:
    from worker.facts import RunFacts, check_step

    job = Job.of(options, services.objects)
    steps = int(os.environ.get("AWS_BATCH_JOB_ARRAY_SIZE", "1"))
    facts = RunFacts(job.objects, job.places, job.shape, job.source, job.table)
    report = check_step(facts, job.objects, job.index, steps)
    broken = [f"{result.name}: {problem}" for result in report.checks for problem in result.problems]
    if broken:
        raise CheckError("\n".join(broken))
    return f"checked {', '.join(result.name for result in report.checks)}"


def conclude(options: argparse.Namespace) -> str:
    from worker.conclude import conclude

    job = Job.of(options, services.objects)
    sender = os.environ.get("AWS_BATCH_JOB_ID", "by hand")
    execution = options.execution or sender
    return conclude(
        job.objects,
        job.places,
        job.table,
        services.post,
        execution=execution,
        recipient=options.recipient,
        sender=sender,
        now=time.time(),
    )
