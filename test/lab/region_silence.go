// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"
)

// nftTimeout bounds one run of nft.
const nftTimeout = 30 * time.Second

// silence drops the packets of the region's listener, or no longer.
func (r *Region) silence(silent bool) error {
	if r.silent == silent {
		return nil
	}
	ruleset, err := silenceRules(r.addr, silent)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), nftTimeout)
	defer cancel()
	if err := r.do(func() error { return nft(ctx, ruleset) }); err != nil {
		return fmt.Errorf("region %s: %w", r.name, err)
	}
	r.silent = silent
	return nil
}

// silenceRules is the ruleset that begins or ends a silence. Both directions,
// because what the kernel answers on behalf of the server counts as a sound.
func silenceRules(addr string, silent bool) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", err
	}
	table := "inet silence_" + strings.ReplaceAll(host, ":", "_") + "_" + port
	if !silent {
		return "delete table " + table, nil
	}
	family := "ip"
	if net.ParseIP(host).To4() == nil {
		family = "ip6"
	}
	return fmt.Sprintf(`table %s {
	chain input {
		type filter hook input priority -300;
		%s daddr %s tcp dport %s drop
	}
	chain output {
		type filter hook output priority -300;
		%s saddr %s tcp sport %s drop
	}
}
`, table, family, host, port, family, host, port), nil
}
