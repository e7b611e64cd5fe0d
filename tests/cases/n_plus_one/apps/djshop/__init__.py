"""A Django application over the recorded schema."""
