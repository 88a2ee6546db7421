"""What is on disk against what was recorded: journals, plates, derived runs, catalog. Nothing is changed by looking."""
