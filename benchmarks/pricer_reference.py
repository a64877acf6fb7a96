"""Autocallable notes under Heston's model without paths: the values that the pricer's tests hold it to.

Cosine series in the log index, quadrature in the variance. Between observation dates the joint law of variance and log
index is exact: the density of the variance times the characteristic function of the log index given both variances

.. math:: p(w \\mid v)\\,\\mathrm{E}\\left[e^{aI} \\mid v, w\\right]
          = c\\, e^{\\frac{\\kappa(v-w) + \\kappa^2\\theta\\Delta}{\\sigma^2} - \\frac{\\gamma\\Delta}{2}
            - \\frac{\\gamma (v+w)}{\\sigma^2} \\coth\\frac{\\gamma\\Delta}{2}}
            \\left(\\frac{w}{v}\\right)^{\\nu/2} I_\\nu\\left(2 c\\, e^{-\\gamma\\Delta/2} \\sqrt{vw}\\right)

with γ² = κ² - 2σ²a, c = 2γ / (σ² (1 - e^{-γΔ})), ν = 2κθ/σ² - 1 (Broadie and Kaya, "Exact simulation of stochastic
volatility and other affine jump diffusion processes", Operations Research 54, 2006; a is complex, so that the argument
of the Bessel function winds round zero and the turns are counted). Backward induction as in Fang and Oosterlee, "A
Fourier-based valuation method for Bermudan and barrier options under Heston's model", SIAM J. Financial Math. 2 (2011).
It needs scipy. ``PYTHONPATH=. python benchmarks/pricer_reference.py`` writes ``tests/data/heston_values.json``.
"""

import argparse
import json
import math
import time
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ive

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]
Case = dict[str, Any]
TARGET = Path(__file__).parents[1] / "tests" / "data" / "heston_values.json"
LOWEST, HIGHEST = -7.0, 4.0  # of ln(index / strike)
TERMS, VARIANCES, PANELS = 384, 144, 6
WIDEST_PANEL, PANEL_NODES = 0.12, 20  # of the log index


@dataclass(frozen=True, kw_only=True)
class Heston:
    """Parameters, with the nodes of the variance's quadrature and the kernels between dates."""

    v0: float
    kappa: float
    theta: float
    sigma: float
    rho: float
    kernels: dict[tuple[float, bool], Complex] = field(default_factory=dict, compare=False)

    @cached_property
    def nodes(self) -> tuple[Array, Array]:
        """Nodes and weights: Gauss-Legendre panels in a root of the variance, where its density is smooth at zero."""
        delta = 4 * self.kappa * self.theta / self.sigma**2
        spread = self.theta * self.sigma**2 / (2 * self.kappa)
        spread += self.v0 * self.sigma**2 / self.kappa * math.exp(-0.2 * self.kappa)
        most = max(self.v0, self.theta) + (26 if delta < 2 else 18) * math.sqrt(spread)
        power = max(2.0, 4 / delta)
        x, w = panels(np.linspace(0.0, most ** (1 / power), PANELS + 1), VARIANCES // PANELS)
        return x**power, w * power * x ** (power - 1)

    def kernel(self, step: float, frequencies: Array, *, first: bool) -> Complex:
        """(frequencies, from, to) weights of the expectation over a step; ``first``: from today's variance only."""
        key = round(step, 10), first
        if key not in self.kernels:
            to, weights = self.nodes
            start = np.array([self.v0]) if first else to
            self.kernels[key] = np.stack([self._slice(step, u, start, to) for u in frequencies]) * weights
        return self.kernels[key]

    def _slice(self, step: float, u: float, start: Array, to: Array) -> Complex:
        k, theta, sigma, rho = self.kappa, self.theta, self.sigma, self.rho
        v, w = start[:, None], to[None, :]
        nu = 2 * k * theta / sigma**2 - 1
        a = 1j * u * (k * rho / sigma - 0.5) - 0.5 * u * u * (1 - rho**2)
        gamma = np.sqrt(k * k - 2 * sigma**2 * a + 0j)
        decay = np.exp(-gamma * step)
        c = 2 * gamma / (sigma**2 * (1 - decay))
        factor = 2 * c * np.exp(-gamma * step / 2)
        turns = np.round((np.angle(c) - gamma.imag * step / 2 - np.angle(factor)) / (2 * np.pi))
        argument = factor * np.sqrt(v * w)
        exponent = np.log(c) + (k * (v - w) + k * k * theta * step) / sigma**2 - gamma * step / 2
        exponent = exponent - gamma * (v + w) / sigma**2 * (1 + decay) / (1 - decay) + 2j * np.pi * turns * nu
        exponent = exponent + 0.5 * nu * np.log(w / v) + np.abs(argument.real)
        leverage = 1j * u * rho / sigma * (w - v - k * theta * step)
        return np.asarray(ive(nu, argument) * np.exp(exponent + leverage))


def panels(edges: Array, nodes: int) -> tuple[Array, Array]:
    """Nodes and weights of Gauss-Legendre's rule on each panel."""
    x, w = np.polynomial.legendre.leggauss(nodes)
    half = np.diff(edges)[:, None] / 2
    return (half * x + (edges[:-1] + edges[1:])[:, None] / 2).ravel(), (half * w).ravel()


def value(case: Case, model: Heston, distances: Array, rate: float) -> Array:
    """The note for each ``ln(spot / strike)`` of ``distances``, on unit notional.

    Backwards, two functions of log index and variance: A, what the note is worth with no coupon unpaid, and B, what
    each unpaid coupon adds.
    """
    times = np.array(case["times"])
    steps = np.diff(times, prepend=0.0)
    coupon, memory = case["coupon"], float(case["memory"])
    x, w = panels(np.array(edges(case)), PANEL_NODES)
    level = np.exp(x)
    frequencies = np.arange(TERMS) * np.pi / (HIGHEST - LOWEST)
    project = np.cos(np.outer(frequencies, x - LOWEST)) * w * 2 / (HIGHEST - LOWEST)
    project[0] /= 2
    paid = level >= case["coupon_barrier"][-1]
    redeemed = np.where(paid | (level >= case["protection"]), 1.0, np.minimum(level, 1.0))
    a = np.repeat((redeemed + paid * coupon)[:, None], VARIANCES, axis=1)
    b = np.repeat((paid * coupon * memory)[:, None], VARIANCES, axis=1)
    for date in range(len(times) - 1, -1, -1):
        kernel = model.kernel(float(steps[date]), frequencies, first=date == 0)
        at = distances if date == 0 else x
        drift = (rate - case["div"]) * steps[date]
        waves = np.exp(1j * np.outer(at + drift - LOWEST, frequencies))
        discount = math.exp(-rate * steps[date])
        a, b = ((waves @ np.einsum("nij,nj->ni", kernel, project @ each)).real * discount for each in (a, b))
        if date > 0:
            called = (level >= case["autocall"][date - 1])[:, None]
            paid = (level >= case["coupon_barrier"][date - 1])[:, None]
            a, b = (
                np.where(called, 1 + coupon, np.where(paid, coupon + a, a + b)),
                np.where(called | paid, coupon * memory, b),
            )
    return np.asarray(a[:, 0] + case["unpaid0"] * b[:, 0])


def edges(case: Case) -> list[float]:
    """Panel borders of the log index: on every barrier, and in between."""
    levels = {1.0, case["protection"], *case["coupon_barrier"], *case["autocall"][:-1]}
    marks = sorted({LOWEST, HIGHEST, *(round(math.log(level), 14) for level in levels)})
    borders: list[float] = []
    for low, high in pairwise(marks):
        borders += np.linspace(low, high, math.ceil((high - low) / WIDEST_PANEL) + 1)[:-1].tolist()
    return [*borders, HIGHEST]


def sensitivities(case: Case) -> Case:
    """Value and derivatives; the vega is that of √v0 and √θ one point higher, rho that of one basis point."""
    base = case["heston"]
    model = Heston(**base)
    here = math.log(case["spot"] / case["strike"])
    h = 1e-3
    low, middle, high = value(case, model, here + np.array([-h, 0.0, h]), case["rate"])
    first, second = (high - low) / (2 * h), (high - 2 * middle + low) / h**2  # by the logarithm of the spot
    moved = Heston(**base | {name: (math.sqrt(base[name]) + 0.01) ** 2 for name in ("v0", "theta")})
    there = np.array([here])
    return {
        "value": middle,
        "delta": first / case["spot"],
        "gamma": (second - first) / case["spot"] ** 2,
        "vega": value(case, moved, there, case["rate"])[0] - middle,
        "rho": value(case, model, there, case["rate"] + 1e-4)[0] - middle,
    }


def cases() -> dict[str, Case]:
    """Annual, quarterly and seasoned notes under mild, fast, slow and strongly skewed variances."""
    annual = {
        "spot": 100.0, "strike": 100.0, "times": [1.0, 2.0, 3.0, 4.0, 5.0], "rate": 0.02, "div": 0.01,
        "autocall": [1.0] * 5, "coupon_barrier": [0.75] * 5, "protection": 0.6, "coupon": 0.06, "memory": True,
        "unpaid0": 0,
    }  # fmt: skip
    days = [366, 733, 1097, 1461, 1827, 2192, 2557]
    workshop = annual | {
        "spot": 3550.0, "strike": 3500.0, "times": [day / 360 for day in days], "rate": 0.01, "div": 0.0,
        "autocall": [1.0] * 7, "coupon_barrier": [0.8] * 7, "coupon": 0.05,
    }  # fmt: skip
    quarters = [0.25 * number for number in range(1, 13)]
    quarterly = annual | {
        "times": quarters, "autocall": [1.0] * 12, "coupon_barrier": [0.75] * 12, "coupon": 0.02,
    }  # fmt: skip
    seasoned = annual | {
        "spot": 85.0, "times": [0.4, 1.4, 2.4], "autocall": [1.0, 0.95, 0.9], "coupon_barrier": [0.7] * 3, "unpaid0": 2,
    }  # fmt: skip

    def heston(v0: float, kappa: float, theta: float, sigma: float, rho: float) -> Case:
        return {"heston": {"v0": v0, "kappa": kappa, "theta": theta, "sigma": sigma, "rho": rho}}

    return {
        "workshop": workshop | heston(0.0122, 1.445, 0.0326, 0.354, -0.599),
        "feller_ok": annual | heston(0.04, 3.0, 0.05, 0.4, -0.7),
        "quarterly": quarterly | heston(0.06, 2.0, 0.05, 0.6, -0.75),
        "seasoned": seasoned | heston(0.05, 1.5, 0.04, 0.5, -0.6),
        "no_memory": annual | {"memory": False} | heston(0.04, 1.5, 0.05, 0.5, -0.5),
        "fast": annual | heston(0.05, 6.0, 0.04, 0.8, -0.6),
        "slow": annual | heston(0.03, 0.2, 0.08, 0.3, -0.5),
        "positive_rho": annual | heston(0.04, 1.5, 0.05, 0.5, 0.3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=TARGET)
    found = []
    for name, case in cases().items():
        began = time.perf_counter()
        found.append({"id": name, "model": "heston", "protectionMonitoring": "maturity"} | case | sensitivities(case))
        print(f"{name:14s} {found[-1]['value']:.9f}  {time.perf_counter() - began:.0f} s", flush=True)
    about = "unit notional; delta and gamma a unit of spot; vega: sqrt(v0), sqrt(theta) + 0.01; rho: rate + 0.0001"
    document = {"made_by": "benchmarks/pricer_reference.py", "units": about, "cases": found}
    parser.parse_args().out.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
