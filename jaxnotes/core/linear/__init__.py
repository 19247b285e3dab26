"""Models whose rows enter through a linear predictor: the contract of a family, whether a maximum exists, Newton's
method and least squares, each for blocks of lanes and, for very many rows, by passes, and `fit`, which joins them.
Words: *family*, *margin* and *multiplier* (see `existence`), *share*. It needs nothing of `descent`. A new family
changes no engine; an engine may change while statuses stay and answers stay within tolerance.
"""
