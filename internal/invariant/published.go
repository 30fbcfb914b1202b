// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package invariant

import (
	"net/netip"
	"slices"
	"time"
)

// Published judges what the slices of the Service show after a write of the operator: all of them, each as
// the operator wrote it last. Slices that other people edit are not told as they left them.
func (j *Judge) Published(at time.Time, all []Slice) {
	if j.resting {
		j.violatedf(Rest, at, "slices were written: %+v", all)
	}
	families := map[string][]Slice{}
	for _, s := range all {
		families[s.Family] = append(families[s.Family], s)
	}
	if len(all) == 0 && len(j.shown) > 0 {
		j.violatedf(Hold, at, "nothing is published any more")
	}
	for family := range j.shown {
		if len(families[family]) == 0 { // the Service has it no longer
			delete(j.shown, family)
		}
	}
	for family, of := range families {
		j.judgeFamily(at, family, of)
	}
}

func (j *Judge) judgeFamily(at time.Time, family string, of []Slice) {
	first := of[0]
	var addresses []netip.Addr
	for _, s := range of {
		if s.Seq != first.Seq || s.UID != first.UID || s.Region != first.Region {
			j.violatedf(Unmixed, at, "slices of %s show number %d of %s (%s) and number %d of %s (%s)", family,
				first.Seq, first.UID, first.Region, s.Seq, s.UID, s.Region)
		}
		addresses = append(addresses, s.Addresses...)
	}
	if len(addresses) == 0 && first.Region == "" {
		j.violatedf(Hold, at, "the slices of %s are empty", family)
		return
	}
	if len(addresses) > 0 && !j.ofOneRegion(addresses) {
		j.violatedf(Unmixed, at, "slices of %s hold %v, which no one region has had", family, addresses)
		return
	}
	j.judgeSliceSeq(at, family, first)
	if first.UID == j.stored.UID {
		j.judgeChoice(at, family, first, addresses)
		j.published[first.Seq] = true
	}
	j.shown[family] = first
}

func (j *Judge) judgeSliceSeq(at time.Time, family string, s Slice) {
	before, ok := j.shown[family]
	older := slices.Index(j.uids, s.UID) < slices.Index(j.uids, before.UID)
	if ok && (s.UID == before.UID && s.Seq < before.Seq || older) {
		j.violatedf(SliceSeq, at, "slices of %s show number %d of %s after number %d of %s", family, s.Seq, s.UID, before.Seq, before.UID)
	}
	if s.UID == j.stored.UID && s.Seq > j.stored.ActiveSeq {
		j.violatedf(SliceSeq, at, "slices of %s show number %d, and activeSeq is %d", family, s.Seq, j.stored.ActiveSeq)
	}
}

func (j *Judge) judgeChoice(at time.Time, family string, s Slice, addresses []netip.Addr) {
	chosen, ok := j.chosen[s.Seq]
	if !ok {
		j.violatedf(Published, at, "slices of %s show number %d, under which the status chose nothing", family, s.Seq)
		return
	}
	if s.Region != "" && s.Region != chosen {
		j.violatedf(Published, at, "slices of %s show region %s under number %d, which chose %s", family, s.Region, s.Seq, chosen)
	}
	for _, a := range addresses {
		owners := j.owners[a.Unmap()]
		if _, has := owners[chosen]; !has && (s.Region == "" || len(owners) > 0) {
			j.violatedf(Published, at, "slices of %s hold %v under number %d, which chose %s", family, a, s.Seq, chosen)
		}
	}
}

// ofOneRegion says whether there is a region that has had all of these addresses, or none of them is known.
func (j *Judge) ofOneRegion(addresses []netip.Addr) bool {
	counts, known := map[string]int{}, false
	for _, a := range addresses {
		for name := range j.owners[a.Unmap()] {
			counts[name]++
			known = true
		}
	}
	for _, n := range counts {
		if n == len(addresses) {
			return true
		}
	}
	return !known
}
