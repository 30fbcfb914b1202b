// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package image_test

import (
	"debug/buildinfo"
	"encoding/json"
	"os/exec"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestBillOfMaterials compares the bill with what the linker wrote into the binary.
func TestBillOfMaterials(t *testing.T) {
	binary := inRepository("bin/manager")
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, m := range info.Deps {
		want = append(want, m.Path+"@"+m.Version)
	}
	out, err := exec.CommandContext(t.Context(), inRepository("bin/cyclonedx-gomod"), "bin", "-json", "-notimestamp", "-noserial", "-version", version, binary).Output()
	if err != nil {
		t.Fatal(err)
	}
	var bill struct {
		BOMFormat  string
		Metadata   struct{ Component struct{ Version string } }
		Components []struct{ Name, Version string }
	}
	if err := json.Unmarshal(out, &bill); err != nil {
		t.Fatal(err)
	}
	if bill.BOMFormat != "CycloneDX" || bill.Metadata.Component.Version != version {
		t.Errorf("a bill of format %q for version %q", bill.BOMFormat, bill.Metadata.Component.Version)
	}
	var got []string
	for _, c := range bill.Components {
		if c.Name != "std" { // the Go standard library is no module
			got = append(got, c.Name+"@"+c.Version)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" || len(want) < 20 {
		t.Errorf("modules (-in the binary +in the bill):\n%s", diff)
	}
}
