#!/bin/sh
# `serve` trusts the public keys in TRUST (RW…, separated by spaces). Every other command runs as given.
set -eu
if [ "${1:-}" = serve ] && [ -n "${TRUST:-}" ]; then
  for key in $TRUST; do set -- "$@" --trust "$key"; done
fi
exec stout-mirror "$@"
