"""What every room speaks of: arrays that are checked, parameters, how a solve ended, the one loop, pytrees as
vectors, what moved between versions of jax, rows in tiles, and under which name users meet a type. No room is below
it. Words:
*status*, *solution*, *params* and *theta*. Public types live here (`Solution`, `Status`, `LinearParams`,
`FitError`): those keep their meaning; everything else here may change with its users, which are all rooms.
"""
