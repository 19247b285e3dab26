"""One model per group of rows, whatever the groups' sizes: keys in, a lane for each group out. A host function.

fit      encodes the keys, feeds the groups to the engine in blocks of bounded memory, and gathers the answers
Groups   keys, solution, inference and n_obs, a lane for each group in order of first appearance

keys     labels of rows as codes, and the rows of each group together
recipe   what is done with one group, for each kind of chapter
engine   `solve`: groups of unequal length through compiled programs of few shapes
columns  columns that are left out in some groups
output   tidy rows to Parquet as they come
"""

from jaxnotes.groups.fitting import fit
from jaxnotes.groups.result import Groups

__all__ = ["Groups", "fit"]
