"""From events to quantities: points and rollups of each meter, which follow the events."""
