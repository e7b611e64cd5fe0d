"""The web UI: server-rendered pages over reports; every page has a .json twin."""
