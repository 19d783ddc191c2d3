#!/usr/bin/env bash
# ruff, mypy, import contracts, templates, migrations and Django's own checks; runs all, fails if one failed.
set -uo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin
failed=()
step() {
  local name=$1 began=$SECONDS
  shift
  if "$@"; then echo "  ok   $name ($((SECONDS - began)) s)"; else echo "  FAIL $name"; failed+=("$name"); fi
}
test_settings() { DJANGO_SETTINGS_MODULE=runai_portal.settings.test "$bin/python" "$@"; }
deploy_check() {
  SECRET_KEY="$($bin/python -c 'import secrets; print(secrets.token_urlsafe(60))')" ALLOWED_HOSTS=portal.example \
    DATABASE_URL=postgres://portal@db/portal REDIS_URL=redis://redis/0 DJANGO_SETTINGS_MODULE=runai_portal.settings.production \
    "$bin/python" manage.py check --deploy --fail-level WARNING
}
step "ruff check" "$bin/ruff" check --quiet .
step "ruff format" "$bin/ruff" format --check --quiet .
step "import contracts" "$bin/lint-imports" --no-cache
step "mypy" "$bin/mypy" --no-error-summary
step "djlint" "$bin/djlint" templates --lint --quiet
step "migrations" test_settings manage.py makemigrations --check --dry-run
step "check --deploy" deploy_check
[ ${#failed[@]} -eq 0 ] || { echo "lint failed: ${failed[*]}" >&2; exit 1; }
