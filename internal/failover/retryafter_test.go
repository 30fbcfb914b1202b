// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseRetryAfter(t *testing.T) {
	now := epoch()
	given := func(d time.Duration) RetryAfter { return RetryAfter{Given: true, Delay: d} }
	tests := []struct {
		retryAfter, ms string
		want           RetryAfter
	}{
		{"", "", RetryAfter{}},
		{"0", "", given(0)},
		{"120", "", given(2 * time.Minute)},
		{" 120 ", "", given(2 * time.Minute)},
		{"1.5", "", given(1500 * ms)},
		{"86400", "", given(MaxRetryAfter)},
		{"86401", "", given(MaxRetryAfter)},
		{"99999999999999999999999", "", given(MaxRetryAfter)},
		{strings.Repeat("9", 400), "", given(MaxRetryAfter)},
		{"Mon, 23 Nov 2026 10:00:30 GMT", "", given(30 * second)},
		{"Monday, 23-Nov-26 10:00:30 GMT", "", given(30 * second)},
		{"Mon Nov 23 10:00:30 2026", "", given(30 * second)},
		{"Mon, 23 Nov 2026 09:00:00 GMT", "", given(0)},
		{"Mon, 23 Nov 2099 09:00:00 GMT", "", given(MaxRetryAfter)},
		{"", "250", given(250 * ms)},
		{"", "250.5", given(250*ms + 500*time.Microsecond)},
		{"", "999999999999", given(MaxRetryAfter)},
		{"1", "1500", given(1500 * ms)},
		{"2", "1500", given(2 * second)},
		{"soon", "1500", given(1500 * ms)},
		{"2", "soon", given(2 * second)},
		{"-1", "", RetryAfter{}},
		{"soon", "", RetryAfter{}},
		{"1e3", "", RetryAfter{}},
		{"0x10", "", RetryAfter{}},
		{"1 2", "", RetryAfter{}},
		{".", "", RetryAfter{}},
		{"NaN", "Inf", RetryAfter{}},
		{"Mon, 31 Feb 2026 10:00:30 GMT", "", RetryAfter{}},
		{"Mon, 23 Nov 2026 10:00:30 CET", "", RetryAfter{}},
	}
	for _, tt := range tests {
		t.Run(tt.retryAfter+"|"+tt.ms, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, ParseRetryAfter(now, tt.retryAfter, tt.ms)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Whatever a server sends, the result is bounded.
func FuzzParseRetryAfter(f *testing.F) {
	f.Add("120", "250")
	f.Add("Mon, 23 Nov 2026 10:00:30 GMT", "")
	f.Fuzz(func(t *testing.T, retryAfter, ms string) {
		r := ParseRetryAfter(time.Unix(0, 0), retryAfter, ms)
		if r.Delay < 0 || r.Delay > MaxRetryAfter || !r.Given && r.Delay != 0 {
			t.Errorf("ParseRetryAfter(%q, %q) = %+v", retryAfter, ms, r)
		}
	})
}
