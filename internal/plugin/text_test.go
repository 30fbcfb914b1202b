// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/explain"
	"github.com/breakwater-dev/breakwater/internal/manifest"
)

var update = flag.Bool("update", false, "write what is shown now to testdata/")

// epoch is the present of all tests.
var epoch = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// schema is compiled once.
var schema = sync.OnceValues(manifest.Load)

var names = []string{"serving", "failedover", "holding", "new"}

// load reads an LLMBackend with its status from testdata, and gives it the defaults of the schema.
func load(t *testing.T, name string) *llmv1alpha1.LLMBackend {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	schema, err := schema()
	if err != nil {
		t.Fatal(err)
	}
	object, err := manifest.Parse(content)
	if err != nil {
		t.Fatal(err)
	}
	created, err := schema.Create(object)
	if err != nil {
		t.Fatal(err)
	}
	b, err := created.LLMBackend()
	if err != nil {
		t.Fatal(err)
	}
	written := &llmv1alpha1.LLMBackend{}
	if err := yaml.UnmarshalStrict(content, written); err != nil {
		t.Fatal(err)
	}
	b.Status = written.Status
	return b
}

// wantText compares what is shown with a file in testdata.
func wantText(t *testing.T, file, got string) {
	t.Helper()
	file = filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v: run the test with -update, and look at what it writes", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; run with -update if it should be so):\n%s", file, diff)
	}
}

func describe(t *testing.T, name string) *explain.Picture {
	t.Helper()
	p, err := explain.Describe(load(t, name), epoch)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestStatusText(t *testing.T) {
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			wantText(t, name+".status.txt", statusText(describe(t, name), epoch, false, false))
		})
	}
	wantText(t, "failedover.wide.txt", statusText(describe(t, "failedover"), epoch, true, false))
}

func TestExplanationText(t *testing.T) {
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			e, err := explain.Explain(load(t, name), epoch)
			if err != nil {
				t.Fatal(err)
			}
			wantText(t, name+".explain.txt", explanationText(e, epoch, false))
		})
	}
}

func TestListText(t *testing.T) {
	var pictures []*explain.Picture
	for _, name := range names {
		p := describe(t, name)
		p.Name = name
		pictures = append(pictures, p)
	}
	wantText(t, "list.txt", listText(pictures, epoch, false, false, true, false))
	wantText(t, "list.wide.txt", listText(pictures, epoch, true, true, true, false))
}

func TestHistoryText(t *testing.T) {
	h := historyOf(load(t, "failedover"), 0)
	wantText(t, "history.txt", h.text(epoch, false, true, false))
	wantText(t, "history.wide.txt", h.text(epoch, true, true, false))
	newer := historyOf(load(t, "failedover"), 1)
	if got := newer.text(epoch, false, false, false); got != "2   12s   FailedOver   us-east -> eu-west   BreakerOpen\n" {
		t.Errorf("what is newer than 1: %q", got)
	}
}

// Colours change nothing but colours: not what is aligned with what.
func TestColours(t *testing.T) {
	p := describe(t, "failedover")
	shown := statusText(p, epoch, false, true)
	for _, want := range []string{"\x1b[31mOpen\x1b[0m", "\x1b[32mClosed\x1b[0m", "\x1b[33mTrue (ServingSecondary)\x1b[0m"} {
		if !strings.Contains(shown, want) {
			t.Errorf("%q is missing in %q", want, shown)
		}
	}
	without := shown
	for _, s := range []style{bold, faint, bad, good, warn} {
		without = strings.ReplaceAll(without, "\x1b["+string(s)+"m", "")
	}
	without = strings.ReplaceAll(without, "\x1b[0m", "")
	if diff := cmp.Diff(statusText(p, epoch, false, false), without); diff != "" {
		t.Errorf("without its colours (-want +got):\n%s", diff)
	}
}

func TestColoured(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if coloured(file) || coloured(&strings.Builder{}) {
		t.Error("colours for what is no terminal")
	}
}

func TestUntil(t *testing.T) {
	for left, want := range map[time.Duration]string{
		-time.Second: "now", 0: "now", time.Millisecond: "in 1s", 1500 * time.Millisecond: "in 2s", 48 * time.Second: "in 48s", 90 * time.Minute: "in 90m",
	} {
		if got := until(epoch, epoch.Add(left)); got != want {
			t.Errorf("until %s: %q, want %q", left, got, want)
		}
	}
}
