"""One file a migration tool: ``TOOL`` (its facts) and ``export(recommendation, ...)`` (its MigrationStub)."""
