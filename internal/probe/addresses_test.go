// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// seen makes a result from words like "192.0.2.1=200 192.0.2.2=Timeout".
func seen(second int, families []Family, words string) Result {
	r := Result{Started: time.Unix(int64(second), 0), Families: families}
	for word := range strings.FieldsSeq(words) {
		addr, what, _ := strings.Cut(word, "=")
		answer := Answer{Err: ErrorClass(what)}
		if what == "200" {
			answer = Answer{Status: 200}
		}
		r.Addresses = append(r.Addresses, AddressResult{Addr: netip.MustParseAddr(addr), Answer: answer})
	}
	return r
}

func TestAddresses(t *testing.T) {
	v4, both := []Family{IPv4}, []Family{IPv4, IPv6}
	ok := func(a Answer) bool { return a.Status == 200 }
	type step struct {
		seen      string
		answering string
		switched  string // what a switch to the region would publish
	}
	for name, tc := range map[string]struct {
		families []Family
		steps    []step
	}{
		"comes in on the first answer": {v4, []step{
			{"10.0.0.1=Timeout", "", ""},
			{"10.0.0.2=200 10.0.0.1=200", "10.0.0.1 10.0.0.2", "10.0.0.1 10.0.0.2"},
		}},
		"leaves after the threshold, while another answers": {v4, []step{
			{"10.0.0.1=200 10.0.0.2=200", "10.0.0.1 10.0.0.2", "10.0.0.1 10.0.0.2"},
			{"10.0.0.1=200 10.0.0.2=Timeout", "10.0.0.1 10.0.0.2", "10.0.0.1"},
			{"10.0.0.1=200 10.0.0.2=Timeout", "10.0.0.1 10.0.0.2", "10.0.0.1"},
			{"10.0.0.1=200 10.0.0.2=Timeout", "10.0.0.1", "10.0.0.1"},
			{"10.0.0.1=200 10.0.0.2=200", "10.0.0.1 10.0.0.2", "10.0.0.1 10.0.0.2"},
		}},
		"an answer starts the count anew": {v4, []step{
			{"10.0.0.1=200 10.0.0.2=200", "10.0.0.1 10.0.0.2", "10.0.0.1 10.0.0.2"},
			{"10.0.0.1=200 10.0.0.2=Timeout", "10.0.0.1 10.0.0.2", "10.0.0.1"},
			{"10.0.0.1=200 10.0.0.2=Timeout", "10.0.0.1 10.0.0.2", "10.0.0.1"},
			{"10.0.0.1=200 10.0.0.2=200", "10.0.0.1 10.0.0.2", "10.0.0.1 10.0.0.2"},
			{"10.0.0.1=200 10.0.0.2=Timeout", "10.0.0.1 10.0.0.2", "10.0.0.1"},
		}},
		"if all fail, the last set stays": {v4, []step{
			{"10.0.0.1=200 10.0.0.2=200", "10.0.0.1 10.0.0.2", "10.0.0.1 10.0.0.2"},
			{"10.0.0.1=Timeout 10.0.0.2=Timeout", "10.0.0.1 10.0.0.2", "10.0.0.1 10.0.0.2"},
			{"10.0.0.1=Timeout 10.0.0.2=Timeout", "10.0.0.1 10.0.0.2", "10.0.0.1 10.0.0.2"},
			{"10.0.0.1=Timeout 10.0.0.2=Timeout", "10.0.0.1 10.0.0.2", "10.0.0.1 10.0.0.2"},
			{"10.0.0.1=200 10.0.0.2=Timeout", "10.0.0.1", "10.0.0.1"},
		}},
		"what says nothing does not count": {v4, []step{
			{"10.0.0.1=200 10.0.0.2=200", "10.0.0.1 10.0.0.2", "10.0.0.1 10.0.0.2"},
			{"10.0.0.1=200 10.0.0.2=Local", "10.0.0.1 10.0.0.2", "10.0.0.1"},
			{"10.0.0.1=200 10.0.0.2=Canceled", "10.0.0.1 10.0.0.2", "10.0.0.1"},
			{"10.0.0.1=200 10.0.0.2=Local", "10.0.0.1 10.0.0.2", "10.0.0.1"},
			{"10.0.0.1=200 10.0.0.2=Local", "10.0.0.1 10.0.0.2", "10.0.0.1"},
		}},
		"a forbidden one leaves at once": {v4, []step{
			{"10.0.0.1=200 10.0.0.2=200", "10.0.0.1 10.0.0.2", "10.0.0.1 10.0.0.2"},
			{"10.0.0.1=200 10.0.0.2=Forbidden", "10.0.0.1", "10.0.0.1"},
		}},
		"one no longer resolved leaves, when a new one answers": {v4, []step{
			{"10.0.0.1=200", "10.0.0.1", "10.0.0.1"},
			{"10.0.0.2=Timeout", "10.0.0.1", "10.0.0.1"},
			{"", "10.0.0.1", "10.0.0.1"},
			{"10.0.0.2=200", "10.0.0.2", "10.0.0.2"},
			{"10.0.0.1=Timeout 10.0.0.2=200", "10.0.0.2", "10.0.0.2"},
		}},
		"families stand alone": {both, []step{
			{"10.0.0.1=200 fd00::1=200 fd00::2=200", "10.0.0.1 fd00::1 fd00::2", "10.0.0.1 fd00::1 fd00::2"},
			{"10.0.0.1=200 fd00::3=Timeout", "10.0.0.1 fd00::1 fd00::2", "10.0.0.1 fd00::1 fd00::2"},
			{"10.0.0.1=200", "10.0.0.1 fd00::1 fd00::2", "10.0.0.1 fd00::1 fd00::2"},
			{"10.0.0.1=200 fd00::3=200", "10.0.0.1 fd00::3", "10.0.0.1 fd00::3"},
		}},
		"a family that is not needed may go": {nil, []step{
			{"10.0.0.1=200 fd00::1=200", "10.0.0.1 fd00::1", "10.0.0.1 fd00::1"},
			{"10.0.0.1=200", "10.0.0.1", "10.0.0.1"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := NewAddresses(3)
			for i, step := range tc.steps {
				s.Record(seen(i, tc.families, step.seen), ok)
				switched := Addresses{known: slices.Clone(s.known)}
				switched.Narrow()
				if diff := cmp.Diff([]string{step.answering, step.switched}, []string{join(s.Answering()), join(switched.Answering())}); diff != "" {
					t.Errorf("step %d, after %q: -want +got:\n%s", i, step.seen, diff)
				}
			}
		})
	}
}

// Of addresses that somebody else vouches for those are left out that were asked and do not answer.
func TestAddressesAmong(t *testing.T) {
	ok := func(a Answer) bool { return a.Status == 200 }
	type step struct{ seen, vouched, among string }
	for name, steps := range map[string][]step{
		"not asked yet": {{"", "10.0.0.1 10.0.0.2", "10.0.0.1 10.0.0.2"}},
		"asked": {
			{"10.0.0.1=200 10.0.0.2=Timeout", "10.0.0.1 10.0.0.2 10.0.0.3", "10.0.0.1 10.0.0.3"},
			{"10.0.0.1=200 10.0.0.2=200", "10.0.0.1 10.0.0.2 10.0.0.3", "10.0.0.1 10.0.0.2 10.0.0.3"},
		},
		"leaves after the threshold, if it has answered before": {
			{"10.0.0.1=200 10.0.0.2=200", "10.0.0.1 10.0.0.2", "10.0.0.1 10.0.0.2"},
			{"10.0.0.1=200 10.0.0.2=Timeout", "10.0.0.1 10.0.0.2", "10.0.0.1 10.0.0.2"},
			{"10.0.0.1=200 10.0.0.2=Timeout", "10.0.0.1 10.0.0.2", "10.0.0.1"},
		},
		"no longer vouched for": {{"10.0.0.1=200 10.0.0.2=200", "10.0.0.2", "10.0.0.2"}},
		"none answers":          {{"10.0.0.1=Timeout 10.0.0.2=Timeout", "10.0.0.1 10.0.0.2", "10.0.0.1 10.0.0.2"}},
		"none of a family answers": {
			{"10.0.0.1=200 10.0.0.2=Timeout fd00::1=Timeout", "10.0.0.1 10.0.0.2 fd00::1", "10.0.0.1 fd00::1"},
		},
		"what says nothing does not count": {{"10.0.0.1=200 10.0.0.2=Local", "10.0.0.1 10.0.0.2", "10.0.0.1 10.0.0.2"}},
		"nobody":                           {{"10.0.0.1=200", "", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			s := NewAddresses(2)
			for i, step := range steps {
				s.Record(seen(i, nil, step.seen), ok)
				var vouched []netip.Addr
				for word := range strings.FieldsSeq(step.vouched) {
					vouched = append(vouched, netip.MustParseAddr(word))
				}
				if diff := cmp.Diff(step.among, join(s.Among(vouched))); diff != "" {
					t.Errorf("step %d, after %q: -want +got:\n%s", i, step.seen, diff)
				}
			}
		})
	}
}

func join(addrs []netip.Addr) string {
	words := make([]string, 0, len(addrs))
	for _, a := range addrs {
		words = append(words, a.String())
	}
	return strings.Join(words, " ")
}

func TestAddressesIgnoreOlderResults(t *testing.T) {
	ok := func(a Answer) bool { return a.Status == 200 }
	s := NewAddresses(1)
	s.Record(seen(5, nil, "10.0.0.2=200"), ok)
	s.Record(seen(4, nil, "10.0.0.1=200"), ok)
	if join(s.Answering()) != "10.0.0.2" {
		t.Errorf("answering %v, want the address of the newer result", s.Answering())
	}
}
