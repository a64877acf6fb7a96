"""The commands of examples/nton/README.md as they stand there; only the 10,000 children are fewer here."""

import json
import re
import shlex
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.local.cloud_process import Cloud
from tests.local.executions import Execution
from tests.local.typed import ROOT, SOURCE, clone, commands, typed
from tests.unit.conventions.template import read as read_template

RUN, BY_HAND, DEPLOY = commands((ROOT / "examples" / "nton" / "README.md").read_text())


def test_its_commands_run_as_they_stand(cloud: Cloud, tmp_path: Path) -> None:
    assert "--records 400000" in RUN
    assert BY_HAND.startswith(f"{SOURCE}\n")
    shown = typed(clone(tmp_path, cloud), SOURCE, RUN.replace("--records 400000", "--records 400"), BY_HAND)
    assert "400 of 400 records delivered" in shown
    assert "all as the manifest lists them" in shown
    started = re.findall(r'"executionArn": "(.+)"', shown)
    answers = [Execution(cloud, arn).output() for arn in started]
    asked = json.loads((ROOT / "examples" / "nton" / "repeat_a_night.json").read_text())
    assert [answer["status"] for answer in answers] == ["COMPLETE"] * 2
    assert answers[1]["runId"] == re.sub("[-:]", "", asked["scheduledTime"])


def test_the_schedule_is_turned_on_with_parameters_of_the_template_as_sam_reads_them() -> None:
    _sam, _deploy, option, *overrides = shlex.split(DEPLOY.replace("\\\n", ""))
    assert option == "--parameter-overrides"
    sam: Any = import_module("samcli.cli.types")  # it comes without types
    read = sam.CfnParameterOverridesType().convert(tuple(overrides), None, None)
    assert read == {
        "NightlyScheduleState": "ENABLED",
        "NightlyTimezone": "Europe/Berlin",
        "NightlySchedule": "cron(0 2 * * ? *)",
    }
    assert read.keys() <= read_template(ROOT / "template.yaml")["Parameters"].keys()
