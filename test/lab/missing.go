// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
)

// proxyNeeds has one of each thing that kube-proxy asks of nftables.
const proxyNeeds = `
table ip probe {
	map services { type ipv4_addr . inet_proto . inet_service : verdict; }
	chain endpoint {
		meta l4proto tcp dnat to 10.1.0.10:8000
	}
	chain service {
		numgen random mod 1 vmap { 0 : goto endpoint }
	}
	chain output {
		type nat hook output priority -100;
		ip daddr . meta l4proto . th dport vmap @services
	}
	chain filter {
		type filter hook output priority -110;
		ct state new fib daddr type local reject
	}
	chain postrouting {
		type nat hook postrouting priority 100;
		meta mark & 0x4000 != 0 masquerade fully-random
	}
}
`

// MissingForCluster returns what StartCluster would lack here, with what to do
// about it, or nil.
func MissingForCluster(ctx context.Context) error {
	if _, err := exec.LookPath("nft"); err != nil {
		return errors.New(`there is no nft, which kube-proxy runs: install nftables (such as "apt-get install nftables")`)
	}
	trial, err := newHost("a trial")
	if err != nil {
		return fmt.Errorf("network namespaces inside the lab's are refused: %w", err)
	}
	defer func() { _ = trial.namespace.Close() }()
	return trial.do(func() error {
		if err := nft(ctx, proxyNeeds); err != nil {
			return fmt.Errorf("the kernel or its rights lack what kube-proxy needs of nftables: %w", err)
		}
		if _, err := newBridge(); err != nil {
			return fmt.Errorf("the kernel or its rights lack what joins network namespaces: %w", err)
		}
		return nil
	})
}
