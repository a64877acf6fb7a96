"""ECR, as far as a deployment asks it: whether an image is there. The tree's images always are, whatever their tag."""

from collections.abc import Callable

from localcloud.calls import Call, Reply
from localcloud.errors import ApiError


class ImageRepositories:
    """Answers DescribeImages; every other call is moto's.

    Jobs run an image's package straight from the tree, so an image of any tag can be run as soon as its directory is
    there: nothing has to be built, and a builder of images finds its work done.
    """

    def __init__(self, runnable: Callable[[str], object]) -> None:
        self._runnable = runnable  # raises LookupError for an image that cannot be run

    def __call__(self, call: Call) -> Reply | None:
        if call.target != "DescribeImages":
            return None
        asked = call.json()
        name = asked.get("repositoryName", "")
        try:
            self._runnable(name)
        except LookupError as error:
            raise ApiError(400, "RepositoryNotFoundException", str(error)) from None
        tags = [image["imageTag"] for image in asked.get("imageIds") or [] if "imageTag" in image]
        return Reply.of({"imageDetails": [{"repositoryName": name, "imageTags": tags}]})
