"""What the shop does, one function an operation; every planted fault is a function of its own."""
