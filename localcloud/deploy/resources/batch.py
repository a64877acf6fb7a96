"""Batch: environments, queues and definitions, with the API's own checks."""

from localcloud.deploy.registry import Declaration, creates
from localcloud.deploy.stack import Created


@creates("AWS::Batch::ComputeEnvironment")
def compute_environment(this: Declaration) -> Created:
    name = this.name("ComputeEnvironmentName", limit=128)
    this.without_effect("ReplaceComputeEnvironment", "UpdatePolicy")
    skip = ("ComputeEnvironmentName", "ReplaceComputeEnvironment", "UpdatePolicy")
    parameters = this.as_parameters("batch", "CreateComputeEnvironment", skip=skip)
    parameters["type"] = parameters.get("type", "").upper()  # CloudFormation takes "managed" too
    made = this.call("batch", "create_compute_environment", computeEnvironmentName=name, **parameters)
    arn = made["computeEnvironmentArn"]
    return Created(physical_id=arn, attributes={"ComputeEnvironmentArn": arn})


@creates("AWS::Batch::JobQueue")
def job_queue(this: Declaration) -> Created:
    name = this.name("JobQueueName", limit=128)
    parameters = this.as_parameters("batch", "CreateJobQueue", skip=("JobQueueName",))
    arn = this.call("batch", "create_job_queue", jobQueueName=name, **parameters)["jobQueueArn"]
    return Created(physical_id=arn, attributes={"JobQueueArn": arn})


@creates("AWS::Batch::JobDefinition")
def job_definition(this: Declaration) -> Created:
    name = this.name("JobDefinitionName", limit=128)
    this.without_effect("ResourceRetentionPolicy")
    skip = ("JobDefinitionName", "ResourceRetentionPolicy")
    parameters = this.as_parameters("batch", "RegisterJobDefinition", skip=skip)
    parameters["type"] = parameters.get("type", "").lower()
    arn = this.call("batch", "register_job_definition", jobDefinitionName=name, **parameters)["jobDefinitionArn"]
    return Created(physical_id=arn, attributes={"JobDefinitionArn": arn})
