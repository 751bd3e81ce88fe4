"""XML, written element by element in the order that a schema asks for."""

from collections.abc import Mapping
from decimal import Decimal
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from farthing.pricing.arithmetic import plain


class Node:
    """An element, to which others are added by their prefixed names."""

    def __init__(self, element: Element, prefixes: Mapping[str, str]) -> None:
        self._element = element
        self._prefixes = prefixes

    def add(self, name: str, text: str | None = None, **attributes: str) -> "Node":
        """An element inside this one."""
        prefix, _, local = name.partition(":")
        inner = SubElement(self._element, f"{{{self._prefixes[prefix]}}}{local}", attributes)
        inner.text = text
        return Node(inner, self._prefixes)

    def maybe(self, name: str, text: str | None, **attributes: str) -> None:
        """The same where there is something to say."""
        if text:
            self.add(name, text, **attributes)

    def written(self) -> bytes:
        """The whole document."""
        for prefix, space in self._prefixes.items():
            ElementTree.register_namespace(prefix, space)
        return bytes(ElementTree.tostring(self._element, encoding="utf-8", xml_declaration=True))


def root(space: str, name: str, prefixes: Mapping[str, str]) -> Node:
    """A document's outermost element."""
    return Node(Element(f"{{{space}}}{name}"), prefixes)


def cents(amount: Decimal) -> str:
    """An amount with two decimals."""
    return format(amount.quantize(Decimal("0.01")), "f")


def figure(value: Decimal) -> str:
    """A price, quantity or percentage with the digits it has."""
    return plain(value)
