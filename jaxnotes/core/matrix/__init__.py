"""Small dense matrices, many at once: products at the highest precision, factors with their rank, triangles made
row block by row block, and the scaling of columns. Words: *lane*, *scaled*, *root* (a factor of a covariance). How
it is computed may change freely; what rank a matrix is found to have shows in statuses, so that may not.
"""
