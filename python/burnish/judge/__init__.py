"""The judge: holds the user's module, draws inputs, runs the reference, compares and times. docs/judging.md says how
and why."""
