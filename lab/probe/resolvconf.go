package main

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
)

type resolvConf struct {
	server string
	search []string
	ndots  int
}

func readResolvConf(path string) (resolvConf, error) {
	found := resolvConf{ndots: 1}
	text, err := os.ReadFile(path)
	if err != nil {
		return found, err
	}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		switch {
		case len(words) < 2:
		case words[0] == "nameserver" && found.server == "":
			found.server = words[1]
		case words[0] == "search":
			found.search = words[1:]
		case words[0] == "options":
			found.ndots = ndots(words[1:], found.ndots)
		}
	}
	if found.server == "" {
		return found, fmt.Errorf("%s names no server", path)
	}
	return found, nil
}

func ndots(options []string, otherwise int) int {
	for _, option := range options {
		if value, err := strconv.Atoi(strings.TrimPrefix(option, "ndots:")); err == nil {
			return value
		}
	}
	return otherwise
}

// candidates lists the names the C library asks for, in its order: a name with fewer dots than ndots
// is tried with the search list first, any other name as it is first (resolv.conf(5)).
func (system resolvConf) candidates(name string) []string {
	if strings.HasSuffix(name, ".") {
		return []string{name}
	}
	var searched []string
	for _, domain := range system.search {
		searched = append(searched, name+"."+domain)
	}
	if strings.Count(name, ".") < system.ndots {
		return append(searched, name)
	}
	return append([]string{name}, searched...)
}

// withPort adds DNS's port 53 unless the server names another.
func withPort(server string) string {
	if _, _, err := net.SplitHostPort(server); err == nil {
		return server
	}
	return net.JoinHostPort(server, "53")
}
