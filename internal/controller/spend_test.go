// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/failover"
	"github.com/breakwater-dev/breakwater/internal/manifest"
	"github.com/breakwater-dev/breakwater/internal/metrics"
	"github.com/breakwater-dev/breakwater/internal/probe"
	"github.com/breakwater-dev/breakwater/internal/signals/intake"
)

// provider is the servers of all regions, behind real probes. It notes what it is asked, as a bill does.
type provider struct {
	mu sync.Mutex
	// free and billed are the status codes of answers, by host: 200 unless set.
	free, billed map[string]int
	asked        map[string]int // by method and path
	bills        []time.Time    // one for each completion
	tokens       int            // that a completion takes
}

func newProvider() *provider {
	return &provider{free: map[string]int{}, billed: map[string]int{}, asked: map[string]int{}, tokens: 20}
}

func (p *provider) prober() *probe.Prober {
	return probe.New(nil, probe.Options{Dial: func(_ context.Context, addr netip.AddrPort) (net.Conn, error) {
		here, there := net.Pipe()
		go p.serve(there, addr.Addr().String())
		return here, nil
	}})
}

func (p *provider) serve(conn net.Conn, host string) {
	defer conn.Close()
	request, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, request.Body)
	p.mu.Lock()
	p.asked[request.Method+" "+request.RequestURI]++
	status := p.free[host]
	body := `{"data":[{"id":"llama3"}]}`
	if request.Method == http.MethodPost {
		p.bills = append(p.bills, time.Now())
		status = p.billed[host]
		body = fmt.Sprintf(`{"choices":[{"index":0}],"usage":{"total_tokens":%d}}`, p.tokens)
	}
	p.mu.Unlock()
	if status == 0 {
		status = 200
	}
	fmt.Fprintf(conn, "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
}

// set changes what a host answers.
func (p *provider) set(answers map[string]int, host string, status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	answers[host] = status
}

func (p *provider) billedSince(from time.Time) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(slices.DeleteFunc(slices.Clone(p.bills), func(at time.Time) bool { return at.Before(from) }))
}

// written returns what the API server makes of a manifest.
func written(t *testing.T, probe string) *llmv1alpha1.LLMBackend {
	t.Helper()
	schema, err := manifest.Load()
	if err != nil {
		t.Fatal(err)
	}
	o, err := manifest.Parse(fmt.Appendf(nil, `
apiVersion: llm.breakwater.dev/v1alpha1
kind: LLMBackend
metadata: {name: chat, namespace: apps}
spec:
  model: llama3
  primary: {name: us-east, endpoint: {url: "http://%s:8000"}}
  secondaries: [{name: eu-west, endpoint: {url: "http://%s:8000"}}]
  probe: %s
`, east, west, probe))
	if err != nil {
		t.Fatal(err)
	}
	if o, err = schema.Create(o); err != nil {
		t.Fatal(err)
	}
	b, err := o.LLMBackend()
	if err != nil {
		t.Fatal(err)
	}
	b.UID = "uid-1"
	return b
}

// saw tells what real traffic saw.
func (r *running) saw(t *testing.T, region string, status int) {
	t.Helper()
	outcome := intake.Outcome{Region: region, Response: failover.Response{Status: status}, Times: 1}
	if err := r.backend.take([]intake.Outcome{outcome}); err != nil {
		t.Fatal(err)
	}
}

// TestNothingIsBilledByDefault counts what is asked with the defaults, and with those of each preset, in good times, on
// suspicion, before a failover, while holding, as a trial, and before a failback: nothing that a provider bills.
func TestNothingIsBilledByDefault(t *testing.T) {
	for name, tc := range map[string]struct {
		probe string
		want  string
	}{
		"defaults":          {`{}`, "GET /health"},
		"OnDemand":          {`{mode: OnDemand}`, "GET /health"},
		"OpenAIModels":      {`{type: OpenAIModels}`, "GET /v1/models"},
		"vLLM":              {`{preset: vLLM}`, "GET /health"},
		"SGLang":            {`{preset: SGLang}`, "GET /health"},
		"TGI":               {`{preset: TGI}`, "GET /health"},
		"LlamaCpp":          {`{preset: LlamaCpp}`, "GET /health"},
		"Ollama":            {`{preset: Ollama}`, "GET /v1/models"},
		"AzureOpenAI":       {`{preset: AzureOpenAI}`, "GET /status-0123456789abcdef"},
		"Anthropic":         {`{preset: Anthropic}`, "GET /v1/models?limit=1000"},
		"a budget, no type": {`{budget: {maxCompletionsPerHour: 100}}`, "GET /health"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProvider()
				r := &running{stored: written(t, tc.probe)}
				r.start(t, p.prober())
				defer func() { r.backend.stop() }()
				r.until(t, time.Minute)
				for range 3 {
					r.saw(t, "us-east", 503)
					r.until(t, 10*time.Second)
				}
				p.set(p.free, east, 503) // fails over
				for range 5 {
					r.saw(t, "us-east", 503)
				}
				r.until(t, 2*time.Minute)
				if got := r.stored.Status.ActiveRegion; got != "eu-west" {
					t.Errorf("active region %s, want eu-west", got)
				}
				p.set(p.free, west, 503) // holds
				for range 5 {
					r.saw(t, "eu-west", 503)
				}
				r.until(t, 2*time.Minute)
				p.set(p.free, east, 200)
				p.set(p.free, west, 200)
				r.until(t, 5*time.Minute) // fails back
				if got := r.stored.Status.ActiveRegion; got != "us-east" {
					t.Errorf("active region %s, want us-east", got)
				}
				if got := slices.Collect(maps.Keys(p.asked)); len(got) != 1 || got[0] != tc.want {
					t.Errorf("asked for %v, want nothing but %s", p.asked, tc.want)
				}
			})
		})
	}
}

const completions = "POST /v1/chat/completions"

// TestLadderIsClimbedOnSuspicion: in good times only the free question is asked; when real traffic fails, the
// completion finds out what the free question does not show, and the move to the other region rests on one too.
func TestLadderIsClimbedOnSuspicion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		r := &running{stored: written(t, `{ladder: [{type: OpenAIModels}, {type: OpenAICompletion}]}`)}
		r.start(t, p.prober())
		defer func() { r.backend.stop() }()
		r.until(t, time.Hour)
		if len(p.asked) != 1 || len(p.bills) > 0 {
			t.Errorf("asked for %v in an hour of health, want GET /health alone", p.asked)
		}
		p.set(p.billed, east, 503) // the GPU hangs, and /health does not show it
		r.saw(t, "us-east", 503)
		r.until(t, 20*time.Second)
		if got := r.stored.Status.ActiveRegion; got != "eu-west" {
			t.Errorf("active region %s, want eu-west", got)
		}
		want := map[string]int{"GET /v1/models": 5, completions: 5}
		got := map[string]int{"GET /v1/models": p.asked["GET /v1/models"], completions: p.asked[completions]}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("asked beyond what is free (-want +got):\n%s", diff)
		}
		before := p.billedSince(time.Time{})
		p.set(p.billed, east, 200)
		r.until(t, 5*time.Minute)
		if got := r.stored.Status.ActiveRegion; got != "us-east" {
			t.Errorf("active region %s, want us-east", got)
		}
		if got := p.billedSince(time.Time{}) - before; got != 1 {
			t.Errorf("%d completions for trial and failback, want 1", got)
		}
		var shown metrics.Backend
		r.backend.show(&shown)
		spent := metrics.Spend{}
		for _, region := range shown.Regions {
			spent.Completions += region.Spend.Completions
			spent.Tokens += region.Spend.Tokens
		}
		// Those that failed took nothing.
		if diff := cmp.Diff(metrics.Spend{Completions: 6, Tokens: 40}, spent); diff != "" {
			t.Errorf("metrics (-want +got):\n%s", diff)
		}
	})
}

// TestLadderStopsAtTheFirstBadAnswer: what is down anyway costs nothing.
func TestLadderStopsAtTheFirstBadAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		r := &running{stored: written(t, `{ladder: [{type: OpenAICompletion}]}`)}
		r.start(t, p.prober())
		defer func() { r.backend.stop() }()
		r.until(t, time.Minute)
		p.set(p.free, east, 503)
		p.set(p.free, west, 503)
		r.until(t, time.Hour)
		if len(p.bills) > 0 {
			t.Errorf("%d completions of regions that say that they do not serve, want 0", len(p.bills))
		}
	})
}

// TestBudgetIsKept: however often there is suspicion, the operator starts anew, or nothing can be stored, no more
// completions are asked for than the budget allows, and those that are allowed are asked for.
func TestBudgetIsKept(t *testing.T) {
	for name, tc := range map[string]struct {
		budget     string
		hours      int
		perHour    int
		perDay     int
		least      int
		mostWrites int
	}{
		"completions": {`{maxCompletionsPerHour: 20}`, 6, 20, 480, 80, 60},
		"tokens":      {`{maxTokensPerDay: 2000}`, 25, 60, 100, 60, 30},
		"none":        {`{maxCompletionsPerHour: 0}`, 2, 0, 0, 0, 2},
		"not set":     {`{}`, 6, 60, 1440, 240, 60},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProvider()
				b := written(t, `{ladder: [{type: OpenAICompletion}], budget: `+tc.budget+`}`)
				b.Spec.Secondaries = nil // so that all is spent on one region
				r := &running{stored: b}
				r.start(t, p.prober())
				for minute := range tc.hours * 60 {
					r.saw(t, "us-east", 503)
					r.until(t, 20*time.Second)
					r.saw(t, "us-east", 503)
					switch {
					case minute%170 == 169:
						r.backend.stop()
						r.start(t, p.prober())
					case minute%100 == 99:
						r.broken = true
						r.until(t, 40*time.Second)
						r.broken = false
						r.reconcile(t)
						continue
					}
					r.until(t, 40*time.Second)
				}
				r.backend.stop()
				for i, from := range p.bills {
					after := func(d time.Duration) int {
						return len(slices.DeleteFunc(slices.Clone(p.bills[i:]), func(at time.Time) bool { return !at.Before(from.Add(d)) }))
					}
					if n := after(time.Hour); n > tc.perHour {
						t.Fatalf("%d completions within an hour, allowed are %d", n, tc.perHour)
					}
					if n := after(24 * time.Hour); n > tc.perDay {
						t.Fatalf("%d completions within a day, allowed are %d", n, tc.perDay)
					}
				}
				if len(p.bills) < tc.least || r.writes > tc.mostWrites {
					t.Errorf("%d completions in %d hours with %d writes, want at least %d with at most %d",
						len(p.bills), tc.hours, r.writes, tc.least, tc.mostWrites)
				}
			})
		})
	}
}

// TestNoCompletionsLeft: traffic leaves a region that fails on what is free, but a region whose completion failed is not
// gone back to before a completion has succeeded.
func TestNoCompletionsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		r := &running{stored: written(t, `{ladder: [{type: OpenAICompletion}], budget: {maxCompletionsPerHour: 5}}`)}
		r.start(t, p.prober())
		defer func() { r.backend.stop() }()
		r.until(t, time.Minute)
		p.set(p.billed, east, 503)
		r.saw(t, "us-east", 503)
		r.until(t, 10*time.Minute) // five completions at the latest, then trials that cannot be paid for
		if got := r.stored.Status.ActiveRegion; got != "eu-west" {
			t.Fatalf("active region %s, want eu-west", got)
		}
		regions, freeIn := r.backend.budgetsExhausted()
		if diff := cmp.Diff([]string{"us-east"}, regions); diff != "" || freeIn <= 0 || freeIn > 75*time.Minute {
			t.Errorf("free in %s, used up in (-want +got):\n%s", freeIn, diff)
		}
		p.set(p.billed, east, 200)
		r.until(t, 30*time.Minute)
		if got := r.stored.Status.ActiveRegion; got != "eu-west" {
			t.Errorf("active region %s on what is free, want eu-west", got)
		}
		r.until(t, time.Hour)
		if got := r.stored.Status.ActiveRegion; got != "us-east" {
			t.Errorf("active region %s when a completion has succeeded, want us-east", got)
		}
		if _, freeIn := r.backend.budgetsExhausted(); freeIn != 0 {
			t.Errorf("the budget is still used up for %s", freeIn)
		}
	})
}

// TestNoMoneyBlocksNoFailover: without completions what is free is evidence enough to leave a region that fails; where
// nothing is free, there is no evidence.
func TestNoMoneyBlocksNoFailover(t *testing.T) {
	for probe, want := range map[string]string{
		`{ladder: [{type: OpenAICompletion}], budget: {maxCompletionsPerHour: 0}}`: "eu-west",
		`{type: OpenAICompletion, budget: {maxCompletionsPerHour: 0}}`:             "us-east",
	} {
		t.Run(want, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProvider()
				r := &running{stored: written(t, probe)}
				r.start(t, p.prober())
				defer func() { r.backend.stop() }()
				p.set(p.free, east, 503)
				r.until(t, time.Minute)
				for range 5 {
					r.saw(t, "us-east", 503)
				}
				r.until(t, time.Minute)
				if got := r.stored.Status.ActiveRegion; got != want || len(p.bills) > 0 {
					t.Errorf("active region %s after %d completions, want %s after none", got, len(p.bills), want)
				}
			})
		})
	}
}

// TestOneAddressAfterTheOther: a region that has several addresses costs one completion as long as the first serves.
func TestOneAddressAfterTheOther(t *testing.T) {
	for name, tc := range map[string]struct {
		billed    map[string]int
		addresses []string
		want      int
		serves    bool
	}{
		"the first serves":         {nil, []string{east, west}, 1, true},
		"the second does":          {map[string]int{east: 503}, []string{east, west}, 2, true},
		"none does":                {map[string]int{east: 503, west: 503}, []string{east, west}, 2, false},
		"what is free fails there": {map[string]int{west: 503}, []string{"10.0.0.1", west}, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProvider()
				p.free["10.0.0.1"] = 503
				p.billed = tc.billed
				r := &running{stored: written(t, `{ladder: [{type: OpenAICompletion}]}`)}
				r.start(t, p.prober())
				defer func() { r.backend.stop() }()
				r.backend.mu.Lock()
				c := r.backend.climbOf(failover.Probe{Region: "us-east", Purpose: failover.Commit})
				r.backend.mu.Unlock()
				c.target.Host = ""
				for _, a := range tc.addresses {
					c.target.Addresses = append(c.target.Addresses, netip.MustParseAddr(a))
				}
				r.backend.ascend(c)
				outcome := outcomeOf(time.Now(), c.top, c.reads)
				if len(p.bills) != tc.want || (outcome.Class == failover.Success) != tc.serves {
					t.Errorf("%v after %d completions, want %d; serves: %v", outcome, len(p.bills), tc.want, tc.serves)
				}
				for _, a := range c.below.Addresses {
					bad := p.free[a.Addr.String()] == 503 || p.billed[a.Addr.String()] == 503
					if (a.Status == 503) != bad {
						t.Errorf("%s is remembered with %d", a.Addr, a.Status)
					}
				}
			})
		})
	}
}

// TestSpendingWritesNothingAtRest: what is reserved stays reserved, also over a restart.
func TestSpendingWritesNothingAtRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		r := &running{stored: written(t, `{ladder: [{type: OpenAICompletion}], budget: {maxTokensPerDay: 5000}}`)}
		r.start(t, p.prober())
		r.until(t, time.Minute)
		writes := r.writes
		r.until(t, 2*time.Hour)
		r.backend.stop()
		r.start(t, p.prober())
		r.until(t, 2*time.Hour)
		r.backend.stop()
		if r.writes != writes {
			t.Errorf("%d writes in four hours of health, want 0", r.writes-writes)
		}
	})
}
