"""What every room stands on: settings, clock, database, problems, the web layer. Knows no room."""
