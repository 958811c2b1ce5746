"""A package with nothing but a judge, for tests."""
