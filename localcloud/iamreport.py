"""``python -m localcloud.iamreport``: which permissions a running local cloud has seen used, and which not."""

import argparse
import json
import os
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

from localcloud.access.record import declared, used
from localcloud.gateway import ACCESS_PATH


def main(arguments: list[str] | None = None) -> int:
    """0; 1 when something was denied; 2 when no local cloud answers."""
    parser = argparse.ArgumentParser(prog="python -m localcloud.iamreport", description=__doc__)
    endpoint = os.environ.get("AWS_ENDPOINT_URL") or "http://127.0.0.1:4566"
    parser.add_argument(
        "--endpoint", default=endpoint, help="of the local cloud (default: AWS_ENDPOINT_URL, else 4566)"
    )
    parser.add_argument("--json", action="store_true", help="print roles, policies and decisions as they are")
    options = parser.parse_args(arguments)
    try:
        with urllib.request.urlopen(f"{options.endpoint.rstrip('/')}{ACCESS_PATH}") as answer:  # noqa: S310 given by whoever runs this
            found = json.load(answer)
    except (OSError, ValueError) as error:
        print(f"no local cloud answers at {options.endpoint}: {error}", file=sys.stderr)
        return 2
    print(json.dumps(found, indent=2) if options.json else "\n".join(report(found)))
    return 1 if any(not decision["allowed"] for decision in found["decisions"]) else 0


def report(found: Mapping[str, Any]) -> Iterator[str]:
    """What was denied, then each role that was active with what it has and has not used."""
    denied = [decision for decision in found["decisions"] if not decision["allowed"]]
    yield f"denied: {len(denied)}"
    for each in denied:
        yield f"  {each['role']}: {each['action']} on {each['resource']}, {each['count']} times"
    seen = used(found["decisions"])
    active = {decision["role"] for decision in found["decisions"]}
    for role in sorted(found["roles"]):
        if role not in active:
            yield f"{role}: not active"
            continue
        grants = sorted(declared({role: found["roles"][role]}))
        unused = [grant for grant in grants if grant not in seen]
        yield f"{role}: {len(grants) - len(unused)} of {len(grants)} used"
        yield from (
            f"  not used: {grant.policy.rpartition('/')[2]} {grant.statement} {grant.element}".rstrip()
            for grant in unused
        )


if __name__ == "__main__":
    sys.exit(main())
