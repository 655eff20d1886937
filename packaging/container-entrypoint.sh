#!/bin/sh
# `serve` trusts the public keys in TRUST (RW…, with spaces between); every other verb runs as it is named.
set -eu
if [ "${1:-}" = serve ] && [ -n "${TRUST:-}" ]; then
  for key in $TRUST; do set -- "$@" --trust "$key"; done
fi
exec stout-mirror "$@"
