#!/usr/bin/env bash
# What `make test` does after the set-up. The control plane is built in the background meanwhile (minutes the first time, nothing afterwards).
set -uo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin
failed=()
suite() {
  local name=$1 began=$SECONDS
  shift
  echo "== $name"
  if "$@"; then echo "== $name: passed in $((SECONDS - began)) s"; else echo "== $name: FAILED after $((SECONDS - began)) s"; failed+=("$name"); fi
}
log=$(mktemp)
nice -n 5 "$bin/python" -m cluster.control_plane build >"$log" 2>&1 &
build=$!
wait_for_build() {
  if ! wait "$build"; then tail -n 30 "$log"; return 1; fi
  grep -o "built .* in [0-9]* s" "$log" || echo "built before: nothing was to do"
}
suite "system packages" tools/system_packages.sh
suite "lint" tools/lint.sh
suite "unit tests" "$bin/python" -m pytest -q -n 2 -m "not e2e and not control_plane and not kubectl"
suite "conformance" "$bin/python" -m tests.conformance ../shared/conformance
suite "control plane's build (begun with the system packages)" wait_for_build
# these two wait more than they work: two control planes, two products side by side
suite "cluster suite on both servers" "$bin/python" -m pytest -q -n 2 --dist loadfile --durations=5 \
  -m "(control_plane or kubectl) and not e2e"
suite "portal on PostgreSQL" tools/with_postgres.py "$bin/python" -m pytest -q -n 2 -m "not e2e and not control_plane and not kubectl" \
  tests/access tests/organization tests/workloads tests/scheduling tests/monitoring
suite "the product in a browser" "$bin/python" -m pytest -q -n 2 --dist loadfile --durations=5 -m e2e
echo "== all in $SECONDS s"
[ ${#failed[@]} -eq 0 ] || { echo "failed: ${failed[*]}" >&2; exit 1; }
