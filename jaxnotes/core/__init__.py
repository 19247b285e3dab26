"""Shared machinery below the chapters: eight rooms, importable, but free to change from one version to the next.

A room imports the rooms above it in this list, and only those; rooms on one line know nothing of each other.

    values
    special   matrix
    lanes     inference
    descent   linear
    likelihood

The words that several rooms use, each with one meaning:

    lane        one problem of many that are solved side by side, as `jax.vmap` makes them
    block       the lanes that one engine solves together, on the first axis; a lane's answer depends on no other
    tile        32 rows of a lane, where lanes of unequal length share a block; `tiles` completes its sums over rows
    frozen      of a lane: ended, and carried along unchanged until its block has ended
    engine      what solves a block: `solve_block(..., data) -> Solution`
    pass        one sum over all rows, chunk by chunk
    weight      w, how many rows a row counts for; n_obs = sum w; 0 means absent
    share       w / n_obs, so that an objective is a mean
    predictor   eta = x'coef + intercept + offset, one number per row and class
    params      what a user holds: `LinearParams`, or any pytree
    theta       the same as a vector, intercept first
    scaled      of columns: centred and divided by their spread, so that the entries of theta have one size
    root        of a covariance C: any matrix R with R R' = C
    score       the derivative of a row's log-likelihood; information is minus its derivative
    captured    what a user's function holds from outside, made an argument by `lanes.closures.hoist`
    objective   what a fit minimizes, a mean with its penalty; `Solution.value` is its least value
"""
