"""Whether the calibration finds the best fit there is: against searches from random starts, and against scipy's.

The loss is the pricer's own, half the sum of squares of (model - market) / vega over the surface's quotes. Run it as
``PYTHONPATH=.:containers/pricer python benchmarks/pricer_calibration.py``; it needs scipy.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares as trust_region

from fanout.market import parse_market
from pricer.calibrate import HIGH, LOW, Problem, calibrate
from pricer.least_squares import least_squares

SURFACE = Path(__file__).parents[1] / "examples" / "montecarlo" / "eurostoxx50_2019-11-20_surface.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=50)
    parser.add_argument("--market", type=Path, default=SURFACE)
    parser.add_argument("--underlying", default="SX5E")
    options = parser.parse_args()
    market = parse_market(options.market.read_bytes())
    problem = Problem.of(options.underlying, market)
    began = time.process_time()
    found = calibrate(options.underlying, market)
    spent = time.process_time() - began
    random = np.random.default_rng(1)
    starts = LOW + (HIGH - LOW) * random.uniform(size=(options.starts, 5))
    ours = [least_squares(problem.residuals, start, LOW, HIGH).loss for start in starts]
    theirs = [
        trust_region(
            lambda point: problem.residuals(point[None])[0],
            start,
            bounds=(LOW, HIGH),
            x_scale=HIGH - LOW,
            ftol=1e-14,
            xtol=1e-14,
            gtol=1e-14,
        ).cost
        for start in starts
    ]
    print(f"loss {found.loss:.12g}, {found.quality}: rms {found.rms_bp:.1f}, worst {found.worst_bp:.1f} volatility bp")
    print(f"CPU {spent:.3f} s; Feller ratio {found.feller:.3f}; {found.parameters}")
    for name, losses in (("the pricer's search", ours), ("scipy's least_squares", theirs)):
        near = sum(loss <= min(losses) * (1 + 1e-6) for loss in losses)
        print(f"{name} from {options.starts} random starts: best {min(losses):.12g}, reached by {near}")
        print(f"  the calibration's loss over that, less one: {found.loss / min(losses) - 1:+.2e}")


if __name__ == "__main__":
    main()
