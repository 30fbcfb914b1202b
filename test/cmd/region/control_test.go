// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/breakwater-dev/breakwater/test/lab"
)

func TestMain(m *testing.M) { lab.Main(m) }

func TestControl(t *testing.T) {
	region, err := lab.NewRegion("10.1.0.10:8000", lab.WithName("us-east"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(region.Close)
	server := httptest.NewServer(region.Admin())
	t.Cleanup(server.Close)
	regions := "us-east=" + server.Listener.Addr().String()

	// Each row leaves the region as it prints it.
	for _, test := range []struct{ args, does string }{
		{"", "healthy"},
		{"us-east status 503", "status 503"},
		{"us-east status 429 Retry-After=300 A=b", "status 429 A=b Retry-After=300"},
		{"us-east hang", "hang"},
		{"us-east endless-body", "endless-body"},
		{"us-east nonsense", "nonsense"},
		{"us-east reset", "reset"},
		{"us-east redirect http://10.2.0.10:8000", "redirect http://10.2.0.10:8000"},
		{"us-east slow 1500ms", "slow 1.5s"},
		{"us-east drip 2s", "drip 2s"},
		{"us-east refuse", "refuse"},
		{"", "refuse"},
		{"us-east healthy", "healthy"},
	} {
		var out strings.Builder
		err := control(t.Context(), &out, regions, strings.Fields(test.args))
		width := strings.Repeat(" ", max(0, len(test.does)-len("DOES")))
		pad := strings.Repeat(" ", max(0, len("DOES")-len(test.does)))
		want := "REGION    DOES" + width + "   PROBES   REQUESTS\nus-east   " + test.does + pad + "   0        0\n"
		if diff := cmp.Diff(want, out.String()); err != nil || diff != "" {
			t.Errorf("region %s: error %v, output (-want +got):\n%s", test.args, err, diff)
		}
	}
}

func TestControlSaysWhatToWriteInstead(t *testing.T) {
	for _, test := range []struct{ regions, args, want string }{
		{"", "", "set BREAKWATER_REGIONS"},
		{"us-east", "", "write name=address"},
		{"us-east=x", "eu-west hang", "there are us-east=x"},
		{"us-east=x", "us-east", "Use one of"},
		{"us-east=x", "us-east sleepy", "use one of"},
		{"us-east=x", "us-east status", "such as 503"},
		{"us-east=x", "us-east status teapot", "such as 503"},
		{"us-east=x", "us-east status 99", "use 200 to 599"},
		{"us-east=x", "us-east status 429 Retry-After", "Name=value"},
		{"us-east=x", "us-east redirect", "give the URL"},
		{"us-east=x", "us-east slow", "such as 2s"},
		{"us-east=x", "us-east slow 2", "missing unit"},
		{"us-east=x", "us-east slow -2s", "use 0s or more"},
		{"us-east=x", "us-east hang now", `no argument "now"`},
	} {
		err := control(t.Context(), &strings.Builder{}, test.regions, strings.Fields(test.args))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("BREAKWATER_REGIONS=%q region %s: error %v; want %q", test.regions, test.args, err, test.want)
		}
	}
}
