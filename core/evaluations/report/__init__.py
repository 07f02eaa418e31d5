"""The report of an evaluation: findings, tables, pictures, one page of HTML."""
