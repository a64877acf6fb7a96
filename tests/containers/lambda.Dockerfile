# Stands in for public.ecr.aws/lambda/python:3.13 where that cannot be pulled: the same runtime client and boto3, on Debian.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}

RUN python3 -m venv /opt/lambda \
 && /opt/lambda/bin/pip install --no-cache-dir --disable-pip-version-check awslambdaric==4.2.2 boto3==1.43.108 \
 && mkdir /var/runtime \
 && printf '#!/bin/sh\nexec /opt/lambda/bin/python -m awslambdaric "$_HANDLER"\n' > /var/runtime/bootstrap \
 && chmod 755 /var/runtime/bootstrap

ENV LAMBDA_TASK_ROOT=/var/task \
    PYTHONPATH=/var/task:/opt/python \
    LANG=C.UTF-8
WORKDIR /var/task
