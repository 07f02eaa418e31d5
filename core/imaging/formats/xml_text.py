"""XML that came with a file, parsed without what makes XML dangerous."""

from __future__ import annotations

from xml.etree import ElementTree


def parsed_xml(text: str) -> ElementTree.Element | None:
    """The root of a document, None where it is damaged or declares types or entities of its own.

    Entities of the document's own are how a few bytes of XML grow to gigabytes; no microscope writes any. Characters by
    number ("&#181;") and the five of XML itself are read.

    Examples
    --------
    >>> parsed_xml('<a unit="&#181;m"/>').get("unit")
    'µm'
    >>> parsed_xml('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>') is None
    True
    """
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        return None
    try:
        return ElementTree.fromstring(text.strip("\0 \r\n\t\ufeff"))  # noqa: S314 (see above)
    except (ElementTree.ParseError, ValueError):
        return None
