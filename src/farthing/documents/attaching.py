"""The e-invoice inside its PDF, with the metadata that Factur-X asks for."""

import facturx


def with_einvoice(pdf: bytes, xml: bytes) -> bytes:
    """A PDF/A-3 with this CII in it, of the profile EN 16931."""
    return bytes(facturx.generate_from_binary(
        pdf, xml, flavor="factur-x", level="en16931", afrelationship="alternative", check_xsd=False,
        check_schematron=False,
    ))
