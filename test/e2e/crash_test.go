// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"testing"
	"time"

	"github.com/breakwater-dev/breakwater/test/lab"
	"github.com/breakwater-dev/breakwater/test/load"
)

// apiOutage is how long the API server is away while a region dies.
const apiOutage = 2 * time.Minute

// An operator that is killed while it counts failures leaves the rest to the
// one that is started in its place.
func TestOperatorKilled(t *testing.T) {
	w := newWorld(t)
	east := serving(w)
	set(t, east, lab.Status(503))
	died := time.Now()
	w.awaitProbeOf(east)
	if err := ops.kill(); err != nil {
		t.Fatal(err)
	}
	t.Log(w.awaitAnswer(secondary, died))
	w.wantOneMove()
}

// Of two replicas one leads. When its node is lost, the other takes over when
// the Lease has run out.
func TestLeaderLost(t *testing.T) {
	if err := ops.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	east := serving(w)
	set(t, east, lab.Status(503))
	died := time.Now()
	w.awaitProbeOf(east)
	if err := ops.remove(); err != nil {
		t.Fatal(err)
	}
	t.Log(w.awaitAnswer(secondary, died))
	w.wantOneMove()
}

// Without an API server nothing is moved, and nothing is disturbed. A region
// that died meanwhile is left when the API server is back.
func TestAPIServerAway(t *testing.T) {
	quiet, dying := newWorld(t), newWorld(t)
	// Long enough for a machine that is busy starting an API server.
	serving(quiet, func(o *load.Options) { o.Timeout = 10 * time.Second })
	east := serving(dying)
	if err := cluster.ControlPlane.StopAPIServer(); err != nil {
		t.Fatal(err)
	}
	set(t, east, lab.Status(503))
	died := time.Now()
	t.Logf("the API server is away for %s", apiOutage)
	ended := time.NewTimer(apiOutage)
	defer ended.Stop()
	<-ended.C
	if regions, _ := dying.calls.Record().Since(died).Answers(); len(regions) > 0 {
		t.Errorf("%v answered without anybody to move traffic there", regions)
	}
	t.Log("it comes back; kube-proxy may take a minute to notice")
	if err := cluster.ControlPlane.StartAPIServer(); err != nil {
		t.Fatal(err)
	}
	back := time.Now()
	// The operator has to be elected. kube-proxy may wait another minute: so long do clients of the API server
	// leave it alone after many attempts.
	dying.patience = 2 * time.Minute
	dying.awaitAnswer(secondary, back)
	t.Logf("traffic moved %s after the API server was back", time.Since(back).Round(100*time.Millisecond))
	dying.wantOneMove()

	quiet.awaitCalls(20)
	quiet.wantNoErrors()
	if b := quiet.get(); b.Status.TransitionSeq != 0 {
		t.Errorf("the quiet LLMBackend has history %v; want none", b.Status.History)
	}
}

// serving has a world's client be answered by its primary, and returns that.
func serving(w *world, edits ...func(*load.Options)) *lab.Region {
	w.t.Helper()
	east := w.region(0, 0)
	w.region(1, 0)
	w.create(w.backend())
	w.call(edits...)
	w.awaitAnswer(primary, time.Time{})
	return east
}

func set(t *testing.T, r *lab.Region, b lab.Behaviour) {
	t.Helper()
	if err := r.Set(b); err != nil {
		t.Fatal(err)
	}
}

// awaitProbeOf waits until the operator has made one more probe.
func (w *world) awaitProbeOf(r *lab.Region) {
	w.t.Helper()
	before := r.Requests()["/health"]
	w.eventually("a probe of "+r.Name(), func() bool { return r.Requests()["/health"] > before })
}

// wantOneMove says that one opening moved traffic once.
func (w *world) wantOneMove() {
	w.t.Helper()
	b := w.awaitActive(secondary)
	if b.Status.TransitionSeq != 2 || b.Status.ActiveSeq != 2 {
		w.t.Errorf("transitions %v; want an opening and a failover", b.Status.History)
	}
}
