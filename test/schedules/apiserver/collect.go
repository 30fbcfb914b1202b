// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

// Collector stands in [Change.By] for what the garbage collector deleted.
const Collector = "garbage collector"

// Collect does what the garbage collector of Kubernetes does in its controller manager: it deletes what has
// owners of which none is left, or whose owner waits for its dependents to go, and then that owner.
func (s *Server) Collect() {
	s.mu.Lock()
	defer s.mu.Unlock()
	alive, waiting := map[string]bool{}, map[string]key{}
	for k, o := range s.objects {
		alive[uidOf(o)] = at[string](o, "metadata", "deletionTimestamp") == ""
		if !alive[uidOf(o)] {
			waiting[uidOf(o)] = k
		}
	}
	for _, resource := range []string{EndpointSlices, Services} {
		for _, k := range s.keys(resource) {
			if refs := owners(s.objects[k]); len(refs) > 0 && !anyAlive(refs, alive) {
				s.commit(k, nil, Collector)
			}
		}
	}
	for _, k := range s.keys(LLMBackends) {
		if waiting[uidOf(s.objects[k])] == k {
			s.commit(k, nil, Collector)
		}
	}
}

func anyAlive(refs []any, alive map[string]bool) bool {
	for _, ref := range refs {
		if uid, ok := ref.(object)["uid"].(string); ok && alive[uid] {
			return true
		}
	}
	return false
}
