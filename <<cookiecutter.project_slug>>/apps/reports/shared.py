"""What crosses the wire to Temporal."""

from dataclasses import dataclass
from datetime import date

DAILY_REPORT = "daily_report"


@dataclass(frozen=True, kw_only=True)
class DailyReportInput:
    """The day to sum up; without one, the day before it runs, by the clock of TIME_ZONE."""

    day: date | None = None


@dataclass(frozen=True, kw_only=True)
class DailyReportResult:
    """Which day it was, and the names of the reports."""

    day: date
    reports: list[str]
