"""Whole notes by other methods: from a position and a market as users write them, to a value that no pricer code made.

One index under GBM: backward induction by Gauss-Legendre quadrature in the log index, a watched barrier by the density
of the killed Brownian motion. One index under Heston's model: :mod:`pricer_reference`. Baskets: plain simulation, the
payoff on drawn levels; variances in small steps by Andersen's scheme with his trapezoid, normals by Cholesky's factor.
Curves, variances and fixings are read here once more, so that a mistake of the pricer's reading shows.
"""

import math
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pricer_reference
from numpy.typing import NDArray
from scipy.special import erf, ndtri
from scipy.stats import qmc

from fanout.calendar import add_business_days

Array = NDArray[np.float64]
Json = dict[str, Any]
NODES, WIDEST, DEVIATIONS = 20, 0.12, 9.0  # of a panel; log index; of the log index at maturity
STEPS_A_YEAR = 72  # of a variance in a basket
SWITCH = 1.5
MOVE = 1e-3  # of the logarithm of a spot


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A position and a market, read."""

    position: Json
    market: Json

    def years(self, day: str) -> float:
        return (date.fromisoformat(day) - date.fromisoformat(self.market["valuationDate"])).days / 360

    @cached_property
    def names(self) -> list[str]:
        return [each["name"] for each in self.position["underlyings"]]

    @cached_property
    def left(self) -> list[Json]:
        return [each for each in self.position["schedule"] if self.years(each["date"]) > 0]

    @cached_property
    def times(self) -> Array:
        return np.array([self.years(each["date"]) for each in self.left])

    @cached_property
    def discounts(self) -> Array:
        lag = self.position.get("settlementDays", 0)
        paid = [add_business_days(date.fromisoformat(each["date"]), lag).isoformat() for each in self.left]
        return np.exp(-self.rates(np.array([self.years(day) for day in paid])))

    def rates(self, times: Array) -> Array:
        """∫r dt."""
        pillars = self.market["curves"][self.position["currency"]]["zeroRates"]
        at, rates = np.array([self.years(day) for day, _ in pillars]), np.array([rate for _, rate in pillars])
        return self._linear(times, at, rates * at)

    def growth(self, name: str, times: Array) -> Array:
        return self.rates(times) - self.market["underlyings"][name].get("dividendYield", 0.0) * times

    def variance(self, name: str, times: Array) -> Array:
        """∫σ² dt."""
        volatility = self.market["underlyings"][name]["volatility"]
        if volatility["type"] == "flat":
            return np.asarray(volatility["value"] ** 2 * times)
        at = np.array([self.years(day) for day in volatility["expiries"]])
        return self._linear(times, at, np.square(volatility["values"]) * at)

    @staticmethod
    def _linear(times: Array, at: Array, totals: Array) -> Array:
        """Piecewise linear from zero; beyond the last pillar in its proportion."""
        inside = np.interp(times, np.concatenate([[0.0], at]), np.concatenate([[0.0], totals]))
        return np.where(times > at[-1], totals[-1] / at[-1] * times, inside)

    @cached_property
    def pillars(self) -> list[float]:
        """Where a rate or a volatility steps."""
        found = [self.years(day) for day, _ in self.market["curves"][self.position["currency"]]["zeroRates"]]
        for name in self.names:
            found += [self.years(day) for day in self.market["underlyings"][name]["volatility"].get("expiries", [])]
        return [time for time in found if 0 < time < self.times[-1]]

    @cached_property
    def unpaid(self) -> int:
        """Coupons that the fixings left unpaid; 0 without memory."""
        count = 0
        for each in self.position["schedule"]:
            if self.years(each["date"]) <= 0 and (barrier := each.get("couponBarrier")) is not None:
                levels = self.position["fixings"][each["date"]]
                worst = min(levels[one["name"]] / one["strike"] for one in self.position["underlyings"])
                count = 0 if worst >= barrier else count + 1
        return count if self.position["memory"] else 0

    @cached_property
    def barriers(self) -> list[tuple[float, float, bool]]:
        """Of each date: autocall level, coupon level, whether a coupon falls due."""
        rows = []
        for place, each in enumerate(self.left):
            callable_ = place + 1 < len(self.left) and each.get("autocallBarrier") is not None
            coupon = each.get("couponBarrier")
            rows.append(
                (
                    each["autocallBarrier"] if callable_ else math.inf,
                    math.inf if coupon is None else coupon,
                    coupon is not None,
                )
            )
        return rows


def by_quadrature(problem: Problem) -> float:
    """One index under GBM. Three functions of the log level: A watched and untouched, A touched, B an unpaid coupon."""
    position = problem.position
    (terms,) = position["underlyings"]
    name, coupon, memory = terms["name"], position["coupon"], float(position["memory"])
    here = math.log(problem.market["underlyings"][name]["spot"] / terms["strike"])
    watched = position.get("protectionMonitoring") == "continuous" and not position.get("knockedIn")
    barrier = math.log(position["protectionBarrier"])
    if watched and here <= barrier:
        watched, position = False, position | {"knockedIn": True}
    times = np.union1d(problem.times, problem.pillars)
    variances = np.diff(problem.variance(name, times), prepend=0.0)
    drifts = np.diff(problem.growth(name, times), prepend=0.0) - variances / 2
    x, w = _nodes(problem, here, drifts, variances)
    level = np.exp(x)
    touched_value = untouched_value = owed = np.zeros_like(x)
    last = len(problem.left) - 1
    for place in range(len(times) - 1, -1, -1):
        if (hits := np.flatnonzero(problem.times == times[place])).size:
            number = int(hits[0])
            autocall, coupon_level, due = problem.barriers[number]
            discount = problem.discounts[number]
            pays, called = level >= coupon_level, level >= autocall
            if number == last:
                par = np.minimum(level, 1.0)
                safe = np.where(pays | (level >= position["protectionBarrier"]), 1.0, par)
                touched_value = discount * np.where(pays, 1.0, par)
                untouched_value = discount * (np.ones_like(par) if watched else safe)
                if not watched and position.get("knockedIn"):
                    untouched_value = touched_value
            bonus = discount * coupon * np.where(pays, float(due), 0.0)
            touched_value, untouched_value = (
                np.where(
                    called,
                    discount * (1 + coupon * due),
                    bonus + np.where(pays, value, value + due * owed),
                )
                for value in (touched_value, untouched_value)
            )
            owed = np.where(called | pays, discount * coupon * memory, owed)
        start = x if place else np.array([here])
        step = math.sqrt(variances[place])
        shift = (x[None, :] - start[:, None] - drifts[place]) / step
        kernel = np.exp(-0.5 * shift**2) / (step * math.sqrt(2 * math.pi)) * w
        alive = kernel
        if watched:
            above = np.maximum(start - barrier, 0)[:, None] * np.maximum(x - barrier, 0)[None, :]
            alive = kernel * -np.expm1(-2 * above / variances[place])
            untouched_value = alive @ untouched_value + (kernel - alive) @ touched_value
        else:
            untouched_value = kernel @ untouched_value
        touched_value = kernel @ touched_value
        owed = kernel @ owed
    return float(untouched_value[0] + problem.unpaid * owed[0])


def sensitivities(problem: Problem) -> dict[str, float]:
    """Of one index under GBM, by bumped :func:`by_quadrature`: a spot 1 % higher, a volatility point, a bp of rates."""
    (name,) = problem.names
    index = problem.market["underlyings"][name]
    volatility = index["volatility"]
    raised = (
        volatility | {"value": volatility["value"] + 0.01}
        if volatility["type"] == "flat"
        else volatility | {"values": [value + 0.01 for value in volatility["values"]]}
    )
    currency = problem.position["currency"]
    dearer = [[day, rate + 1e-4] for day, rate in problem.market["curves"][currency]["zeroRates"]]

    def at(spot: float = 1.0, **changes: Any) -> float:
        moved = {name: index | {"spot": index["spot"] * spot} | changes.pop("index", {})}
        return by_quadrature(
            Problem(position=problem.position, market=problem.market | {"underlyings": moved} | changes)
        )

    down, here, up = at(math.exp(-MOVE)), at(), at(math.exp(MOVE))
    first, second = (up - down) / (2 * MOVE), (up - 2 * here + down) / MOVE**2  # by the logarithm of the spot
    return {
        "deltaPercent": 0.01 * first,
        "gammaPercent": 1e-4 * (second - first),
        "vega": at(index={"volatility": raised}) - here,
        "rho": at(curves={currency: {"zeroRates": dearer}}) - here,
    }


def _nodes(problem: Problem, here: float, drifts: Array, variances: Array) -> tuple[Array, Array]:
    """Panels with their borders on every barrier, fine enough for the shortest step."""
    spread = DEVIATIONS * math.sqrt(variances.sum()) + abs(drifts.sum())
    levels = {1.0, problem.position["protectionBarrier"]}
    for autocall, coupon, _ in problem.barriers:
        levels |= {level for level in (autocall, coupon) if math.isfinite(level)}
    low, high = here - spread, here + spread
    marks = sorted({low, high, *(math.log(level) for level in levels if low < math.log(level) < high)})
    widest = min(WIDEST, 3 * math.sqrt(variances.min()))
    borders = [low]
    for start, stop in pairwise(marks):
        borders += np.linspace(start, stop, math.ceil((stop - start) / widest) + 1)[1:].tolist()
    return pricer_reference.panels(np.array(borders), NODES)


def by_cosines(problem: Problem, terms: int = 384, variances: int = 144) -> float:
    """One index under Heston's model; a flat rate, every date with both barriers, no settlement lag."""
    position = problem.position
    (strike,) = [each["strike"] for each in position["underlyings"]]
    index = problem.market["underlyings"][problem.names[0]]
    rate = problem.market["curves"][position["currency"]]["zeroRates"][0][1]
    case = {
        "times": problem.times,
        "div": index.get("dividendYield", 0.0),
        "coupon": position["coupon"],
        "memory": position["memory"],
        "protection": position["protectionBarrier"],
        "autocall": [*(autocall for autocall, _, _ in problem.barriers[:-1]), 1.0],
        "coupon_barrier": [coupon for _, coupon, _ in problem.barriers],
        "unpaid0": problem.unpaid,
    }
    heston = {name: value for name, value in index["volatility"].items() if name != "type"}
    pricer_reference.TERMS, pricer_reference.VARIANCES = terms, variances
    distance = np.array([math.log(index["spot"] / strike)])
    return float(pricer_reference.value(case, pricer_reference.Heston(**heston), distance, rate)[0])


def by_paths(problem: Problem, log2_points: int, scrambles: int) -> tuple[float, float]:
    """A basket by plain simulation: mean and standard error over independent runs."""
    draw = _gbm_worst if all(_is_gbm(problem, name) for name in problem.names) else _heston_worst
    values = [payoff(problem, draw(problem, log2_points, seed)).mean() for seed in range(scrambles)]
    return float(np.mean(values)), float(np.std(values, ddof=1) / math.sqrt(scrambles))


def payoff(problem: Problem, levels: Array) -> Array:
    """(paths,) discounted cash flows of (dates, paths) worst levels."""
    position = problem.position
    value = np.zeros(levels.shape[1])
    owed = np.full(levels.shape[1], float(problem.unpaid))
    open_ = np.ones(levels.shape[1])
    for (autocall, coupon_level, due), discount, level in zip(problem.barriers, problem.discounts, levels, strict=True):
        called, pays = level >= autocall, level >= coupon_level
        paid = np.where(pays, due + owed, np.where(called, owed, 0.0)) * position["coupon"]
        value += open_ * discount * (paid + called)
        owed = np.where(pays | called, 0.0, (owed + due) * position["memory"])
        open_ = open_ * ~called
    safe = (levels[-1] >= position["protectionBarrier"]) | (levels[-1] >= coupon_level)
    return np.asarray(value + open_ * discount * np.where(safe, 1.0, np.minimum(levels[-1], 1.0)))


def _is_gbm(problem: Problem, name: str) -> bool:
    return bool(problem.market["underlyings"][name]["model"] == "gbm")


def _correlations(problem: Problem) -> Array:
    matrix = np.eye(len(problem.names))
    for each in problem.market.get("correlations", []):
        i, j = (problem.names.index(name) for name in each["pair"])
        matrix[i, j] = matrix[j, i] = each["value"]
    return matrix


def _worst(problem: Problem, logs: Array) -> Array:
    """From (assets, dates, paths) logarithms of index over spot."""
    ratios = [
        problem.market["underlyings"][each["name"]]["spot"] / each["strike"] for each in problem.position["underlyings"]
    ]
    return np.asarray((np.exp(logs) * np.array(ratios)[:, None, None]).min(axis=0))


def _gbm_worst(problem: Problem, log2_points: int, seed: int) -> Array:
    """Steps at each date, one normal for each index; volatilities are constant within steps or step at dates only."""
    assets, dates = len(problem.names), len(problem.times)
    points = qmc.Sobol(assets * dates, rng=seed).random_base2(log2_points)
    normals = ndtri(np.clip(points, 1e-12, 1 - 1e-12)).T.reshape(dates, assets, -1)
    normals = np.linalg.cholesky(_correlations(problem)) @ normals
    variances = np.stack([np.diff(problem.variance(name, problem.times), prepend=0.0) for name in problem.names])
    growth = np.stack([problem.growth(name, problem.times) for name in problem.names])
    moves = np.sqrt(variances)[:, :, None] * normals.transpose(1, 0, 2) - variances[:, :, None] / 2
    return _worst(problem, np.cumsum(moves, axis=1) + growth[:, :, None])


def _heston_worst(problem: Problem, log2_points: int, seed: int) -> Array:
    """Small steps of all indices at once: pairs of W and Z by the factor of their joint correlation."""
    random = np.random.default_rng(seed)
    assets, paths = len(problem.names), 1 << log2_points
    models = [problem.market["underlyings"][name]["volatility"] for name in problem.names]
    rho = np.array([model.get("rho", 0.0) for model in models])
    matrix = _correlations(problem)
    joint = np.linalg.cholesky(
        np.block([[matrix, matrix * rho], [(matrix * rho).T, np.outer(rho, rho) * matrix + np.diag(1 - rho**2)]])
        + 1e-12 * np.eye(2 * assets)
    )
    logs = np.zeros((assets, paths))
    now = [np.full(paths, model.get("v0", model.get("value", 0.0) ** 2)) for model in models]
    found = np.empty((assets, len(problem.times), paths))
    for number, length in enumerate(np.diff(problem.times, prepend=0.0)):
        count = math.ceil(length * STEPS_A_YEAR)
        for _ in range(count):
            drivers = joint @ random.standard_normal((2 * assets, paths))
            for asset, model in enumerate(models):
                _step(model, length / count, now, logs, asset, drivers[asset], drivers[assets + asset])
        growth = [problem.growth(name, problem.times[number : number + 1])[0] for name in problem.names]
        found[:, number] = logs + np.array(growth)[:, None]
    return _worst(problem, found)


def _step(model: Json, step: float, now: list[Array], logs: Array, asset: int, w: Array, z: Array) -> None:
    """Variance by Andersen's scheme from Z; the logarithm by W, freed of what Z tells, on the trapezoid."""
    before = now[asset]
    if model["type"] == "flat":
        logs[asset] += np.sqrt(before * step) * w - before * step / 2
        return
    k, theta, sigma, rho = (model[name] for name in ("kappa", "theta", "sigma", "rho"))
    after = _variance(before, k, theta, sigma, step, z)
    integral = step * (before + after) / 2
    beside = (w - rho * z) / math.sqrt(1 - rho**2)
    driven = (after - before - k * theta * step + k * integral) / sigma
    logs[asset] += rho * driven + math.sqrt(1 - rho**2) * np.sqrt(integral) * beside - integral / 2
    now[asset] = after


def _variance(v: Array, k: float, theta: float, sigma: float, step: float, z: Array) -> Array:
    decay = math.exp(-k * step)
    mean = theta + (v - theta) * decay
    square = v * sigma**2 * decay / k * (1 - decay) + theta * sigma**2 / (2 * k) * (1 - decay) ** 2
    psi = square / mean**2
    inverse = 2 / np.minimum(psi, SWITCH)
    b2 = inverse - 1 + np.sqrt(inverse * np.maximum(inverse - 1, 0))
    quadratic = mean / (1 + b2) * (np.sqrt(b2) + z) ** 2
    p = (psi - 1) / (psi + 1)
    uniform = 0.5 * (1 + erf(z / math.sqrt(2)))
    tail = np.where(uniform > p, np.log(np.maximum(1 - p, 1e-300) / np.maximum(1 - uniform, 1e-300)), 0.0)
    return np.where(psi <= SWITCH, quadratic, np.maximum(tail, 0.0) * mean / np.maximum(1 - p, 1e-300))
