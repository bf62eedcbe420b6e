#!/bin/sh
# Prints a Python of at least 3.11 that can make virtual environments, or says how to get one.
for name in "${PYTHON:-}" python3.11 python3.12 python3.13 python3 python; do
  [ -n "$name" ] && command -v "$name" >/dev/null 2>&1 || continue
  if "$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    command -v "$name"
    exit 0
  fi
done
cat >&2 <<'EOF'
✕ No Python 3.11 or newer with venv was found.
  Debian, Ubuntu: apt install python3 python3-venv    Fedora: dnf install python3    macOS: brew install python
  Or name one: make up PYTHON=/path/to/python3
EOF
exit 1
