// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/breakwater-dev/breakwater/internal/controller"
	"github.com/breakwater-dev/breakwater/internal/signals/intake"
)

// outcomesOptions are the flags about outcomes of real traffic that gateways and SDKs report.
type outcomesOptions struct {
	bindAddress string
	certDir     string
	service     string
	address     string
}

func (o *outcomesOptions) bind(flags *flag.FlagSet) {
	flags.StringVar(&o.bindAddress, "outcomes-bind-address", "0",
		"Address of the HTTPS endpoint that takes outcomes of real traffic, such as :9443; 0 turns it off.")
	flags.StringVar(&o.certDir, "outcomes-cert-dir", "",
		"Folder with tls.crt and tls.key of that endpoint, read again when they change; empty means a certificate that is signed by itself.")
	flags.StringVar(&o.service, "outcomes-service", "",
		"Service without selector, as namespace/name, that is to lead to the leader's endpoint; empty leaves that to somebody else.")
	flags.StringVar(&o.address, "outcomes-address", "", "IP address at which the Service reaches this replica: that of its Pod.")
}

// validate says what to write instead of what leads nowhere.
func (o *outcomesOptions) validate() error {
	if o.bindAddress == "0" {
		return nil
	}
	if _, err := o.port(); err != nil {
		return fmt.Errorf("--outcomes-bind-address=%s: write an address and a port, such as :9443", o.bindAddress)
	}
	if o.service == "" {
		return nil
	}
	if namespace, name, ok := strings.Cut(o.service, "/"); !ok || namespace == "" || name == "" || strings.Contains(name, "/") {
		return fmt.Errorf("--outcomes-service=%s: write namespace and name, such as breakwater-system/breakwater-outcomes", o.service)
	}
	if addr, err := netip.ParseAddr(o.address); err != nil || addr.IsUnspecified() || addr.Zone() != "" {
		return errors.New("--outcomes-service needs --outcomes-address: write the IP address of the Pod")
	}
	return nil
}

func (o *outcomesOptions) port() (uint16, error) {
	_, text, err := net.SplitHostPort(o.bindAddress)
	if err != nil {
		return 0, err
	}
	port, err := strconv.ParseUint(text, 10, 16)
	return uint16(port), err
}

// intake returns the options of the endpoint; nil if it is off. They have been validated.
func (o *outcomesOptions) intake() *controller.IntakeOptions {
	if o.bindAddress == "0" {
		return nil
	}
	opts := &controller.IntakeOptions{Options: intake.Options{Address: o.bindAddress, CertDir: o.certDir}}
	if namespace, name, ok := strings.Cut(o.service, "/"); ok {
		opts.Service = types.NamespacedName{Namespace: namespace, Name: name}
		addr, _ := netip.ParseAddr(o.address)
		port, _ := o.port()
		opts.LeadsTo = netip.AddrPortFrom(addr, port)
	}
	return opts
}
