"""Views turn requests into calls and answers into pages: one file per noun."""
