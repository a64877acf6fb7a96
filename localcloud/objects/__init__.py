"""S3's data plane on plain files that a person can open."""

from localcloud.objects.application import Application, application

__all__ = ["Application", "application"]
