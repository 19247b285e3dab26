# What .ci/run and .ci/long share: environments by name, and steps with a ledger of the time they took.
# Under `set -e` the failed left side of a statement `a && b` ends nothing: here every statement is one command.
set -euo pipefail
shopt -s globstar failglob
cd "$(dirname "${BASH_SOURCE[0]}")/.."

work=${CI_WORK:-$(mktemp -d)}
mkdir -p "$work"
work=$(realpath "$work")

# The oldest versions supported, those of Colab.
oldest=(-e ".[test,plots]" "jax==0.7.2" "jaxlib==0.7.2" "numpy==2.1.*")

# environment NAME WHAT ...: activates an environment of this name, made where it is missing, with these installed.
environment() {
  if [ ! -d "$work/$1" ]; then python3 -m venv "$work/$1"; fi
  . "$work/$1/bin/activate"
  pip install -q "${@:2}"
}

# run NAME ...: calls each function NAME, and prints at any end how long it took beside its budget, minutes[NAME].
run() {
  trap close EXIT
  for step in "$@"; do
    if [ -z "${minutes[$step]:-}" ]; then
      echo "no step $step; there are: ${!minutes[*]}" >&2
      exit 2
    fi
  done
  for step in "$@"; do
    printf '\n== %s\n' "$step"
    started=$SECONDS
    "$step"
    enter done
  done
}

enter() {
  local took=$((SECONDS - started)) budget=$((60 * minutes[$step])) over=
  if [ "$took" -gt "$budget" ]; then over=", over its budget"; fi
  ledger+=$(printf '%-10s %5d s of %5d s  %s' "$step" "$took" "$budget" "$1$over")$'\n'
  started=
}

close() {
  local code=$?
  if [ -n "${started:-}" ]; then enter "FAILED with $code"; fi
  printf '\n%s%-10s %5d s\n' "${ledger:-}" "in all" "$SECONDS"
  if [ -z "${CI_WORK:-}" ]; then rm -rf "$work"; fi
}
