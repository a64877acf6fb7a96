"""The kinds of numbers and names in the formats, with their units and limits; the JSON Schemas are made from them.

The upper limits are far beyond any note or market: they refuse infinities, and percentages written as 80 for 0.8. The
lower ones of volatilities are far below any: what is less gives the same prices, or numbers that underflow.
"""

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta

PRINTABLE = r"^[^\x00-\x1f\x7f]+(?!\n)$"  # names go into tables; "$" alone would let a last newline pass

Id = Annotated[
    str, Meta(min_length=1, max_length=128, pattern=PRINTABLE, description="printable text, unique in the book")
]
Name = Annotated[
    str, Meta(min_length=1, max_length=64, pattern=PRINTABLE, description="an underlying of the market, printable text")
]
Currency = Annotated[
    str, Meta(min_length=3, max_length=3, pattern=r"^[A-Z]{3}$", description="ISO 4217 code, three capital letters")
]
Amount = Annotated[float, Meta(gt=0, le=1e15, description="currency units")]
Level = Annotated[float, Meta(gt=0, le=1e12, description="index points")]

# of a note
Side = Annotated[Literal["long", "short"], Meta(description="a short position's value is negative")]
BusinessDay = Annotated[date, Meta(description="YYYY-MM-DD, a business day of TARGET")]
BusinessDays = Annotated[int, Meta(ge=0, le=366, description="business days from observation to payment")]
Barrier = Annotated[float, Meta(gt=0, le=10, description="fraction of the strike: 0.8 is 80 %")]
Coupon = Annotated[float, Meta(ge=0, le=10, description="amount per period on unit notional: 0.05 is 5 %")]
Memory = Annotated[bool, Meta(description="whether missed coupons are paid together with the next one due")]
Monitoring = Annotated[
    Literal["maturity", "continuous"],
    Meta(description="when the protection barrier is watched; continuous: single underlyings under gbm only"),
]
KnockedIn = Annotated[
    bool, Meta(description="whether a continuously monitored barrier was touched before the valuation date")
]
Fixings = Annotated[
    dict[date, dict[Name, Level]],
    Meta(description="levels of every underlying on each observation date up to the valuation date, in index points"),
]

# of a market
Rate = Annotated[float, Meta(ge=-1, le=2, description="per year, continuously compounded: 0.01 is 1 %")]
Volatility = Annotated[float, Meta(ge=1e-9, le=10, description="per square root of a year: 0.2 is 20 %")]
Variance = Annotated[float, Meta(ge=1e-12, le=10, description="per year: 0.04 is a volatility of 20 %")]
Speed = Annotated[float, Meta(ge=1e-9, le=100, description="of the variance's return to its mean, per year")]
VolatilityOfVariance = Annotated[float, Meta(ge=1e-6, le=100, description="per year")]
Correlation = Annotated[float, Meta(ge=-1, le=1, description="between -1 and 1")]
ExchangeRate = Annotated[float, Meta(gt=0, le=1e12, description="units of the base currency for one unit")]
