package main

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

var types = map[string]dnsmessage.Type{
	"A": dnsmessage.TypeA, "AAAA": dnsmessage.TypeAAAA, "CNAME": dnsmessage.TypeCNAME, "NS": dnsmessage.TypeNS,
	"PTR": dnsmessage.TypePTR, "SOA": dnsmessage.TypeSOA, "SRV": dnsmessage.TypeSRV, "TXT": dnsmessage.TypeTXT,
}

// dns prints the response code on the first line and then one record a line: NAME TTL TYPE DATA.
func dns(arguments []string) error {
	flags := flag.NewFlagSet("probe dns", flag.ExitOnError)
	timeout := flags.Duration("timeout", 3*time.Second, "of one question")
	search := flags.Bool("search", false, "try the search list of resolv.conf, as the C library does")
	network := "udp"
	flags.BoolFunc("tcp", "ask over TCP", func(string) error { network = "tcp"; return nil })
	_ = flags.Parse(arguments)
	kind, known := types[strings.ToUpper(flags.Arg(1))]
	if flags.NArg() < 2 || flags.NArg() > 3 || !known {
		return errors.New("NAME and TYPE (A AAAA CNAME NS PTR SOA SRV TXT) are needed")
	}
	system, err := readResolvConf("/etc/resolv.conf")
	server := flags.Arg(2)
	if server == "" {
		if err != nil {
			return err
		}
		server = system.server
	}
	names := []string{flags.Arg(0)}
	if *search {
		names = system.candidates(flags.Arg(0))
	}
	return askAll(network, withPort(server), names, kind, *timeout)
}

// askAll asks for one name after the other until one has records.
func askAll(network, server string, names []string, kind dnsmessage.Type, timeout time.Duration) error {
	var code dnsmessage.RCode
	for _, name := range names {
		response, err := ask(network, server, name, kind, timeout)
		if err != nil {
			return err
		}
		if code = response.RCode; len(response.Answers) > 0 {
			fmt.Println(codeName(code))
			for _, record := range response.Answers {
				fmt.Println(record.Header.Name, record.Header.TTL, kindName(record.Header.Type), data(record.Body))
			}
			return nil
		}
	}
	fmt.Println(codeName(code))
	return fmt.Errorf("%s has no %s record at %s", strings.Join(names, ", "), kindName(kind), server)
}

func ask(network, server, name string, kind dnsmessage.Type, timeout time.Duration) (dnsmessage.Message, error) {
	var response dnsmessage.Message
	question, err := dnsmessage.NewName(strings.TrimSuffix(name, ".") + ".")
	if err != nil {
		return response, fmt.Errorf("%q: %w", name, err)
	}
	query := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: uint16(rand.Uint32()), RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: question, Type: kind, Class: dnsmessage.ClassINET}},
	}
	packed, err := query.Pack()
	if err != nil {
		return response, err
	}
	answer, err := exchange(network, server, packed, timeout)
	if err != nil {
		return response, err
	}
	if err := response.Unpack(answer); err != nil {
		return response, err
	}
	if response.ID != query.ID {
		return response, errors.New("the answer belongs to another question")
	}
	return response, nil
}

// exchange sends one message; over TCP a message is preceded by its length (RFC 1035, section 4.2.2).
func exchange(network, server string, query []byte, timeout time.Duration) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	connection, err := (&net.Dialer{}).DialContext(ctx, network, server)
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(timeout))
	if network == "udp" {
		if _, err := connection.Write(query); err != nil {
			return nil, err
		}
		answer := make([]byte, 65535)
		length, err := connection.Read(answer)
		return answer[:length], err
	}
	if _, err := connection.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(query))), query...)); err != nil {
		return nil, err
	}
	length := make([]byte, 2)
	if _, err := io.ReadFull(connection, length); err != nil {
		return nil, err
	}
	answer := make([]byte, binary.BigEndian.Uint16(length))
	_, err = io.ReadFull(connection, answer)
	return answer, err
}
