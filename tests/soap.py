"""Reading the answers of SOAP doors."""

from typing import Any

from lxml import etree

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"


def soap_status(response: Any) -> tuple[int, list[str]]:
    """Code and messages of a business answer over SOAP."""
    assert response.status_code == 200, response.content
    status = etree.fromstring(response.content).find(".//status")
    return int(status.findtext("code")), [message.text for message in status.find("messages")]


def fault(response: Any) -> tuple[str, str]:
    """Code and sentence of a Fault."""
    assert (response.status_code, response["Content-Type"]) == (500, "text/xml; charset=utf-8"), response.content
    found = etree.fromstring(response.content).find(f"{{{ENVELOPE}}}Body/{{{ENVELOPE}}}Fault")
    prefix, _, code = found.findtext("faultcode").partition(":")
    assert found.nsmap[prefix] == ENVELOPE
    return code, found.findtext("faultstring")
