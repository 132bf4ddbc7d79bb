"""Who failed, and to what was each job exposed: one table, and the exhibits that are drawn from it."""
