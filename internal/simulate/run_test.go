// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// chat is an LLMBackend of two regions with defaults.
const chat = `backend:
  apiVersion: llm.breakwater.dev/v1alpha1
  kind: LLMBackend
  metadata: {name: chat}
  spec:
    primary: {name: us-east, endpoint: {url: "http://10.1.0.10:8000"}}
    secondaries: [{name: eu-west, endpoint: {url: "http://10.2.0.10:8000"}}]
`

// write writes a scenario into a folder of its own.
func write(tb testing.TB, text string) string {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), "scenario.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	return file
}

// transcript plays a scenario of the chat backend and returns a line per transition and failure.
func transcript(tb testing.TB, l *Loader, text string) []string {
	tb.Helper()
	s, err := l.Load(write(tb, chat+text))
	if err != nil {
		tb.Fatal(err)
	}
	r := play(tb, s)
	var lines []string
	for _, x := range r.Transitions {
		about := x.Region
		if x.From != "" {
			about = x.From + ">" + x.To
		}
		lines = append(lines, fmt.Sprintf("%s #%d %s %s %s", x.At, x.Seq, x.Type, about, x.Reason))
	}
	for _, f := range r.Failures {
		lines = append(lines, fmt.Sprintf("%s %s: wanted %s, got %s", f.At, f.Field, f.Want, f.Got))
	}
	return lines
}

func TestOrder(t *testing.T) {
	l := newLoader(t)
	for _, test := range []struct {
		name, text string
		want       []string
	}{
		{"probes at an instant see what the timeline sets at it", `
duration: 20s
timeline:
- {at: 0s, patch: {spec: {breaker: {failureThreshold: 1}}}}
- {at: 0s, region: us-east, responds: {status: 503}}
- {at: 5s, region: eu-west, responds: {status: 503}}
- {at: 5s, region: us-east, responds: {status: 200}}
`, []string{
			"0s #1 BreakerOpened us-east Status503", "0s #2 FailedOver us-east>eu-west BreakerOpen",
			"5s #3 BreakerOpened eu-west Status503", "5s #4 BreakerClosed us-east Recovered", "5s #5 FailedOver eu-west>us-east BreakerOpen",
		}},
		{"a region that is a Service responds as any other", `
duration: 8s
timeline:
- {at: 0s, patch: {spec: {breaker: {failureThreshold: 1}, primary: {endpoint: {url: null, serviceRef: {name: vllm, port: http}}}}}}
- {at: 5s, region: us-east, responds: {status: 503}}
`, []string{"5s #1 BreakerOpened us-east Status503", "5s #2 FailedOver us-east>eu-west BreakerOpen"}},
		{"a probe sees the response that is set when it starts", `
duration: 5s
timeline:
- {at: 0s,    region: us-east, responds: {status: 503, latency: 2s}}
- {at: 1s,    region: us-east, responds: {status: 200}}
- {at: 1500ms, region: us-east, outcome: {status: 503}, times: 4}
expect:
- {at: 1999ms, breakers: {us-east: Closed}}
- {at: 2s,     breakers: {us-east: Open}}
`, []string{"2s #1 BreakerOpened us-east Status503", "2s #2 FailedOver us-east>eu-west BreakerOpen"}},
		{"an outcome comes before the answer of a probe at the same instant", `
duration: 6s
timeline:
- {at: 0s,    region: us-east, responds: {status: 200, latency: 500ms}}
- {at: 400ms, region: us-east, outcome: {status: 503}, times: 4}
- {at: 500ms, region: us-east, outcome: {status: 503}}
`, []string{"500ms #1 BreakerOpened us-east Status503", "500ms #2 FailedOver us-east>eu-west BreakerOpen"}},
		{"entries of equal time in the order of the file", `
duration: 1s
timeline:
- {at: 500ms, region: us-east, outcome: {status: 503}, times: 4}
- {at: 500ms, region: us-east, outcome: {status: 200}}
- {at: 500ms, region: us-east, outcome: {status: 503}}
`, nil},
		{"a repeated entry keeps its place among entries of equal time", `
duration: 3s
timeline:
- {at: 100ms, region: us-east, outcome: {status: 503}, times: 10, every: 100ms}
- {at: 200ms, region: us-east, outcome: {status: 200}, times: 4, every: 100ms}
`, []string{"1s #1 BreakerOpened us-east Status503", "1s #2 FailedOver us-east>eu-west BreakerOpen"}},
		{"expectations come last, and only they fail", `
duration: 4s
timeline:
- {at: 3s, region: us-east, outcome: {status: 503}, times: 5}
expect:
- {at: 3s, activeRegion: us-east, transitionSeq: 1, breakers: {us-east: Closed, eu-west: Closed}}
`, []string{
			"3s #1 BreakerOpened us-east Status503", "3s #2 FailedOver us-east>eu-west BreakerOpen",
			"3s activeRegion: wanted us-east, got eu-west", "3s transitionSeq: wanted 1, got 2",
			"3s breakers[us-east]: wanted Closed, got Open",
		}},
		{"the outcome of a region that is not active counts in its breaker", `
duration: 4s
timeline:
- {at: 1s, region: eu-west, outcome: {status: 503}, times: 5}
`, []string{"1s #1 BreakerOpened eu-west Status503"}},
		{"an answer that takes as long as the timeout is a timeout", `
duration: 20s
timeline:
- {at: 0s, region: eu-west, responds: {status: 200, latency: 3s}}
- {at: 0s, region: us-east, responds: {status: 200, latency: 2999ms}}
- {at: 0s, patch: {spec: {breaker: {failureThreshold: 2}}}}
`, []string{"8s #1 BreakerOpened eu-west Timeout"}},
		{"a restart loses counts and keeps windows", `
duration: 1m10s
timeline:
- {at: 1s, region: us-east, outcome: {status: 503}, times: 5}
- {at: 1s, region: eu-west, outcome: {status: 503}, times: 4}
- {at: 2s, restart: true}
- {at: 2s, region: eu-west, outcome: {status: 503}, times: 4}
`, []string{
			"1s #1 BreakerOpened us-east Status503", "1s #2 FailedOver us-east>eu-west BreakerOpen",
			"1m1s #3 BreakerClosed us-east Recovered", "1m1s #4 FailedBack eu-west>us-east PreferredRegionHealthy",
		}},
		{"a reset", `
duration: 10s
timeline:
- {at: 1s, region: us-east, outcome: {status: 503}, times: 5}
- {at: 2s, annotate: {llm.breakwater.dev/reset: "1"}}
- {at: 3s, annotate: {llm.breakwater.dev/reset: "1"}}
`, []string{
			"1s #1 BreakerOpened us-east Status503", "1s #2 FailedOver us-east>eu-west BreakerOpen",
			"2s #3 Reset eu-west>us-east Requested",
		}},
		{"a patch of an endpoint closes its breaker", `
duration: 10s
timeline:
- {at: 1s, region: eu-west, outcome: {status: 503}, times: 5}
- {at: 2s, patch: {spec: {secondaries: [{name: eu-west, endpoint: {url: "http://10.2.0.11:8000"}}]}}}
`, []string{"1s #1 BreakerOpened eu-west Status503", "2s #2 BreakerClosed eu-west EndpointChanged"}},
		{"a TCP probe asks no more than a connection", `
duration: 20s
timeline:
- {at: 0s, patch: {spec: {probe: {type: TCP}, breaker: {failureThreshold: 1}}}}
- {at: 0s, region: us-east, responds: {status: 503}}
- {at: 5s, region: eu-west, responds: {refused: true}}
`, []string{"5s #1 BreakerOpened eu-west ConnectionRefused"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, transcript(t, l, test.text)); diff != "" {
				t.Errorf("transcript (-want +got):\n%s", diff)
			}
		})
	}
}
