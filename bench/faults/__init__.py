"""The suite of labelled problems: is every CONVERGED true, every refusal for its reason? See docs/faults.md."""
