"""The rules of money and time read naively: days one by one, fractions, nothing of the product.

It is written from the rules alone and played against the product over its public interface.
"""
