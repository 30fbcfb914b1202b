// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/breakwater-dev/breakwater/internal/failover"
)

func epoch() time.Time { return time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC) }

func TestParse(t *testing.T) {
	got, err := Parse(epoch(), []byte(`{"outcomes": [
		{"region": "us-east", "status": 429, "retryAfter": "300", "errorCode": "rate_limit_exceeded", "times": 3},
		{"region": "us-east", "status": 503, "latency": "1.5s"},
		{"region": "eu-west", "error": "ConnectionRefused"},
		{"region": "eu-west", "status": 200, "error": "StreamError", "errorCode": "overloaded_error"},
		{"region": "eu-west", "status": 429, "retryAfter": "Mon, 23 Nov 2026 10:01:00 GMT"},
		{"region": "eu-west", "status": 429, "retryAfter": "2m30s"},
		{"region": "eu-west", "status": 429, "retryAfter": "1000h"}
	]}`))
	if err != nil {
		t.Fatal(err)
	}
	wait := func(d time.Duration) failover.RetryAfter { return failover.RetryAfter{Given: true, Delay: d} }
	want := []Outcome{
		{"us-east", failover.Response{Status: 429, RetryAfter: wait(5 * time.Minute), ErrorCode: "rate_limit_exceeded"}, 3},
		{"us-east", failover.Response{Status: 503, Latency: 1500 * time.Millisecond}, 1},
		{"eu-west", failover.Response{Fault: failover.ConnectionRefused}, 1},
		{"eu-west", failover.Response{Status: 200, Fault: failover.StreamError, ErrorCode: "overloaded_error"}, 1},
		{"eu-west", failover.Response{Status: 429, RetryAfter: wait(time.Minute)}, 1},
		{"eu-west", failover.Response{Status: 429, RetryAfter: wait(150 * time.Second)}, 1},
		{"eu-west", failover.Response{Status: 429, RetryAfter: wait(24 * time.Hour)}, 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}

func TestParseRefuses(t *testing.T) {
	many := strings.TrimSuffix(strings.Repeat(`{"region":"a","status":200},`, MaxEntries+1), ",")
	one := func(fields string) string {
		return fmt.Sprintf(`{"outcomes":[{"region":"a","status":200},{%s}]}`, fields)
	}
	for name, tc := range map[string]struct{ body, want string }{
		"nothing":             {"", "the body is not a batch"},
		"a list":              {"[]", "the body is not a batch"},
		"an unknown field":    {one(`"region":"a","status":200,"code":1`), `unknown field "code"`},
		"two batches":         {`{"outcomes":[{"region":"a","status":200}]}{}`, "something follows the batch"},
		"no outcomes":         {`{}`, "outcomes has 0 entries"},
		"too many outcomes":   {`{"outcomes":[` + many + `]}`, "outcomes has 257 entries"},
		"too many calls":      {one(`"region":"a","status":200,"times":1000`), "more than 1000 calls"},
		"times below 1":       {one(`"region":"a","status":200,"times":0`), "outcomes[1]: times must be"},
		"times that overflow": {one(`"region":"a","status":200,"times":9223372036854775807`), "outcomes[1]: times must be"},
		"no region":           {one(`"status":200`), "outcomes[1]: region must be"},
		"no region's name":    {one(`"region":"US East","status":200`), "outcomes[1]: region must be"},
		"no answer":           {one(`"region":"a"`), "outcomes[1]: status or error is needed"},
		"no status":           {one(`"region":"a","status":42`), "outcomes[1]: status must be an HTTP status code"},
		"no error":            {one(`"region":"a","error":"Oops"`), "outcomes[1]: error must be one of Timeout, ConnectionRefused"},
		"status and error":    {one(`"region":"a","status":200,"error":"Timeout"`), "outcomes[1]: status does not go with error Timeout"},
		"an own fault":        {one(`"region":"a","error":"NotMade"`), "outcomes[1]: error must be one of"},
		"an error code":       {one(`"region":"a","status":429,"errorCode":"a b"`), "outcomes[1]: errorCode must be"},
		"a latency":           {one(`"region":"a","status":200,"latency":"2h"`), "outcomes[1]: latency must be a duration of at most 1h0m0s"},
		"no latency":          {one(`"region":"a","status":200,"latency":"12"`), "outcomes[1]: latency must be a duration"},
		"a Retry-After":       {one(`"region":"a","status":429,"retryAfter":"soon"`), "outcomes[1]: retryAfter must be"},
		"a negative one":      {one(`"region":"a","status":429,"retryAfter":"-5s"`), "outcomes[1]: retryAfter must be"},
	} {
		if got, err := Parse(epoch(), []byte(tc.body)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, %v; want an error with %q", name, got, err, tc.want)
		}
	}
}

// FuzzParse: whatever is sent, what is taken is bounded and of a kind that calls can have.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"outcomes":[{"region":"us-east","status":503}]}`,
		`{"outcomes":[{"region":"us-east","status":429,"retryAfter":"300","errorCode":"insufficient_quota","latency":"1.2s","times":3}]}`,
		`{"outcomes":[{"region":"a","error":"Timeout"},{"region":"b","status":200,"error":"StreamError"}]}`,
		`{"OUTCOMES":[{"region":"a","status":2e2}]}`, `{"outcomes":null}`, `{"outcomes":[null]}`, "[[[[", "{", "\xff", `{"outcomes":[{"region":"a","status":429,"retryAfter":"Mon, 23 Nov 2026 10:01:00 GMT"}]} `,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		outcomes, err := Parse(epoch(), body)
		if err != nil {
			if len(outcomes) > 0 {
				t.Errorf("%v, and %d outcomes", err, len(outcomes))
			}
			return
		}
		calls := 0
		for _, o := range outcomes {
			calls += o.Times
			r := o.Response
			answered := r.Status >= 100 && r.Status <= 599
			if o.Times < 1 || len(o.Region) > 63 || !answered && r.Fault == failover.NoFault || answered && r.Fault != failover.NoFault && r.Fault != failover.StreamError ||
				len(r.ErrorCode) > 64 || r.Latency < 0 || r.Latency > MaxLatency || r.RetryAfter.Delay < 0 || r.RetryAfter.Delay > failover.MaxRetryAfter {
				t.Errorf("%q is taken as %+v", body, o)
			}
		}
		if len(outcomes) == 0 || len(outcomes) > MaxEntries || calls > MaxCalls {
			t.Errorf("%d outcomes of %d calls are taken", len(outcomes), calls)
		}
	})
}
