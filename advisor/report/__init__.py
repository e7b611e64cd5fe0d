"""One file a form: ``render(report) -> str``."""
