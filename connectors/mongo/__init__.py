"""MongoDB 4.4 to 8.x."""
