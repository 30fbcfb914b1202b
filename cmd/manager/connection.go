// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
)

// connectionChecks are the variables by which client-go is told how soon it gives up a connection to the API server
// on which nothing arrives any more, and their values in seconds: it asks after the first, and waits for the second.
// Its own are 30 and 15. A failover would wait on a connection that has died silently until the Lease is lost.
var connectionChecks = [...]struct{ name, seconds string }{
	{"HTTP2_READ_IDLE_TIMEOUT_SECONDS", "3"},
	{"HTTP2_PING_TIMEOUT_SECONDS", "3"},
}

// checkConnections has connections checked that are made from now on. What the environment says goes first.
func checkConnections() error {
	for _, c := range connectionChecks {
		if os.Getenv(c.name) != "" {
			continue
		}
		if err := os.Setenv(c.name, c.seconds); err != nil {
			return fmt.Errorf("set %s: %w", c.name, err)
		}
	}
	return nil
}
