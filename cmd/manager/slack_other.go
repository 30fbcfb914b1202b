// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package main

// slacken does nothing: only Linux has a timer slack.
func slacken() error { return nil }
