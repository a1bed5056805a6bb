"""DNS questions asked from a host that has nothing but bash: dnspython makes the bytes, bash carries them.

Operators' nodes rarely have dig, and a name looked up on the operator's own machine would prove nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from shlex import quote

import dns.flags
import dns.message

TIMEOUT = 2
"""Seconds for one question; a resolver's own default is 5 (resolv.conf(5)), in a cluster it is a loss."""


@dataclass(frozen=True)
class Question:
    """`expected`: bytes the answer must hold (a packed address), none to accept any answer of that type."""

    name: str
    kind: str
    expected: bytes = b""

    def wire(self) -> bytes:
        """The query message of RFC 1035, section 4, recursion desired, id 0x4b38."""
        query = dns.message.make_query(self.name, self.kind, id=0x4B38)
        query.flags |= dns.flags.RD
        return query.to_wire()


def ask(server: str, question: Question, over: str) -> str:
    """bash that prints the answer message in hex without spaces, nothing when none came in time.

    `over` is "udp" or "tcp"; the two bytes of length that TCP puts in front are cut off.
    """
    wire = question.wire()
    message = (len(wire).to_bytes(2, "big") if over == "tcp" else b"") + wire
    octets = "".join(f"\\x{byte:02x}" for byte in message)
    read = "dd bs=65535 count=1" if over == "udp" else "{ dd bs=1 count=2 >&4; dd bs=65535 count=1; } 4>/dev/null"
    # dd gathers the message into one write: bash's printf writes up to each line feed, and so would cut a datagram.
    send = f"printf '{octets}' | dd obs=65535 >&3"
    inner = f"exec 3<>/dev/{over}/{server}/53 && {send} && {read} <&3 | od -An -v -tx1 | tr -d ' \\n'"
    return f"timeout {TIMEOUT} bash -c {quote(inner)} 2>/dev/null"


def gate_script(server: str, questions: Iterable[Question]) -> str:
    """sh that exits 0 when every question is answered without error over UDP and TCP."""
    checks = [
        f"check {quote(question.name)} {question.kind} {over} {quote(question.expected.hex())} "
        f'"$({ask(server, question, over)})"'
        for question in questions
        for over in ("udp", "tcp")
    ]
    return f"""command -v bash >/dev/null || {{ echo "bash is needed to ask for names"; exit 1; }}
check() {{
  case $5 in
    "") echo "$1 $2 over $3: no answer from {server}"; exit 1 ;;
    4b38???[!0]*) echo "$1 $2 over $3: answered with an error"; exit 1 ;;
    4b38????????0000*) echo "$1 $2 over $3: no such record"; exit 1 ;;
    4b38*"$4"*) ;;
    *) echo "$1 $2 over $3: another address than expected"; exit 1 ;;
  esac
}}
{chr(10).join(checks)}
echo "all names answered"
"""
