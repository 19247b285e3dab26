"""The benchmark: every workload with every peer that is installed. See bench/README.md."""

# Each name is a module of this package that offers `cases(quick)`; a new workload is one module and one line here.
WORKLOADS = (
    "many_logistic",
    "shared_logistic",
    "big_logistic",
    "big_ols",
    "curve_fits",
    "nist",
    "distribution_fits",
    "user_mle",
    "gradient_descent",
    "activations",
    "broadcasting",
    "mlp",
    "many_mlp",
    "activation_grid",
    "screen",
    "import_time",
    "compile",
    "faults",
)
