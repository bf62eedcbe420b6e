"""Users, projects, members and roles, API tokens, audit log, idempotency keys."""
