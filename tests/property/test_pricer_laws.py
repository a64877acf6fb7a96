"""Laws that prices obey whatever the note."""

import math
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pricer.estimate import Sampling, estimate
from pricer.gbm import GbmPaths
from pricer.measures import ValueMeasure
from pricer.note import Note
from pricer.payoff import outcome

SAMPLING = Sampling(seed=1, log2_points=4, scrambles=4)
LEVEL = st.floats(0.3, 1.7)


@st.composite
def notes(draw: st.DrawFn) -> Note:
    dates = draw(st.integers(1, 5))
    coupon_barrier = np.array([draw(st.floats(0.4, 1.1)) for _ in range(dates)])
    above = np.array([draw(st.floats(0.0, 0.5)) for _ in range(dates)])
    autocall = coupon_barrier + above
    autocall[-1] = math.inf
    rate = draw(st.floats(-0.02, 0.08))
    return Note(
        strikes=np.array([draw(st.floats(0.7, 1.4))]),
        autocall=autocall,
        coupon_barrier=coupon_barrier,
        coupon=draw(st.floats(0.0, 0.2)),
        memory=draw(st.booleans()),
        unpaid=draw(st.integers(0, 3)),
        protection=draw(st.floats(0.2, 1.2)),
        continuous=False,
        discounts=np.exp(-rate * np.arange(1, dates + 1)),
    )


def value(note: Note, volatility: float = 0.25) -> float:
    times = np.arange(1.0, len(note.discounts) + 1)
    covariances = np.full((len(times), 1, 1), volatility**2)
    paths = GbmPaths.of(log_growth=0.01 * times[None], covariances=covariances)
    (rows,) = estimate([ValueMeasure(note=note)], [paths], "law", SAMPLING)
    return float(rows[0].mean())


@given(notes())
def test_memory_is_worth_something(note: Note) -> None:
    assert value(replace(note, memory=True)) >= value(replace(note, memory=False)) - 1e-12


@given(notes(), st.floats(0.001, 0.1))
def test_a_higher_coupon_is_worth_more(note: Note, more: float) -> None:
    assert value(replace(note, coupon=note.coupon + more)) >= value(note) - 1e-12


@given(notes(), st.floats(0.01, 0.3))
def test_a_lower_protection_barrier_is_worth_more(note: Note, lower: float) -> None:
    assert value(replace(note, protection=max(0.01, note.protection - lower))) >= value(note) - 1e-12


@given(notes(), st.floats(0.01, 0.3))
def test_a_lower_coupon_barrier_is_worth_more(note: Note, lower: float) -> None:
    assert value(replace(note, coupon_barrier=note.coupon_barrier - lower)) >= value(note) - 1e-12


@given(notes())
def test_the_value_lies_between_losing_everything_and_every_coupon_at_once(note: Note) -> None:
    dates = len(note.discounts)
    most = max(note.discounts) * (1 + note.coupon * (dates + note.unpaid))
    assert 0 <= value(note) <= most + 1e-12


@given(notes(), st.lists(LEVEL, min_size=5, max_size=5), st.floats(0.5, 2.0))
def test_the_payoff_depends_on_levels_and_discounts_only(note: Note, levels: list[float], factor: float) -> None:
    path = np.array(levels)[: len(note.discounts), None]
    scaled = replace(note, discounts=note.discounts * factor)
    assert np.allclose(outcome(scaled, path).value, factor * outcome(note, path).value, rtol=1e-12)
