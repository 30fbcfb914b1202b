// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package traffic

import "testing"

func TestTransitionSeqRoundTrip(t *testing.T) {
	for _, seq := range []int64{0, 1, 9223372036854775807} {
		uid, got, err := ParseTransitionSeq(FormatTransitionSeq("uid-1", seq))
		if err != nil || uid != "uid-1" || got != seq {
			t.Errorf("seq %d came back as %q, %d, %v", seq, uid, got, err)
		}
	}
}

func TestParseTransitionSeqRefuses(t *testing.T) {
	for _, value := range []string{
		"", "/", "uid-1", "uid-1/", "/5", "uid-1/-1", "uid-1/+5", "uid-1/05", "uid-1/5 ", "uid-1/5/6",
		"uid-1/9223372036854775808", "uid-1/five",
	} {
		if uid, seq, err := ParseTransitionSeq(value); err == nil {
			t.Errorf("%q was read as %q, %d", value, uid, seq)
		}
	}
}
