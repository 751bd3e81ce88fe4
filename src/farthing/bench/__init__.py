"""Benchmarks that bring their own floor: each figure stands beside the same rows with nothing around them.

A ratio travels between machines, a number does not. Each measurement checks what it counted: a fast wrong answer
is no result.
"""
