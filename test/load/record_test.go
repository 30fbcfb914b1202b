// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package load

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	begin      = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	errRefused = errors.New("refused")
)

// calls has one call for each letter, 100 ms apart, that takes 10 ms: u and e
// are answers of us-east and eu-west, x is an error, and h is one that takes 1 s.
func calls(letters string) Record {
	var r Record
	for i, letter := range letters {
		c := Call{Start: begin.Add(time.Duration(i) * 100 * time.Millisecond)}
		c.End = c.Start.Add(10 * time.Millisecond)
		switch letter {
		case 'u':
			c.Region = "us-east"
		case 'e':
			c.Region = "eu-west"
		case 'h':
			c.End = c.Start.Add(time.Second)
			c.Err = errRefused
		default:
			c.Err = errRefused
		}
		r = append(r, c)
	}
	return r
}

func TestRecordString(t *testing.T) {
	for letters, want := range map[string]string{
		"":              "no answers; errors: 0",
		"uuu":           "answers: us-east 3; errors: 0",
		"uuxxeeu":       "answers: eu-west 2, us-east 3; errors: 2; outage: 0.21 s",
		"uxuxxxe":       "answers: eu-west 1, us-east 2; errors: 4; outage: 0.31 s",
		"hhhe":          "answers: eu-west 1; errors: 3; outage: 0.31 s",
		"uhx":           "answers: us-east 1; errors: 2; outage: 1.00 s",
		"xxh":           "no answers; errors: 3; outage: 1.20 s",
		"xxxxxxxxxxxxe": "answers: eu-west 1; errors: 12; outage: 1.21 s",
	} {
		if got := calls(letters).String(); got != want {
			t.Errorf("%s: %q; want %q", letters, got, want)
		}
	}
}

func TestSince(t *testing.T) {
	r := calls("uuxe")
	for after, want := range map[time.Duration]int{
		0: 4, 100 * time.Millisecond: 3, 101 * time.Millisecond: 2, time.Second: 0,
	} {
		if got := len(r.Since(begin.Add(after))); got != want {
			t.Errorf("%d calls since %s; want %d", got, after, want)
		}
	}
}

func TestChart(t *testing.T) {
	for _, test := range []struct {
		name, letters string
		width         int
		want          string
	}{
		{"Empty", "", 80, "no calls\n"},
		{"OneColumnEach", "uuuxxeeeeeee", 80, "" +
			"us-east  ###\n" +
			"eu-west       #######\n" +
			"errors      ##\n" +
			"         |0s       |1s\n"},
		{"Shares", "uuuuxxxueeeeeeeeeeee", 4, "" +
			"us-east  #+\n" +
			"eu-west   +##\n" +
			"errors   ++\n" +
			"         |0s\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, calls(test.letters).Chart(test.width, "us-east", "eu-west")); diff != "" {
				t.Errorf("chart (-want +got):\n%s", diff)
			}
		})
	}
}
