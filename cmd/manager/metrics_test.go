// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"io"
	"strings"
	"testing"
)

func TestMetricsOptions(t *testing.T) {
	tests := map[string]struct {
		args []string
		want string // in the error; empty for none
	}{
		"off":                               {},
		"off, whatever else is said":        {args: []string{"auth=Nobody"}},
		"asking the API server":             {args: []string{"bind-address=:8443"}},
		"a client CA that nobody asks for":  {args: []string{"bind-address=:8443", "client-ca=ca.crt"}, want: "--metrics-auth=ClientCertificate: write that too"},
		"certificates":                      {args: []string{"bind-address=:8443", "auth=ClientCertificate", "client-ca=ca.crt", "cert-dir=/tls"}},
		"certificates of nobody":            {args: []string{"bind-address=:8443", "auth=ClientCertificate", "cert-dir=/tls"}, want: "needs --metrics-client-ca and --metrics-cert-dir"},
		"certificates, and none of its own": {args: []string{"bind-address=:8443", "auth=ClientCertificate", "client-ca=ca.crt"}, want: "write both"},
		"anybody here":                      {args: []string{"bind-address=127.0.0.1:8080", "auth=None"}},
		"anybody here, by IPv6":             {args: []string{"bind-address=[::1]:8080", "auth=None"}},
		"anybody at all":                    {args: []string{"bind-address=:8080", "auth=None"}, want: "write --metrics-bind-address=127.0.0.1:8080"},
		"anybody who knows the host":        {args: []string{"bind-address=10.0.0.1:8080", "auth=None"}, want: "would let anybody read"},
		"something else":                    {args: []string{"bind-address=:8443", "auth=Basic"}, want: "write Kubernetes, ClientCertificate or None"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			flags := flag.NewFlagSet("manager", flag.ContinueOnError)
			flags.SetOutput(io.Discard)
			var args []string
			for _, arg := range test.args {
				args = append(args, "--metrics-"+arg)
			}
			_, err := parse(flags, args)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got error %v, want one with %q", err, test.want)
			}
		})
	}
}
