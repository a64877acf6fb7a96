#!/usr/bin/env bash
# Submits the five documents beside this script, each after the one that it depends on; prints the jobs' ids.
#   submit.sh s3://bucket/objects s3://bucket/workflow
# JobQueueArn names the queue: `source .stepbatch/env` sets it for a local cloud, the stack's outputs have it on AWS.
# What differs from one deployment to another is given on the command line, where it overrides the document.
set -euo pipefail
cd "$(dirname "$0")"
input=$1 output=$2

submit() { # submit DOCUMENT PARAMETERS [DEPENDENCY...]
  local document=$1 parameters=$2
  shift 2
  aws batch submit-job --cli-input-json "file://$document" --job-queue "${JobQueueArn:?}" --parameters "$parameters" \
    ${1+--depends-on "$@"} --query jobId --output text
}

a=$(submit job-a.json "inputUri=$input,outputUri=$output,slices=10")
b=$(submit job-b.json "inputUri=$input,outputUri=$output" "jobId=$a")
c=$(submit job-c.json "outputUri=$output" "jobId=$b,type=N_TO_N")
d=$(submit job-d.json "inputUri=$input,outputUri=$output" "jobId=$c" "type=SEQUENTIAL")
e=$(submit job-e.json "outputUri=$output,recipient=pipeline-notifications@example.com" "jobId=$d")
printf 'JobA %s\nJobB %s\nJobC %s\nJobD %s\nJobE %s\n' "$a" "$b" "$c" "$d" "$e"
