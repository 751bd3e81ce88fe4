"""The names under which usage arrives, and for whom it counts."""
