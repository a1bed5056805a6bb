"""The names that the Kubernetes DNS specification promises, asked from a host or a pod.

Source: kubernetes/dns, docs/specification.md, version 1.1.0.
"""

from __future__ import annotations

import dns.message
import dns.rcode
import dns.rdatatype
from testinfra.host import Host

from k8snet_provision.dns_wire import Question, ask


class NoAnswer(AssertionError):
    """No message came back in time."""


def answers(host: Host, server: str, name: str, kind: str, over: str = "udp", inside: str = "") -> set[str]:
    """The answer's records of type `kind` as text; {"NXDOMAIN"} (or another code) for an error.

    `inside` is put before the command: the way into a pod's network. Raises NoAnswer.
    """
    said = host.run(f"{inside}{ask(server, Question(name, kind), over)}").stdout.strip()
    if not said:
        raise NoAnswer(f"no answer from {server} to {name} {kind} over {over}")
    message = dns.message.from_wire(bytes.fromhex(said))
    if message.rcode() != dns.rcode.NOERROR:
        return {dns.rcode.to_text(message.rcode())}
    wanted = dns.rdatatype.from_text(kind)
    return {record.to_text() for rrset in message.answer if rrset.rdtype == wanted for record in rrset}
