package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"sync/atomic"
	"syscall"
	"time"
)

const longestAnswer = time.Minute

// pod answers every request with "HOSTNAME CLIENT-ADDRESS METHOD HOST PATH" and then the request's headers, one
// a line and sorted, so that the asker sees which pod answered, which source address reached it and what the
// proxies before it said. ?delay=2s keeps the answer back.
type pod struct {
	hostname string
	leaving  atomic.Bool
}

func (p *pod) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if wanted := r.URL.Query().Get("delay"); wanted != "" {
		delay, err := time.ParseDuration(wanted)
		if err != nil || delay < 0 || delay > longestAnswer {
			http.Error(w, fmt.Sprintf("delay=%s: a duration up to %s is needed", wanted, longestAnswer), http.StatusBadRequest)
			return
		}
		select {
		case <-time.After(delay):
		case <-r.Context().Done():
			return
		}
	}
	if p.leaving.Load() {
		w.Header().Set("Connection", "close")
	}
	fmt.Fprintf(w, "%s %s %s %s %s\n", p.hostname, r.RemoteAddr, r.Method, r.Host, r.URL.Path)
	for _, line := range headerLines(r.Header) {
		fmt.Fprintln(w, line)
	}
}

func headerLines(headers http.Header) []string {
	var lines []string
	for name, values := range headers {
		for _, value := range values {
			lines = append(lines, name+": "+value)
		}
	}
	slices.Sort(lines)
	return lines
}

// serve answers until SIGTERM. Proxies learn only some moments later that the pod is going, so it goes on for
// that long, asking its clients to come back over another connection, and then ends what is being answered.
func serve(arguments []string) error {
	flags := flag.NewFlagSet("probe serve", flag.ExitOnError)
	linger := flags.Duration("linger", 0, "how long to go on after SIGTERM before new connections are refused")
	_ = flags.Parse(arguments)
	address := ":80"
	if flags.NArg() > 0 {
		address = flags.Arg(0)
	}
	hostname, err := os.Hostname()
	if err != nil {
		return err
	}
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Println("listening on", listener.Addr())
	answering := &pod{hostname: hostname}
	server := &http.Server{Handler: answering, ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan error, 1)
	go func() {
		<-terminated
		answering.leaving.Store(true)
		time.Sleep(*linger)
		ctx, cancel := context.WithTimeout(context.Background(), longestAnswer)
		defer cancel()
		ended <- server.Shutdown(ctx)
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-ended
}
