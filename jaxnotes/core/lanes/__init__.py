"""What vmap, grad, jit and length do to a solver: `batching` packs problems into blocks, `implicit` differentiates
their answers, `closures` makes what a user's function captures an argument, `passes` sums over rows too many to
hold twice. Words: *lane*, *block*, *pass*, *hoist*. Engines are written for a block and know nothing of this room's
insides, which may change while one lane's answer depends on no other lane.
"""
