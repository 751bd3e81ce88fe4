"""Invoice lines as a table for spreadsheets."""
