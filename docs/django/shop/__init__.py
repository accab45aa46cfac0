"""The Django side of docs/races.md: each way to sell a copy, and a test that it does what we say."""
