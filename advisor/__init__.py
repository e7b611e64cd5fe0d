"""Query Advisor: finds what slows a database application down and proves the remedy."""

__version__ = "0.1.0"
