// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// MaxRetryAfter bounds what a server may ask for: a region is never held longer by one answer.
const MaxRetryAfter = 24 * time.Hour

// The three date forms of RFC 9110, section 5.6.7.
var httpDateForms = []string{
	"Mon, 02 Jan 2006 15:04:05 GMT",
	"Monday, 02-Jan-06 15:04:05 GMT",
	"Mon Jan _2 15:04:05 2006",
}

// ParseRetryAfter reads the headers Retry-After (delta-seconds or an HTTP date, RFC 9110, section 10.2.3)
// and retry-after-ms. Where both are given the longer one holds. What cannot be read counts as not given;
// the result is bounded by 0 and [MaxRetryAfter].
func ParseRetryAfter(now time.Time, retryAfter, retryAfterMs string) RetryAfter {
	var r RetryAfter
	if d, ok := seconds(retryAfter, time.Second); ok {
		r = RetryAfter{Given: true, Delay: d}
	} else if t, ok := httpDate(retryAfter); ok {
		r = RetryAfter{Given: true, Delay: bounded(t.Sub(now))}
	}
	if d, ok := seconds(retryAfterMs, time.Millisecond); ok && (!r.Given || d > r.Delay) {
		r = RetryAfter{Given: true, Delay: d}
	}
	return r
}

func seconds(s string, unit time.Duration) (time.Duration, bool) {
	f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || math.IsNaN(f) || f < 0 {
		return 0, false
	}
	if f >= float64(MaxRetryAfter/unit) {
		return MaxRetryAfter, true
	}
	return time.Duration(f * float64(unit)), true
}

func httpDate(s string) (time.Time, bool) {
	for _, form := range httpDateForms {
		if t, err := time.Parse(form, strings.TrimSpace(s)); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

func bounded(d time.Duration) time.Duration {
	return min(max(d, 0), MaxRetryAfter)
}
