"""Test clocks: a sandbox's time is moved forward, and whatever falls due on the way happens in order."""
