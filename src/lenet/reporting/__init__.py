"""A run one can look at."""
