// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"strings"
	"testing"
)

func TestLeaderOptions(t *testing.T) {
	tests := map[string]struct {
		args []string
		want string // in the error; empty for none
	}{
		"defaults":                    {nil, ""},
		"shorter all together":        {[]string{"lease-duration=3s", "renew-deadline=2s", "retry-period=500ms"}, ""},
		"lease of less than a second": {[]string{"lease-duration=900ms"}, "write at least 1s"},
		"renewing as long as it lasts": {
			[]string{"renew-deadline=15s"}, "must be shorter than --leader-election-lease-duration=15s"},
		"a suggestion that is accepted": {[]string{"lease-duration=9s", "renew-deadline=6s"}, ""},
		"no time between tries":         {[]string{"retry-period=0s"}, "write 2s"},
		"negative time between tries":   {[]string{"retry-period=-1s"}, "write 2s"},
		"one try only":                  {[]string{"retry-period=9s"}, "write at most 2s"},
		"renewing less than retrying":   {[]string{"renew-deadline=1s"}, "write at most 200ms"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var o leaderOptions
			flags := flag.NewFlagSet("manager", flag.ContinueOnError)
			o.bind(flags)
			var args []string
			for _, arg := range test.args {
				args = append(args, "--leader-election-"+arg)
			}
			if err := flags.Parse(args); err != nil {
				t.Fatal(err)
			}
			err := o.validate()
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got error %v, want one with %q", err, test.want)
			}
		})
	}
}
