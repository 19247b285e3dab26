"""Descent on a function that nobody has told us more about: rules of one step and the loop that runs them,
mini-batches, Newton in a trust region, Levenberg and Marquardt for curves, and maps from free to constrained
parameters. Words: *method*, *step*, *free coordinates*. `minimize`, `minimize_path`, `methods` and `bijections` are
public; the engines may change while statuses stay and answers stay within tolerance.
"""
