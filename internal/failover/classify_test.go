// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestClassifyByWhatServersSay(t *testing.T) {
	for _, tt := range []struct {
		name     string
		response Response
		class    Class
		cause    Cause
		reason   string
		gone     bool
	}{
		{"quota of OpenAI", Response{Status: 429, ErrorCode: "insufficient_quota"}, RateLimited, QuotaExhausted, "QuotaExhausted", false},
		{"quota by type alone", Response{Status: 429, ErrorType: "insufficient_quota"}, RateLimited, QuotaExhausted, "QuotaExhausted", false},
		{"payment required", Response{Status: 402}, RateLimited, QuotaExhausted, "QuotaExhausted", false},
		{"quota in a stream", Response{Status: 200, Fault: StreamError, ErrorType: "billing_error"}, RateLimited, QuotaExhausted, "QuotaExhausted", false},
		{"key refused", Response{Status: 401, ErrorCode: "invalid_api_key"}, Excluded, BadCredentials, "Status401", false},
		{"key refused with a 400", Response{Status: 400, ErrorCode: "invalid_api_key"}, Excluded, BadCredentials, "Status400", false},
		{"model missing", Response{Status: 404, ErrorCode: "model_not_found"}, Excluded, ModelMissing, "ModelMissing", true},
		{"deployment missing", Response{Status: 404, ErrorCode: "DeploymentNotFound"}, Excluded, ModelMissing, "ModelMissing", true},
		{"model missing in vLLM", Response{Status: 404, ErrorType: "NotFoundError"}, Excluded, ModelMissing, "ModelMissing", true},
		{"model missing in Ollama", Response{Status: 404, ErrorType: "api_error"}, Excluded, ModelMissing, "ModelMissing", true},
		{"another error of that type", Response{Status: 400, ErrorType: "api_error"}, Excluded, BadRequest, "Status400", false},
		{"model not listed", Response{Status: 200, Fault: ModelNotServed}, Excluded, ModelMissing, "ModelMissing", true},
		{"path missing", Response{Status: 404}, Excluded, NotFound, "Status404", true},
		{"request refused", Response{Status: 400, ErrorType: "invalid_request_error"}, Excluded, BadRequest, "Status400", false},
		{"overloaded in a stream", Response{Status: 200, Fault: StreamError, ErrorType: "overloaded_error"}, Failure, NoCause, "StreamError", false},
		{"limited in a stream", Response{Status: 200, Fault: StreamError, ErrorType: "rate_limit_error"}, RateLimited, NoCause, "StreamError", false},
		{"stream broken off", Response{Status: 200, Fault: StreamError}, Failure, NoCause, "StreamError", false},
		{"assertion", Response{Status: 200, Fault: AssertionFailed}, Failure, NoCause, "AssertionFailed", false},
		{"expected", Response{Status: 503, Expected: true}, Success, NoCause, "Status503", false},
		{"not serving", Response{Status: 200, Fault: NotServing}, Failure, NoCause, "NotServing", false},
		{"no credentials", Response{Fault: CredentialsUnreadable}, Unknown, NoCredentials, "CredentialsUnreadable", false},
		{"no expression", Response{Fault: InvalidExpression}, Excluded, NoCause, "InvalidExpression", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := outcome(tt.response)
			if o.Class != tt.class || o.Cause != tt.cause || o.Reason() != tt.reason || o.gone != tt.gone {
				t.Errorf("class %d, cause %s, reason %s, gone %v; want %d, %s, %s, %v",
					o.Class, o.Cause, o.Reason(), o.gone, tt.class, tt.cause, tt.reason, tt.gone)
			}
		})
	}
}

func TestRules(t *testing.T) {
	header := map[string]string{"X-Overload": "yes"}
	for _, tt := range []struct {
		name     string
		rules    []Rule
		response Response
		want     Class
	}{
		{"no rule", nil, Response{Status: 503}, Failure},
		{"status", []Rule{{MinStatus: 500, MaxStatus: 599, Class: Excluded}}, Response{Status: 503}, Excluded},
		{"lower end", []Rule{{MinStatus: 500, MaxStatus: 599, Class: Excluded}}, Response{Status: 500}, Excluded},
		{"upper end", []Rule{{MinStatus: 500, MaxStatus: 502, Class: Excluded}}, Response{Status: 502}, Excluded},
		{"below", []Rule{{MinStatus: 501, MaxStatus: 599, Class: Excluded}}, Response{Status: 500}, Failure},
		{"above", []Rule{{MinStatus: 500, MaxStatus: 502, Class: Excluded}}, Response{Status: 503}, Failure},
		{"first wins", []Rule{{MinStatus: 500, MaxStatus: 599, Class: Excluded}, {MinStatus: 503, MaxStatus: 503, Class: Success}}, Response{Status: 503}, Excluded},
		{"error code", []Rule{{ErrorCode: "busy", Class: Success}}, Response{Status: 503, ErrorCode: "busy"}, Success},
		{"error type", []Rule{{ErrorCode: "busy", Class: Success}}, Response{Status: 503, ErrorType: "busy"}, Success},
		{"other code", []Rule{{ErrorCode: "busy", Class: Success}}, Response{Status: 503, ErrorCode: "dead"}, Failure},
		{"all must hold", []Rule{{MinStatus: 500, MaxStatus: 500, ErrorCode: "busy", Class: Success}}, Response{Status: 503, ErrorCode: "busy"}, Failure},
		{"header", []Rule{{Header: "X-Overload", HeaderValue: "yes", Class: RateLimited}}, Response{Status: 200, Headers: header}, RateLimited},
		{"other value", []Rule{{Header: "X-Overload", HeaderValue: "no", Class: RateLimited}}, Response{Status: 200, Headers: header}, Success},
		{"quota that is none", []Rule{{ErrorCode: "insufficient_quota", Class: Excluded}}, Response{Status: 429, ErrorCode: "insufficient_quota"}, Excluded},
		{"error in a stream", []Rule{{ErrorCode: "overloaded_error", Class: RateLimited}}, Response{Status: 200, Fault: StreamError, ErrorType: "overloaded_error"}, RateLimited},
		{"a status says nothing of a broken stream", []Rule{{MinStatus: 200, MaxStatus: 299, Class: Success}}, Response{Status: 200, Fault: StreamError}, Failure},
		{"nor of an answer that was cut", []Rule{{MinStatus: 200, MaxStatus: 299, Class: Success}}, Response{Status: 200, Fault: ConnectionReset}, Failure},
		{"nor of an assertion", []Rule{{MinStatus: 200, MaxStatus: 299, Class: Success}}, Response{Status: 200, Fault: AssertionFailed}, Failure},
		{"a connection is no answer", []Rule{{Class: Failure}}, Response{Connected: true}, Success},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := Classifier{FailureStatusCodes: []int{500, 502, 503}, Rules: tt.rules}
			if got := c.Classify(tt.response).Class; got != tt.want {
				t.Errorf("class %d, want %d", got, tt.want)
			}
		})
	}
}

// TestTableIsDocumented: the table in the documents is the table in force.
func TestTableIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/probes.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "| answer | outcome |\n|---|---|\n")
	if !found {
		t.Fatal("docs/probes.md has no table of outcomes")
	}
	table, _, _ := strings.Cut(rest, "\n\n")
	var want strings.Builder
	for _, r := range Table() {
		want.WriteString("| " + r.Answer + " | " + r.Outcome + " |\n")
	}
	if diff := cmp.Diff(strings.TrimSpace(want.String()), table); diff != "" {
		t.Errorf("table in docs/probes.md (-in force +documented):\n%s", diff)
	}
}

// An exhausted quota opens the breaker at once and for long, and a trial that meets it again does the same.
func TestQuotaExhausted(t *testing.T) {
	c := BreakerConfig{FailureThreshold: 5, SuccessThreshold: 1, OpenDuration: time.Minute, RetryAfterThreshold: 2 * time.Minute}
	now := time.Unix(0, 0)
	quota := outcome(Response{Status: 429, ErrorCode: "insufficient_quota"})
	day := outcome(Response{Status: 429, ErrorCode: "insufficient_quota", RetryAfter: RetryAfter{Given: true, Delay: 24 * time.Hour}})
	soon := outcome(Response{Status: 429, ErrorCode: "insufficient_quota", RetryAfter: RetryAfter{Given: true, Delay: time.Second}})
	for name, tt := range map[string]struct {
		outcome Outcome
		config  func(*BreakerConfig)
		want    time.Duration
	}{
		"alone":                    {quota, nil, QuotaHold},
		"with a long Retry-After":  {day, nil, 24 * time.Hour},
		"with a short Retry-After": {soon, nil, QuotaHold},
		"with a long openDuration": {quota, func(c *BreakerConfig) { c.OpenDuration = time.Hour }, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			c := c
			if tt.config != nil {
				tt.config(&c)
			}
			var b Breaker
			b.Record(&c, now, tt.outcome, ByTraffic)
			if b.State() != Open || !b.OpenUntil().Equal(now.Add(tt.want)) || b.reason != "QuotaExhausted" {
				t.Fatalf("%s until %s (%s), want Open for %s", b.State(), b.OpenUntil(), b.reason, tt.want)
			}
			trial := b.OpenUntil()
			if !b.AdmitTrial(trial) {
				t.Fatal("no trial")
			}
			b.TrialDone(&c, trial, tt.outcome)
			if b.State() != Open || !b.OpenUntil().Equal(trial.Add(tt.want)) {
				t.Errorf("after the trial %s until %s, want Open for %s", b.State(), b.OpenUntil(), tt.want)
			}
		})
	}
}

// The window of an exhausted quota outlives a restart, though it is longer than openDuration.
func TestQuotaWindowIsRestored(t *testing.T) {
	now := time.Unix(0, 0)
	c := BreakerConfig{FailureThreshold: 5, OpenDuration: time.Minute}
	for reason, want := range map[string]time.Duration{"QuotaExhausted": QuotaHold, "Status503": time.Minute} {
		b := RegionRecord{Open: true, OpenUntil: now.Add(time.Hour), Reason: reason}.breaker(now, c)
		if got := b.OpenUntil().Sub(now); got != want {
			t.Errorf("%s: open for %s after a restart, want %s", reason, got, want)
		}
	}
}

// Slow answers are failures once enough of the newest ten were slow, and no sooner.
func TestSlowAnswers(t *testing.T) {
	fast, slow := Outcome{Class: Success, Latency: time.Second}, Outcome{Class: Success, Latency: time.Second + 1}
	for name, tt := range map[string]struct {
		config   BreakerConfig
		outcomes string // of f(ast) and s(low); what becomes of the last one is asked
		want     Class
	}{
		"no threshold":       {BreakerConfig{SlowPercent: 10}, "ssssssssss", Success},
		"too few":            {BreakerConfig{SlowThreshold: time.Second, SlowPercent: 30}, "ss", Success},
		"enough":             {BreakerConfig{SlowThreshold: time.Second, SlowPercent: 30}, "sss", Failure},
		"enough in between":  {BreakerConfig{SlowThreshold: time.Second, SlowPercent: 30}, "sfsfs", Failure},
		"a fast one is good": {BreakerConfig{SlowThreshold: time.Second, SlowPercent: 30}, "ssssf", Success},
		"forgotten":          {BreakerConfig{SlowThreshold: time.Second, SlowPercent: 30}, "ssffffffffs", Success},
		"just remembered":    {BreakerConfig{SlowThreshold: time.Second, SlowPercent: 20}, "sffffffffs", Failure},
		"all":                {BreakerConfig{SlowThreshold: time.Second, SlowPercent: 100}, "ssssssssss", Failure},
		"nearly all":         {BreakerConfig{SlowThreshold: time.Second, SlowPercent: 100}, "sssssssss", Success},
	} {
		t.Run(name, func(t *testing.T) {
			var b Breaker
			var last Outcome
			for _, pace := range tt.outcomes {
				last = fast
				if pace == 's' {
					last = slow
				}
				last = b.weigh(&tt.config, last)
			}
			if last.Class != tt.want || (last.Class == Failure) != (last.Reason() == "Slow") {
				t.Errorf("class %d, reason %s, want class %d", last.Class, last.Reason(), tt.want)
			}
		})
	}
}

// A slow region is left like any other that fails.
func TestFailoverFromASlowRegion(t *testing.T) {
	slowAnswer := answer{Response: Response{Status: 200, Latency: 2 * second}}
	c := config("us-east", "eu-west")
	for i := range c.Regions {
		c.Regions[i].Breaker.SlowThreshold, c.Regions[i].Breaker.SlowPercent = second, 50
	}
	w := newWorld(t, c)
	w.responds(10*second, "us-east", slowAnswer)
	w.run(2 * time.Minute)
	w.want(
		"0s first us-east",
		"34s #1 BreakerOpened us-east Slow", // the fifth slow answer, at 30 s, was the first failure
		"34s #2 FailedOver us-east>eu-west BreakerOpen",
		"94s write",
	)
}

// The cause that View tells is one that as many answers have had as would open a breaker.
func TestCauses(t *testing.T) {
	w := newWorld(t, config("us-east"))
	w.responds(5*second, "us-east", status(401))
	w.responds(30*second, "us-east", status(400))
	w.responds(60*second, "us-east", status(200))
	for _, tt := range []struct {
		at   time.Duration
		want Cause
	}{{24 * second, NoCause}, {25 * second, BadCredentials}, {49 * second, BadCredentials}, {50 * second, BadRequest}, {60 * second, NoCause}} {
		w.run(tt.at)
		if got := w.machine.View(w.clock()).Causes[0]; got != tt.want {
			t.Errorf("at %v: cause %s, want %s", tt.at, got, tt.want)
		}
	}
}
