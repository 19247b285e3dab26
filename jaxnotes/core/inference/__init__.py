"""From an estimate to what is known about it: covariances, Wald intervals and the delta method. Words: *spread*,
*root*, *leverage*, *level*. `Inference` is public. A formula may change only with its source and the oracle that
tests it.
"""
