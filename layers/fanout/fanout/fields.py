"""The kinds of numbers and names in the formats, with their units and limits; the JSON Schemas are made from them.

The upper limits are far beyond any note or market: they refuse infinities, and percentages written as 80 for 0.8.
"""

from datetime import date
from typing import Annotated

from msgspec import Meta

NAME = r"^[^\x00-\x1f\x7f]+$"  # no control characters: names go into tables and file names

Id = Annotated[str, Meta(min_length=1, max_length=128, pattern=NAME, description="unique in the book")]
Name = Annotated[
    str, Meta(min_length=1, max_length=64, pattern=NAME, description="the underlying's name in the market")
]
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}$", description="ISO 4217 code")]
BusinessDay = Annotated[date, Meta(description="YYYY-MM-DD, a business day of TARGET")]
Amount = Annotated[float, Meta(gt=0, le=1e15, description="currency units")]
Level = Annotated[float, Meta(gt=0, le=1e12, description="index points")]
Barrier = Annotated[float, Meta(gt=0, le=10, description="fraction of the strike: 0.8 is 80 %")]
Coupon = Annotated[float, Meta(ge=0, le=10, description="an amount per period on unit notional: 0.05 is 5 %")]
Rate = Annotated[float, Meta(ge=-1, le=2, description="per year, continuously compounded: 0.01 is 1 %")]
Volatility = Annotated[float, Meta(gt=0, le=10, description="per square root of a year: 0.2 is 20 %")]
Variance = Annotated[float, Meta(gt=0, le=10, description="per year: 0.04 is a volatility of 20 %")]
Correlation = Annotated[float, Meta(ge=-1, le=1)]
ExchangeRate = Annotated[float, Meta(gt=0, le=1e12, description="units of the base currency for one unit")]
BusinessDays = Annotated[int, Meta(ge=0, le=366, description="business days from observation to payment")]
