"""Lines of a pattern: found, fitted, and judged against counting and background."""
