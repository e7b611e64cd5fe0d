"""A shop on MongoDB with planted faults and look-alikes: its documents, its application, and a recording of it."""
