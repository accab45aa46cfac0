"""Measures the bookstore side by side with its peers. Started by scripts/bench."""
