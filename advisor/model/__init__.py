"""The nouns. Frozen dataclasses over the standard library only; every other package speaks in these."""
