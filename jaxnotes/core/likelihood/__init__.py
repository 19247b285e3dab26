"""A likelihood that the user wrote: its observations as a function of flat parameters, its maximum, and its
profile. Words: *observations*, *captured* (what log_prob holds from outside), *drop* (how far a profile falls to an
end of an interval). All of it may change while statuses stay and answers stay within tolerance.
"""
