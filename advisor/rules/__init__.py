"""One file a rule: ``RULE`` (its facts), ``find(study)`` (its findings) and a docstring, which is its documentation."""
