"""From estimates on unit notional to the prices of positions."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fanout.book import Position
from fanout.market import Market
from fanout.prices import CallProbability, Distances, Measured, Price, Risk, Scenarios, UnderlyingRisk, Unpriced
from pricer.estimate import mean_and_error
from pricer.measures import BASIS_POINT
from pricer.trades import Trade

Array = NDArray[np.float64]
Axes = tuple[tuple[float, ...], tuple[float, ...]]  # spot factors and volatility changes of scenarios
PERCENT = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimates:
    """Rows of the measures of a trade, (rows, scrambles) each; see :mod:`pricer.measures`."""

    paths: int
    calls: NDArray[np.int64]  # rows of ``value`` with the probability to live on after each observation but the last
    value: Array
    risk: Array | None = None
    scenarios: Array | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitPrice:
    """What one unit of notional of a trade is worth, long."""

    by_scramble: Array
    paths: int
    calls: tuple[CallProbability, ...]
    loss: Measured
    life: Measured
    distances: Distances
    risk: Risk | None
    scenarios: Scenarios | None

    def of(self, position: Position) -> Price | Unpriced:
        """The position's price; Unpriced if the estimate is not a number."""
        amount = position.notional if position.side == "long" else -position.notional
        by_scramble = amount * self.by_scramble
        pv, error = mean_and_error(by_scramble)
        if not (math.isfinite(pv) and math.isfinite(error)):
            reason = f"the estimate is not a number: PV {pv}, standard error {error}"
            return Unpriced(index=position.index, id=position.id, reason=reason)
        return Price(
            index=position.index,
            id=position.id,
            currency=position.currency,
            pv=pv,
            standard_error=error,
            scrambles=tuple(by_scramble.tolist()),
            paths=self.paths,
            percent=pv / position.notional / PERCENT,
            percent_standard_error=error / position.notional / PERCENT,
            autocall_probabilities=self.calls,
            loss_probability=self.loss,
            expected_life=self.life,
            distances=self.distances,
            risk=self.risk and _scaled_risk(self.risk, amount),
            scenarios=self.scenarios and _scaled_scenarios(self.scenarios, amount),
        )


def certain(trade: Trade, scrambles: int, market: Market, *, risk: bool, axes: Axes | None) -> UnitPrice:
    """A trade of which nothing is open: what is fixed and not paid yet, in every scenario, moved by rates alone."""
    zero = Measured(value=0.0, standard_error=0.0)
    unmoved = UnderlyingRisk(**dict.fromkeys(UnderlyingRisk.__struct_fields__, zero))
    rho = Measured(value=-BASIS_POINT * trade.known_duration, standard_error=0.0)
    payments = [flow.payment for flow in trade.standing.flows]
    life = (max(payments) - market.valuation_date).days / 360 if payments else 0.0
    return UnitPrice(
        by_scramble=np.full(scrambles, trade.known),
        paths=0,
        calls=(),
        loss=zero,
        life=Measured(value=life, standard_error=0.0),
        distances=Distances(),
        risk=Risk(underlyings=dict.fromkeys(trade.names, unmoved), rho=rho) if risk else None,
        scenarios=None if axes is None else _grid(np.full(len(axes[0]) * len(axes[1]), trade.known), axes),
    )


def uncertain(trade: Trade, found: Estimates, market: Market, axes: Axes) -> UnitPrice:
    """A trade with observations to come."""
    scrambles = found.value.shape[1]
    alive = np.concatenate([np.ones((1, scrambles)), found.value[found.calls], np.zeros((1, scrambles))])
    ends = alive[:-1] - alive[1:]  # on each observation date, the last one included
    return UnitPrice(
        by_scramble=trade.known + found.value[0],
        paths=found.paths,
        calls=tuple(
            CallProbability(date=each.date, value=measured.value, standard_error=measured.standard_error)
            for each, row in zip(trade.standing.remaining[:-1], ends[:-1], strict=True)
            for measured in [_measured(row)]
        ),
        loss=_measured(found.value[1]),
        life=_measured(trade.payment_times @ ends),
        distances=_distances(trade, market),
        risk=None if found.risk is None else _risk(trade, found.risk, market),
        scenarios=None if found.scenarios is None else _grid(trade.known + found.scenarios.mean(axis=1), axes),
    )


def _risk(trade: Trade, rows: Array, market: Market) -> Risk:
    assets = len(trade.names)
    underlyings = {}
    for place, name in enumerate(trade.names):
        spot = market.underlyings[name].spot
        first, second = rows[2 * place], rows[2 * place + 1]  # by the logarithm of the spot
        curvature = second - first
        underlyings[name] = UnderlyingRisk(
            delta_percent=_measured(PERCENT * first),
            delta_point=_measured(first / spot),
            gamma_percent=_measured(PERCENT**2 * curvature),
            gamma_point=_measured(curvature / spot**2),
            vega=_measured(rows[2 * assets + 1 + place]),
        )
    return Risk(underlyings=underlyings, rho=_measured(rows[2 * assets] - BASIS_POINT * trade.known_duration))


def _grid(values: Array, axes: Axes) -> Scenarios:
    """From a value for each spot factor under each volatility change, these slowly."""
    spot_factors, changes = axes
    rows = values.reshape(len(changes), len(spot_factors)).tolist()
    return Scenarios(spot_factors=spot_factors, volatility_changes=changes, pv=tuple(tuple(row) for row in rows))


def _distances(trade: Trade, market: Market) -> Distances:
    """To the next date that has a barrier of the kind; the protection barrier is that of the last date."""
    worst = min(market.underlyings[each.name].spot / each.strike for each in trade.terms.underlyings)
    remaining = trade.standing.remaining
    autocall = next((each.autocall_barrier for each in remaining[:-1] if each.autocall_barrier is not None), None)
    coupon = next((each.coupon_barrier for each in remaining if each.coupon_barrier is not None), None)
    protection = None if trade.standing.touched else trade.terms.protection_barrier
    autocall, coupon, protection = (
        None if barrier is None else barrier / worst - 1 for barrier in (autocall, coupon, protection)
    )
    return Distances(autocall=autocall, coupon=coupon, protection=protection)


def _measured(by_scramble: Array) -> Measured:
    value, error = mean_and_error(by_scramble)
    return Measured(value=value, standard_error=error)


def _scaled(measured: Measured, amount: float) -> Measured:
    return Measured(value=amount * measured.value, standard_error=abs(amount) * measured.standard_error)


def _scaled_risk(risk: Risk, amount: float) -> Risk:
    return Risk(
        underlyings={
            name: UnderlyingRisk(
                **{field: _scaled(getattr(each, field), amount) for field in UnderlyingRisk.__struct_fields__}
            )
            for name, each in risk.underlyings.items()
        },
        rho=_scaled(risk.rho, amount),
    )


def _scaled_scenarios(scenarios: Scenarios, amount: float) -> Scenarios:
    return Scenarios(
        spot_factors=scenarios.spot_factors,
        volatility_changes=scenarios.volatility_changes,
        pv=tuple(tuple(amount * value for value in row) for row in scenarios.pv),
    )
