// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package schedules

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/schedules/apiserver"
)

const (
	turmoil  = 120 * second // how long things go wrong
	patience = 600 * second // in which all must have settled after that
	// afterwards is from when on nothing is written any more: a probe that takes a look-up older than its TTL has the
	// next one made beside it, so that an address is dropped by the second probe, up to two periods of 10 s and a beat on.
	afterwards = 21 * second
	quiet      = 60 * second // how long that is looked at
)

// randomScript fills the script of a world by its seed.
func randomScript(w *world) {
	r := rand.New(rand.NewPCG(w.seed, 1))
	b := randomBackend(r, 1+r.IntN(len(regionNames)))
	w.newest = b
	for _, name := range regionNames {
		w.regions.names[host(name)] = dnsRecord{addrs: addressesOf(name, 1+r.IntN(3))}
	}
	w.at(0, "created: "+describe(b), func() { w.must(w.user.Create(w.ctx, b.DeepCopy())) })
	w.at(between(r, 0, second), "", w.startOperator)
	var at time.Duration
	for range 2 + r.IntN(10) {
		at = between(r, second, turmoil)
		// Trouble seldom comes alone: half of the time two or three things happen within seconds.
		for range pick(r, 1, 1, 2, 3) {
			randomStep(r, w, at, b)
			at += between(r, 0, 4*second)
		}
	}
}

// randomStep adds one thing that happens.
func randomStep(r *rand.Rand, w *world, at time.Duration, b *llmv1alpha1.LLMBackend) {
	steps := []func(*rand.Rand, *world, time.Duration){
		oneRegion, oneRegion, oneRegion, allRegions, allRegions, oneAddress, name,
		order, order, pause, specEdit, specEdit, restart, restart,
		apiFault, apiFault, apiFault, lag, lag, cut, outage, foreign, foreign, serviceEdit, backup,
		func(r *rand.Rand, w *world, at time.Duration) { deletion(r, w, at, b) },
	}
	pick(r, steps...)(r, w, at)
}

func oneRegion(r *rand.Rand, w *world, at time.Duration) {
	region, b := pick(r, regionNames[:]...), pick(r, behaviours()...)
	w.at(at, "region "+region+" answers "+b.name, func() { w.regions.set(region, b) })
}

func allRegions(r *rand.Rand, w *world, at time.Duration) {
	bad := pick(r, behaviours()...)
	for _, region := range regionNames {
		w.at(at, "region "+region+" answers "+bad.name, func() { w.regions.set(region, bad) })
		w.at(at+between(r, second, 40*second), "region "+region+" answers 200", func() { w.regions.set(region, healthy) })
	}
}

func oneAddress(r *rand.Rand, w *world, at time.Duration) {
	region := pick(r, regionNames[:]...)
	addr, b := pick(r, addressesOf(region, 3)...), pick(r, behaviours()...)
	w.at(at, fmt.Sprintf("address %s answers %s", addr, b.name), func() { w.regions.setAddress(addr, b) })
}

func name(r *rand.Rand, w *world, at time.Duration) {
	region := pick(r, regionNames[:]...)
	addrs := addressesOf(region, mostAddresses)
	r.Shuffle(len(addrs), func(i, k int) { addrs[i], addrs[k] = addrs[k], addrs[i] })
	d := pick(r, dnsRecord{silent: true}, dnsRecord{}, dnsRecord{addrs: addrs[:1]}, dnsRecord{addrs: addrs[:2]}, dnsRecord{addrs: addrs[:3]})
	w.at(at, fmt.Sprintf("name %s is %v, silent %v", host(region), d.addrs, d.silent), func() { w.regions.setName(host(region), d) })
}

func order(r *rand.Rand, w *world, at time.Duration) {
	token, orders := strconv.FormatUint(r.Uint64(), 36), map[string]string{}
	what := r.IntN(5)
	if what < 2 || what == 4 {
		orders[llmv1alpha1.ResetAnnotation] = token
	}
	if what >= 2 {
		orders[llmv1alpha1.SwitchToAnnotation] = pick(r, append(regionNames[:], "mars")...)
		orders[llmv1alpha1.SwitchRequestedAtAnnotation] = token
	}
	w.at(at, fmt.Sprintf("ordered %v", orders), func() { w.annotate(orders) })
}

func pause(r *rand.Rand, w *world, at time.Duration) {
	until := at + between(r, 0, 25*second)
	if r.IntN(2) == 0 {
		value := w.began.Add(until).Format(time.RFC3339)
		w.at(at, "paused until "+value, func() { w.annotate(map[string]string{llmv1alpha1.PausedAnnotation: value}) })
		return
	}
	w.at(at, "paused", func() { w.annotate(map[string]string{llmv1alpha1.PausedAnnotation: "true"}) })
	w.at(until, "no longer paused", func() { w.annotate(map[string]string{llmv1alpha1.PausedAnnotation: ""}) })
}

func specEdit(r *rand.Rand, w *world, at time.Duration) {
	what, change := randomEdit(r)
	w.at(at, "edited: "+what, func() { w.edit(change) })
}

func restart(r *rand.Rand, w *world, at time.Duration) {
	killed := r.IntN(2) == 0
	w.at(at, "", func() { w.stopOperator(killed) })
	w.at(at+between(r, 0, 15*second), "", func() {
		w.stopOperator(killed)
		w.startOperator()
	})
}

func apiFault(r *rand.Rand, w *world, at time.Duration) {
	f := pick(r,
		fault{name: "429", fate: apiserver.Fate{Code: http.StatusTooManyRequests, RetryAfter: 1}},
		fault{name: "500", fate: apiserver.Fate{Code: http.StatusInternalServerError}},
		fault{name: "503", fate: apiserver.Fate{Code: http.StatusServiceUnavailable}},
		fault{name: "422", fate: apiserver.Fate{Code: http.StatusUnprocessableEntity}, writes: true},
		fault{name: "lost requests", fate: apiserver.Fate{Refused: true}},
		fault{name: "lost replies", fate: apiserver.Fate{Lost: true}, writes: true},
		fault{name: "lost replies", fate: apiserver.Fate{Lost: true}, writes: true},
		fault{name: "conflicts", conflict: true, writes: true},
		fault{name: "slow requests", fate: apiserver.Fate{There: between(r, 0, 9*second)}},
		fault{name: "slow replies", fate: apiserver.Fate{Back: between(r, 0, 9*second)}},
	)
	f.writes = f.writes || r.IntN(2) == 0
	f.resource = pick(r, "", "", apiserver.LLMBackends, apiserver.EndpointSlices, apiserver.Services)
	f.chance = pick(r, 0.3, 0.7, 1)
	f.from = w.began.Add(at)
	f.until = f.from.Add(between(r, 0, 30*second))
	w.at(at, fmt.Sprintf("%s until %s: writes only %v, resource %q, chance %v, there %s, back %s",
		f.name, inSeconds(f.until.Sub(w.began)), f.writes, f.resource, f.chance, f.fate.There, f.fate.Back), func() { w.weather.add(f) })
}

func lag(r *rand.Rand, w *world, at time.Duration) {
	resource := pick(r, apiserver.LLMBackends, apiserver.EndpointSlices, apiserver.Services)
	until := at + between(r, 0, 30*second)
	w.at(at, fmt.Sprintf("events of %s are held back until %s", resource, inSeconds(until)), func() {
		w.weather.holdBack(resource, w.began.Add(until))
	})
}

func cut(r *rand.Rand, w *world, at time.Duration) {
	resource := pick(r, "", apiserver.LLMBackends, apiserver.EndpointSlices, apiserver.Services)
	compact := r.IntN(2) == 0
	w.at(at, fmt.Sprintf("watches of %q are cut, compacted %v", resource, compact), func() {
		if compact {
			w.server.Compact()
		}
		w.server.Cut(resource)
	})
}

func outage(r *rand.Rand, w *world, at time.Duration) {
	f := fault{name: "outage", chance: 1, fate: apiserver.Fate{Refused: true}, from: w.began.Add(at)}
	f.until = f.from.Add(between(r, second, 90*second))
	w.at(at, "the API server is away until "+inSeconds(f.until.Sub(w.began)), func() {
		w.weather.add(f)
		w.server.Cut("")
	})
}

// backup takes a backup of the store and sometimes puts it back later. It does not bring a deleted LLMBackend back:
// until an operator has heard of that, it cannot but write for the one that it knows. Where revisions are used again,
// nothing tells clients that they know another object under the same resource version: as Kubernetes asks for it,
// the operator is started anew then.
func backup(r *rand.Rand, w *world, at time.Duration) {
	bump := r.IntN(2) == 0
	w.at(at, "a backup is taken", func() { w.backup, w.backedUp = new(w.server.Snapshot()), w.uid() })
	if r.IntN(3) == 0 {
		w.at(at+between(r, second, 60*second), fmt.Sprintf("the newest backup is restored, revisions bumped %v", bump), func() {
			if w.backedUp != w.uid() {
				w.notef("not restored, because the LLMBackend is another one now")
				return
			}
			running := w.operator != nil
			if !bump {
				w.stopOperator(true)
			}
			w.restored = append(w.restored, time.Now())
			w.server.Restore(*w.backup, bump)
			if running && !bump {
				w.startOperator()
			}
		})
	}
}

func inSeconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + "s" }
