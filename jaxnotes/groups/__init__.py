"""One model per group of rows, whatever the groups' sizes: keys in, a lane for each group out. A host function.

fit      encodes the keys, feeds the groups to the engine in blocks of bounded memory, and gathers the answers
Groups   keys, solution, inference and n_obs, a lane for each group in order of first appearance

keys     labels of rows as codes, and the rows of each group together
recipe   what is done with one group, for each kind of chapter
task     what is to be solved, what is at work, what came out
engine   `solve`: groups of unequal length through compiled programs of few shapes
tiled    groups side by side in tiles of one height, in one program
padded   groups padded to few lengths
alone    a long group in a program of its own
columns  columns that are left out in some groups
output   tidy rows to Parquet as they come
"""

from jaxnotes.groups.fitting import fit
from jaxnotes.groups.result import Groups

__all__ = ["Groups", "fit"]
