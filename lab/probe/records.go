package main

import (
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// codeNames are the response codes as RFC 1035 and its registry write them.
var codeNames = map[dnsmessage.RCode]string{
	dnsmessage.RCodeSuccess: "NOERROR", dnsmessage.RCodeFormatError: "FORMERR", dnsmessage.RCodeServerFailure: "SERVFAIL",
	dnsmessage.RCodeNameError: "NXDOMAIN", dnsmessage.RCodeNotImplemented: "NOTIMP", dnsmessage.RCodeRefused: "REFUSED",
}

func codeName(code dnsmessage.RCode) string {
	if name, known := codeNames[code]; known {
		return name
	}
	return fmt.Sprintf("RCODE%d", code)
}

func kindName(kind dnsmessage.Type) string { return strings.TrimPrefix(kind.String(), "Type") }

// data is the record's value as a zone file writes it.
func data(body dnsmessage.ResourceBody) string {
	switch record := body.(type) {
	case *dnsmessage.AResource:
		return netip.AddrFrom4(record.A).String()
	case *dnsmessage.AAAAResource:
		return netip.AddrFrom16(record.AAAA).String()
	case *dnsmessage.CNAMEResource:
		return record.CNAME.String()
	case *dnsmessage.NSResource:
		return record.NS.String()
	case *dnsmessage.PTRResource:
		return record.PTR.String()
	case *dnsmessage.SOAResource:
		return fmt.Sprintf("%s %s %d", record.NS, record.MBox, record.Serial)
	case *dnsmessage.SRVResource:
		return fmt.Sprintf("%d %d %d %s", record.Priority, record.Weight, record.Port, record.Target)
	case *dnsmessage.TXTResource:
		return fmt.Sprintf("%q", strings.Join(record.TXT, ""))
	default:
		return body.GoString()
	}
}
