// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package traffic

import (
	"fmt"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/types"
)

// FormatTransitionSeq returns the value of TransitionSeqAnnotation.
func FormatTransitionSeq(uid types.UID, seq int64) string {
	return string(uid) + "/" + strconv.FormatInt(seq, 10)
}

// ParseTransitionSeq reads a value of TransitionSeqAnnotation. It accepts only what FormatTransitionSeq
// writes for a UID and a seq of 0 or more, so that a value edited by hand is never half understood.
func ParseTransitionSeq(value string) (types.UID, int64, error) {
	uid, number, _ := strings.Cut(value, "/")
	seq, err := strconv.ParseInt(number, 10, 64)
	if err != nil || uid == "" || seq < 0 || FormatTransitionSeq(types.UID(uid), seq) != value {
		return "", 0, fmt.Errorf("annotation %s is %.128q: want \"<UID>/<seq>\"", TransitionSeqAnnotation, value)
	}
	return types.UID(uid), seq, nil
}
