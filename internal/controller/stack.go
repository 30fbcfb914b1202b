// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

// room is about as much as the calls of a probe over plain HTTP need of a stack.
const room = 7 << 10

// growStack makes room on the stack of a new goroutine, in one step and while there is nothing on it to copy. Without
// that the stack is doubled twice, deep inside a probe, which is a twentieth of all that a probe costs.
//
//go:noinline
func growStack(at int) byte {
	var space [room]byte
	return space[at]
}
