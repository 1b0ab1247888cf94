"""How to reach Postgres: connections by role, the tables, what the stages read from them."""
