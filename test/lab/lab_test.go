// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package lab_test

import (
	"testing"

	"github.com/breakwater-dev/breakwater/test/lab"
)

func TestMain(m *testing.M) { lab.Main(m) }
