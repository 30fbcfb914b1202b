// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"github.com/breakwater-dev/breakwater/internal/failover"
)

func (a Responds) play(w *world) error {
	w.responses[a.Region] = a.Response
	return nil
}

// play reports one call through the door of real traffic.
func (a Calls) play(w *world) error {
	w.machine.Traffic(w.clock(), a.Region, w.reads.Classify(a.Response))
	return nil
}

func (a Update) play(w *world) error {
	status := w.backend.Status
	w.backend = a.Backend.DeepCopy()
	w.backend.Status = status
	return w.observe()
}

func (Restart) play(w *world) error {
	w.machine, w.inFlight = &failover.Machine{}, nil
	return w.observe()
}
