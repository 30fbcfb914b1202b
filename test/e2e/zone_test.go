// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/breakwater-dev/breakwater/test/lab"
)

// nameServer is where the zone is served: the control plane's address.
const nameServer = "10.0.0.1:53"

// recordTTL is that of every answer, in seconds.
const recordTTL = 1

// zone is the name server that every program in the lab asks.
type zone struct {
	server *lab.DNSServer
}

// serveNames starts a name server, and names it in /etc/resolv.conf of the lab's
// own mount namespace.
func serveNames() (*zone, error) {
	config := filepath.Join(os.TempDir(), "resolv.conf")
	host, _, _ := net.SplitHostPort(nameServer)
	if err := os.WriteFile(config, []byte("nameserver "+host+"\n"), 0o644); err != nil {
		return nil, err
	}
	if err := unix.Mount(config, "/etc/resolv.conf", "", unix.MS_BIND, ""); err != nil {
		return nil, fmt.Errorf("putting a resolv.conf in place: %w", err)
	}
	server, err := lab.NewDNSServer(nameServer)
	if err != nil {
		return nil, err
	}
	return &zone{server}, nil
}

// set gives a name an address, from the next answer on.
func (z *zone) set(name, ip string) { z.server.Set(name, recordTTL, ip) }

func (z *zone) close() error {
	return errors.Join(z.server.Close(), unix.Unmount("/etc/resolv.conf", 0))
}
