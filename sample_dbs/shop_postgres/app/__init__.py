"""The shop's application: models, services, and a FastAPI application over them."""
