"""Functions of numbers, entry by entry, as exact as their dtype: logarithms that lose no digits, arithmetic in two
words, the parts of the gamma function, tails and quantiles, and activations with slopes of their own. Words: *tail*
(a probability above or below), *excess* (what is left of a function beyond its leading term). Any of it may change
as long as the tests against mpmath pass as they stand.
"""
