"""Statement -> QueryShape, one file a language."""
