// probe asks and answers over HTTP and DNS from inside a pod.
package main

import (
	"fmt"
	"os"
)

const usage = `probe serve [options] [ADDRESS]          answer HTTP with this host's name (default :80)
probe get [options] URL                  print the body; exit 1 on an error or a status of 400 and above
probe dns [options] NAME TYPE [SERVER]   print the response code and the records; exit 1 without an answer
`

var commands = map[string]func(arguments []string) error{"serve": serve, "get": get, "dns": dns}

func main() {
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintf(os.Stderr, "probe %s: %v\n", os.Args[1], err)
		os.Exit(1)
	}
}
