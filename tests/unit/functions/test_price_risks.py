"""Sensitivities add up by currency and underlying; their errors are bounded, not guessed."""

from fanout.prices import Measured, Price, Risk, Scenarios, UnderlyingRisk
from price_risks import Risks, camel


def risk_of(size: float) -> Risk:
    greeks = {name: Measured(value=size, standard_error=abs(size) / 10) for name in UnderlyingRisk.__struct_fields__}
    return Risk(underlyings={"SX5E": UnderlyingRisk(**greeks)}, rho=Measured(value=-size, standard_error=0.5))


def price_of(currency: str, size: float, *, asked: bool = True) -> Price:
    grid = Scenarios(spot_factors=(0.9, 1.0), volatility_changes=(0.0,), pv=((size, 2 * size),))
    return Price(
        index=0,
        id="N",
        currency=currency,
        pv=size,
        standard_error=0.0,
        scrambles=(size,),
        paths=1,
        risk=risk_of(size) if asked else None,
        scenarios=grid if asked else None,
    )


def test_long_and_short_offset_each_other_but_their_errors_do_not() -> None:
    risks = Risks()
    for price in (price_of("EUR", 100), price_of("EUR", -40), price_of("USD", 7)):
        risks.add(price)
    report = risks.report()
    assert report["risk"]["underlyings"]["SX5E"]["EUR"]["deltaPercent"] == {"value": 60, "standardErrorAtMost": 14}
    assert report["risk"]["rho"]["EUR"] == {"value": -60, "standardErrorAtMost": 1}
    assert report["scenarios"]["pv"] == {"EUR": [[60, 120]], "USD": [[7, 14]]}


def test_what_was_not_asked_for_is_not_reported() -> None:
    risks = Risks()
    risks.add(price_of("EUR", 100, asked=False))
    assert risks.report() == {}


def test_names_are_written_as_json_has_them() -> None:
    assert camel("delta_percent") == "deltaPercent"
