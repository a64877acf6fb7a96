"""Whether reported standard errors are true: the same note priced with hundreds of seeds.

Each price is standardised by the error that it reports itself, about the seeds' own mean and about the reference
value. With R scrambles the first has a deviation of √((R-1)/(R-3)), 1.03 for 32, if scrambles err independently and
normally. The bias is the seeds' mean less the reference value, whose own tolerance the file states. Run it as
``PYTHONPATH=.:containers/pricer python benchmarks/pricer_honesty.py --seeds 400``.
"""

import argparse
import math
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from pricer.budget import Budget
from pricer.estimate import estimate, mean_and_error
from pricer.measures import ValueMeasure
from pricer.note import Note
from pricer.paths import Paths
from tests.unit.pricer.cases import CASES, HESTON_VALUES, Case, note_of, paths_of

BP = 1e-4
QUICK = ("gbm01_workshop_K3500", "ki_cont_q3y", "heston_workshop_0_K3500_ab1.0", "seasoned", "wo2_annual3_rho50")


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """One note over all seeds; bp of the notional."""

    error: float  # reported, mean over the seeds
    deviation: float  # of the standardised errors about the seeds' own mean
    mean: float  # of the standardised errors about the reference value
    bias: float
    bias_error: float  # one standard error of the bias
    tolerance: float  # of the reference value


def study(case: Case, seeds: int, log2_points: int | None) -> Study:
    """At the points that a target of 1 bp takes, unless ``log2_points`` says otherwise."""
    note, paths = note_of(case), paths_of(case)
    found = np.array([priced(case, note, paths, seed, log2_points) for seed in range(seeds)])
    values, errors = found.T
    deviations = (values - values.mean()) / errors
    return Study(
        error=float(errors.mean()) / BP,
        deviation=float(deviations.std(ddof=1)),
        mean=float(np.mean((values - case["value"]) / errors)),
        bias=float(values.mean() - case["value"]) / BP,
        bias_error=float(values.std(ddof=1)) / math.sqrt(seeds) / BP,
        tolerance=case.get("tolerance", 1e-8) / BP,
    )


def priced(case: Case, note: Note, paths: Paths, seed: int, log2_points: int | None) -> tuple[float, float]:
    model = "heston" if case["model"] == "heston" else "gbm"
    assets = len(note.strikes)
    group = msgspec.json.encode([[[f"I{place}", model] for place in range(assets)], case["times"]]).decode()
    sampling = Budget(seed=seed, target_bp=1.0, max_paths=2**20).sampling(group)
    if log2_points is not None:
        sampling = replace(sampling, log2_points=log2_points)
    (rows,) = estimate([ValueMeasure(note=note)], [paths], group, sampling)
    return mean_and_error(rows[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--all", action="store_true", help="every reference case, not a few of them")
    parser.add_argument("--log2-points", type=int, help="of each of the 32 scrambles")
    options = parser.parse_args()
    print(f"{'standardised errors over ' + str(options.seeds) + ' seeds':34s} error   deviation   mean   bias, bp")
    for case in [case for case in CASES + HESTON_VALUES if options.all or case["id"] in QUICK]:
        if len(case["times"]) == 1:
            continue  # closed form: nothing to err about
        found = study(case, options.seeds, options.log2_points)
        print(
            f"{case['id']:32s} {found.error:7.3f} {found.deviation:11.3f} {found.mean:6.2f}"
            f" {found.bias:+8.3f} ± {found.bias_error:.3f} (reference ± {found.tolerance:.1g})",
            flush=True,
        )


if __name__ == "__main__":
    main()
