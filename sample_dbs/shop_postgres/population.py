"""What the seed put into the database, by the same arithmetic: the workload names rows without asking for them."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

START = datetime(2023, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 1, 1, tzinfo=UTC)  # the workload's clock: the seeded three years end here
MAIL_DOMAINS = ("Example.com", "Mail.example", "Post.example", "Example.org")


@dataclass(frozen=True, slots=True)
class Population:
    """Draws row numbers and moments with ``random``; ``last_ids`` are the highest seeded id of each table."""

    last_ids: dict[str, int]
    random: Random

    def any_of(self, table: str) -> int:
        """A row of the table, all equally likely."""
        return self.random.randint(1, self.last_ids[table])

    def at_rank(self, table: str, share: float) -> int:
        """The row at this place of the power law: 0.0 is the most frequent customer or product, 1.0 the least."""
        rows = self.last_ids[table]
        return 1 + min(rows - 1, int(rows * share)) * 7919 % rows

    def regular_customer(self) -> int:
        """A customer with about ten orders."""
        return self.at_rank("customers", self.random.uniform(0.04, 0.08))

    def frequent_customer(self) -> int:
        """A customer with dozens of orders or more."""
        return self.at_rank("customers", self.random.uniform(0.0, 0.003))

    def quiet_product(self) -> int:
        """A product that sells now and then: some forty-five order lines at full scale."""
        return self.at_rank("products", self.random.uniform(0.7, 1.0))

    def big_category(self) -> int:
        """A category with more than a page of products."""
        return 13 + self.random.randint(0, 9) * 7919 % 108

    def moment(self, earliest: float = 0.3, latest: float = 0.95) -> datetime:
        """A moment in the three years, given as shares of them."""
        return START + timedelta(seconds=round(self.random.uniform(earliest, latest) * (NOW - START).total_seconds()))

    def day(self) -> datetime:
        """The beginning of a day."""
        return self.moment().replace(hour=0, minute=0, second=0)

    def email(self) -> str:
        """A customer's e-mail address as people type it."""
        customer = self.any_of("customers")
        return f"shopper.{customer}@{MAIL_DOMAINS[customer % 4].lower()}"

    def token(self) -> str:
        """The token of a log-in."""
        return hashlib.md5(f"session {self.any_of('sessions')}".encode(), usedforsecurity=False).hexdigest()

    def tracking_number(self) -> str:
        """The number of a parcel; one in five is mistyped."""
        return f"TRK{self.any_of('orders') * 7919 % 1_000_000_007:010d}"
