"""Chapter 5.2: networks of many small units, trained whole, one network or a thousand.

A layer applies, to one example x (a column, as in the notes), a matrix, a shift and an activation phi,

    z[1] = W[1] x + b[1],   a[1] = phi(z[1]),   z[2] = W[2] a[1] + b[2],   ...

and the last z, without an activation, is the output. Row i of W and entry i of b are unit i: it computes what logistic
regression computes, but is none, because no label says what it should give; only the output has a likelihood. With
examples as rows X (n, n_in) the same layer reads X W' + b. The loss of one example with output z and target t is

    regression  ||z - t||^2 / 2        binary  sum_k softplus(z_k) - t_k z_k        classes  log sum_k exp(z_k) - t'z

(nats; t one-hot for classes), and that of a data set is the mean over its rows. Without a hidden layer these are least
squares, logistic and softmax regression.
"""

from jaxnotes.neural_networks.choice import Comparison, Selection, compare, select_activation
from jaxnotes.neural_networks.network import (
    Layer,
    Network,
    Training,
    accuracy,
    apply,
    init,
    loss,
    train,
    train_in_chunks,
)

__all__ = [
    "Comparison",
    "Layer",
    "Network",
    "Selection",
    "Training",
    "accuracy",
    "apply",
    "compare",
    "init",
    "loss",
    "select_activation",
    "train",
    "train_in_chunks",
]
