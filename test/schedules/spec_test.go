// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package schedules

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
)

const second = time.Second

func between(r *rand.Rand, low, high time.Duration) time.Duration {
	return low + time.Duration(r.Int64N(int64(high-low)))
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// duration returns a length of time between two bounds, as the API writes it.
func duration(r *rand.Rand, low, high time.Duration) llmv1alpha1.Duration {
	return llmv1alpha1.Duration(fmt.Sprintf("%dms", between(r, low, high).Milliseconds()))
}

// host returns the name that stands for a region's addresses.
func host(region string) string { return region + ".models.internal" }

// addressesOf returns the first n addresses of a region.
func addressesOf(region string, n int) []netip.Addr {
	var addrs []netip.Addr
	for i := range n {
		addrs = append(addrs, netip.AddrFrom4([4]byte{10, byte(1 + slices.Index(regionNames[:], region)), 0, byte(10 + i)}))
	}
	return addrs
}

const mostAddresses = 4

// randomRegion returns a region with an address or a name for its endpoint.
func randomRegion(r *rand.Rand, name string) llmv1alpha1.Region {
	url := "http://" + addressesOf(name, mostAddresses)[r.IntN(mostAddresses)].String() + ":8000"
	if r.IntN(3) == 0 {
		url = "http://" + host(name) + ":8000"
	}
	region := llmv1alpha1.Region{Name: name, Endpoint: llmv1alpha1.Endpoint{URL: url}}
	if r.IntN(4) == 0 {
		region.Probe = &llmv1alpha1.ProbeOverride{
			Mode: new(pick(r, llmv1alpha1.ProbeActive, llmv1alpha1.ProbeOnDemand)), SuccessThreshold: new(int32(1 + r.IntN(3))),
		}
	}
	return region
}

// randomBackend returns an LLMBackend with n regions, whole as the API server would store it.
func randomBackend(r *rand.Rand, n int) *llmv1alpha1.LLMBackend {
	period := between(r, 2*second, 10*second).Truncate(time.Millisecond)
	b := &llmv1alpha1.LLMBackend{
		ObjectMeta: metav1.ObjectMeta{Name: backendName, Namespace: namespace},
		Spec: llmv1alpha1.LLMBackendSpec{
			Service: llmv1alpha1.ServiceSpec{Port: 80, DeletionPolicy: pick(r, llmv1alpha1.DeletionDelete, llmv1alpha1.DeletionRetain)},
			Probe: llmv1alpha1.ProbeSpec{
				Type: llmv1alpha1.ProbeHTTP, HTTP: llmv1alpha1.HTTPProbe{Path: "/health"},
				Mode:   pick(r, llmv1alpha1.ProbeActive, llmv1alpha1.ProbeActive, llmv1alpha1.ProbeActive, llmv1alpha1.ProbeOnDemand),
				Period: llmv1alpha1.Duration(fmt.Sprintf("%dms", period.Milliseconds())), SuspectPeriod: duration(r, 300*time.Millisecond, 3*second),
				Timeout: duration(r, 500*time.Millisecond, min(period, 4*second)), SuccessThreshold: int32(1 + r.IntN(3)),
			},
			Breaker:  randomBreaker(r),
			Failover: randomFailover(r),
		},
	}
	names := slices.Clone(regionNames[:n])
	r.Shuffle(n, func(i, k int) { names[i], names[k] = names[k], names[i] })
	b.Spec.Primary = randomRegion(r, names[0])
	for _, name := range names[1:] {
		b.Spec.Secondaries = append(b.Spec.Secondaries, randomRegion(r, name))
	}
	return b
}

func randomBreaker(r *rand.Rand) llmv1alpha1.BreakerSpec {
	spec := llmv1alpha1.BreakerSpec{
		FailureThreshold: int32(1 + r.IntN(5)), OpenDuration: duration(r, second, 30*second),
		RetryAfterThreshold: duration(r, second, 60*second), FailureStatusCodes: []int32{500, 502, 503, 504, 529},
		Mode: llmv1alpha1.BreakerFixed,
	}
	if r.IntN(3) == 0 {
		threshold, open := int32(1+r.IntN(3)), between(r, second, 15*second)
		spec.Mode = llmv1alpha1.BreakerAdaptive
		spec.Adaptive = &llmv1alpha1.AdaptiveSpec{
			LowFailurePercent: int32(1 + r.IntN(40)), HighFailurePercent: int32(60 + r.IntN(40)),
			MinFailureThreshold: threshold, MaxFailureThreshold: threshold + int32(r.IntN(5)),
			MinOpenDuration: llmv1alpha1.Duration(fmt.Sprintf("%dms", open.Milliseconds())),
			MaxOpenDuration: duration(r, open+time.Millisecond, 31*second),
		}
	}
	return spec
}

func randomFailover(r *rand.Rand) llmv1alpha1.FailoverSpec {
	mode := pick(r, llmv1alpha1.FailoverAutomatic, llmv1alpha1.FailoverAutomatic, llmv1alpha1.FailoverAutomatic,
		llmv1alpha1.FailoverAutomatic, llmv1alpha1.FailoverObserve, llmv1alpha1.FailoverDisabled)
	least := between(r, 0, 45*second).Truncate(time.Millisecond)
	spec := llmv1alpha1.FailoverSpec{
		Mode:        mode,
		MinDuration: llmv1alpha1.Duration(fmt.Sprintf("%dms", least.Milliseconds())),
		Failback:    pick(r, llmv1alpha1.FailbackAutomatic, llmv1alpha1.FailbackAutomatic, llmv1alpha1.FailbackAutomatic, llmv1alpha1.FailbackManual),
	}
	limits := rand.New(rand.NewPCG(uint64(least), 4)) // of their own, so that a seed goes on to draw what it drew before
	if limits.IntN(3) == 0 && least > 0 {
		spec.MaxMinDuration = duration(limits, max(least, second), 90*second)
	}
	if limits.IntN(3) == 0 {
		spec.MaxPerHour = int32(1 + limits.IntN(4))
	}
	return spec
}

// randomEdit returns a change of the spec, and what it is.
func randomEdit(r *rand.Rand) (what string, change func(b *llmv1alpha1.LLMBackend)) {
	name := pick(r, regionNames[:]...)
	switch r.IntN(7) {
	case 0:
		f := randomFailover(r)
		return fmt.Sprintf("failover %+v", f), func(b *llmv1alpha1.LLMBackend) { b.Spec.Failover = f }
	case 1:
		s := randomBreaker(r)
		return fmt.Sprintf("breaker %s %d %s", s.Mode, s.FailureThreshold, s.OpenDuration), func(b *llmv1alpha1.LLMBackend) { b.Spec.Breaker = s }
	case 2:
		seed := r.Uint64()
		return "regions in another order", func(b *llmv1alpha1.LLMBackend) {
			all := append([]llmv1alpha1.Region{b.Spec.Primary}, b.Spec.Secondaries...)
			rand.New(rand.NewPCG(seed, 3)).Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
			b.Spec.Primary, b.Spec.Secondaries = all[0], all[1:]
		}
	case 3:
		region := randomRegion(r, name)
		return "region " + name + " at " + region.Endpoint.URL, func(b *llmv1alpha1.LLMBackend) { putRegion(b, region) }
	case 4:
		return "region " + name + " removed", func(b *llmv1alpha1.LLMBackend) { removeRegion(b, name) }
	case 5:
		p := pick(r, llmv1alpha1.DeletionDelete, llmv1alpha1.DeletionRetain)
		return "deletionPolicy " + string(p), func(b *llmv1alpha1.LLMBackend) { b.Spec.Service.DeletionPolicy = p }
	default:
		port := pick(r, int32(80), 81)
		return fmt.Sprintf("port %d", port), func(b *llmv1alpha1.LLMBackend) { b.Spec.Service.Port = port }
	}
}

// putRegion gives a region another endpoint, or adds it as the last.
func putRegion(b *llmv1alpha1.LLMBackend, region llmv1alpha1.Region) {
	if b.Spec.Primary.Name == region.Name {
		b.Spec.Primary = region
		return
	}
	for i := range b.Spec.Secondaries {
		if b.Spec.Secondaries[i].Name == region.Name {
			b.Spec.Secondaries[i] = region
			return
		}
	}
	b.Spec.Secondaries = append(b.Spec.Secondaries, region)
}

// removeRegion removes a region, if it is not the only one. The first secondary follows the primary.
func removeRegion(b *llmv1alpha1.LLMBackend, name string) {
	if b.Spec.Primary.Name == name && len(b.Spec.Secondaries) > 0 {
		b.Spec.Primary, b.Spec.Secondaries = b.Spec.Secondaries[0], b.Spec.Secondaries[1:]
		return
	}
	b.Spec.Secondaries = slices.DeleteFunc(b.Spec.Secondaries, func(r llmv1alpha1.Region) bool { return r.Name == name })
}

// describe names the regions of a spec in a line.
func describe(b *llmv1alpha1.LLMBackend) string {
	var regions []string
	for _, r := range append([]llmv1alpha1.Region{b.Spec.Primary}, b.Spec.Secondaries...) {
		regions = append(regions, r.Name+"="+r.Endpoint.URL)
	}
	p, k, f := b.Spec.Probe, b.Spec.Breaker, b.Spec.Failover
	return fmt.Sprintf("%s; probe %s every %s/%s timeout %s success %d; breaker %s %d open %s retryAfter %s; failover %s min %s to %s, %d per hour, failback %s",
		strings.Join(regions, " "), p.Mode, p.Period, p.SuspectPeriod, p.Timeout, p.SuccessThreshold,
		k.Mode, k.FailureThreshold, k.OpenDuration, k.RetryAfterThreshold, f.Mode, f.MinDuration, f.MaxMinDuration, f.MaxPerHour, f.Failback)
}
