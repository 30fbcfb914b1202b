// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// MaxRetryAfter bounds what a server may ask for: a region is never held longer by one answer.
const MaxRetryAfter = 24 * time.Hour

// ParseRetryAfter reads the headers Retry-After (delta-seconds or an HTTP date, RFC 9110, section 10.2.3)
// and retry-after-ms. Where both are given the longer one holds. What cannot be read counts as not given;
// the result is bounded by 0 and [MaxRetryAfter].
func ParseRetryAfter(now time.Time, retryAfter, retryAfterMs string) RetryAfter {
	var r RetryAfter
	if retryAfter == "" && retryAfterMs == "" {
		return r // as nearly all answers: to find that out by parsing costs more than the rest of a decision
	}
	if d, ok := count(retryAfter, time.Second); ok {
		r = RetryAfter{Given: true, Delay: d}
	} else if t, ok := httpDate(retryAfter); ok {
		r = RetryAfter{Given: true, Delay: bounded(t.Sub(now))}
	}
	if d, ok := count(retryAfterMs, time.Millisecond); ok && (!r.Given || d > r.Delay) {
		r = RetryAfter{Given: true, Delay: d}
	}
	return r
}

// count reads a number of units in decimal digits. A fraction is read too: some servers send one.
func count(s string, unit time.Duration) (time.Duration, bool) {
	s = strings.TrimSpace(s)
	if strings.Trim(s, "0123456789.") != "" {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, false
	}
	if f >= float64(MaxRetryAfter/unit) {
		return MaxRetryAfter, true
	}
	return time.Duration(f * float64(unit)), true
}

// httpDate reads the three date forms of RFC 9110, section 5.6.7.
func httpDate(s string) (time.Time, bool) {
	for _, form := range []string{"Mon, 02 Jan 2006 15:04:05 GMT", "Monday, 02-Jan-06 15:04:05 GMT", time.ANSIC} {
		if t, err := time.Parse(form, strings.TrimSpace(s)); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

func bounded(d time.Duration) time.Duration {
	return min(max(d, 0), MaxRetryAfter)
}
