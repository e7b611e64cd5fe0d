"""The pages, one file a topic; each has ROUTER."""
