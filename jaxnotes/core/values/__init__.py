"""What every room speaks of: arrays that are checked, parameters, how a solve ended, the one loop, pytrees as
vectors, and what moved between versions of jax. No room is below it. Words: *status*, *solution*, *params* and
*theta*. The public names of a package live here (`Solution`, `Status`, `LinearParams`, `FitError`): those keep
their meaning; everything else here may change with its users, which are all rooms.
"""
