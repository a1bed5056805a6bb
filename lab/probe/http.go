package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

type request struct {
	timeout           time.Duration
	count             int
	ca, token, header string
}

func get(arguments []string) error {
	var asked request
	flags := flag.NewFlagSet("probe get", flag.ExitOnError)
	flags.DurationVar(&asked.timeout, "timeout", 3*time.Second, "of one request, from connecting to the body's end")
	flags.IntVar(&asked.count, "count", 1, "requests, each over a connection of its own")
	flags.StringVar(&asked.ca, "ca", "", "PEM `file` of the authorities trusted for https instead of the system's")
	flags.StringVar(&asked.token, "token", "", "`file` that holds a bearer token")
	flags.StringVar(&asked.header, "host", "", "`name` to send as the Host header and in the TLS greeting")
	_ = flags.Parse(arguments)
	if flags.NArg() != 1 {
		return errors.New("one URL is needed")
	}
	client, err := asked.client()
	if err != nil {
		return err
	}
	var failures []error
	for range asked.count {
		failures = append(failures, asked.send(client, flags.Arg(0)))
	}
	return errors.Join(failures...)
}

func (asked request) client() (*http.Client, error) {
	secure := &tls.Config{ServerName: asked.header}
	if asked.ca != "" {
		pem, err := os.ReadFile(asked.ca)
		if err != nil {
			return nil, err
		}
		secure.RootCAs = x509.NewCertPool()
		if !secure.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate", asked.ca)
		}
	}
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: secure}}, nil
}

func (asked request) send(client *http.Client, url string) error {
	ctx, cancel := context.WithTimeout(context.Background(), asked.timeout)
	defer cancel()
	message, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	message.Host = asked.header
	if asked.token != "" {
		token, err := os.ReadFile(asked.token)
		if err != nil {
			return err
		}
		message.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	}
	response, err := client.Do(message)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(os.Stdout, response.Body); err != nil {
		return err
	}
	if response.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s: %s", url, response.Status)
	}
	return nil
}
