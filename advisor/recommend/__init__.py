"""One file a remedy: ``recommend(study, findings)`` yields Recommendations and Declined."""
