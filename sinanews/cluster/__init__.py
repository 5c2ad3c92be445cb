"""Several machines on one PostgreSQL: jobs in a queue (Procrastinate's), workers that take them, one schedule."""
