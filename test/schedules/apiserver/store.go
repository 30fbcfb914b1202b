// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"
)

// key names an object.
type key struct{ resource, namespace, name string }

func (k key) compare(o key) int {
	return cmp.Or(cmp.Compare(k.resource, o.resource), cmp.Compare(k.namespace, o.namespace), cmp.Compare(k.name, o.name))
}

// Change is one committed write.
type Change struct {
	Time      time.Time
	Revision  int64
	Resource  string
	Namespace string
	Name      string
	// By names the connection of the writer.
	By string
	// Before and After are nil for what did not exist. They are not to be changed.
	Before, After map[string]any
}

// Server is the API server. Its methods are safe for concurrent use.
type Server struct {
	mu         sync.Mutex
	kinds      map[string]*kind
	objects    map[key]object
	encoded    map[key][]byte // of the objects
	revision   int64
	compacted  int64 // changes up to this revision can no longer be watched
	restored   int   // how many changes a restored backup has made undone
	changes    []Change
	watchers   map[*watcher]struct{}
	uids       int64
	clusterIPs int
}

// New returns a server without objects.
func New() *Server {
	s := &Server{
		kinds: map[string]*kind{}, objects: map[key]object{}, encoded: map[key][]byte{},
		revision: 100, watchers: map[*watcher]struct{}{},
	}
	for _, k := range kinds() {
		s.kinds[k.resource] = k
	}
	return s
}

// Changes returns all that was committed, in order.
func (s *Server) Changes() []Change {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.changes)
}

// keys returns the names of the objects of a resource, sorted.
func (s *Server) keys(resource string) []key {
	keys := slices.Collect(maps.Keys(s.objects))
	keys = slices.DeleteFunc(keys, func(k key) bool { return k.resource != resource })
	slices.SortFunc(keys, key.compare)
	return keys
}

// commit stores a version of an object, nil for none, and tells the watchers.
func (s *Server) commit(k key, changed object, by string) object {
	s.revision++
	before := s.objects[k]
	told := before
	if changed != nil {
		told = with(changed, strconv.FormatInt(s.revision, 10), "metadata", "resourceVersion")
		s.objects[k] = told
	} else {
		told = with(told, strconv.FormatInt(s.revision, 10), "metadata", "resourceVersion")
		delete(s.objects, k)
	}
	s.record(k, before, changed != nil, told, by)
	return told
}

// record notes a change and tells the watchers. told is the newest version, also of what is gone.
func (s *Server) record(k key, before object, exists bool, told object, by string) {
	data := encode(told)
	change := Change{Time: time.Now(), Revision: s.revision, Resource: k.resource, Namespace: k.namespace, Name: k.name, By: by, Before: before}
	kind := "DELETED"
	delete(s.encoded, k)
	if exists {
		change.After = told
		kind = "MODIFIED"
		s.encoded[k] = data
		if before == nil {
			kind = "ADDED"
		}
	}
	s.changes = append(s.changes, change)
	for w := range s.watchers {
		if w.watches(k.resource, k.namespace) {
			w.tell(frame(kind, data))
		}
	}
}

// Snapshot is what a backup holds.
type Snapshot struct {
	objects  map[key]object
	encoded  map[key][]byte
	revision int64
}

// Snapshot takes a backup.
func (s *Server) Snapshot() Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Snapshot{maps.Clone(s.objects), maps.Clone(s.encoded), s.revision}
}

// Restore puts a backup back. All watches end, and what happened before cannot be watched. With bump, revisions
// go on above all that were ever used, as etcdutl does it with --bump-revision --mark-compacted; else they are
// used again. Real API servers may leave a watch from a future revision waiting; here it is refused.
func (s *Server) Restore(b Snapshot, bump bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var changed []key
	for k := range s.objects {
		if !same(s.objects[k], b.objects[k]) {
			changed = append(changed, k)
		}
	}
	for k := range b.objects {
		if s.objects[k] == nil {
			changed = append(changed, k)
		}
	}
	slices.SortFunc(changed, key.compare)
	for _, k := range changed {
		s.changes = append(s.changes, Change{
			Time: time.Now(), Revision: s.revision, Resource: k.resource, Namespace: k.namespace, Name: k.name, By: RestoredBy,
			Before: s.objects[k], After: b.objects[k],
		})
	}
	s.objects, s.encoded = maps.Clone(b.objects), maps.Clone(b.encoded)
	if bump {
		s.revision += 1000
	} else {
		s.revision = b.revision
	}
	s.compacted, s.restored = s.revision, len(s.changes)
	for w := range s.watchers {
		w.end()
	}
}

// RestoredBy stands in [Change.By] for what a restored backup changed.
const RestoredBy = "restore"

// Compact makes all that has happened so far unwatchable.
func (s *Server) Compact() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.compacted = s.revision
}

// newUID returns a UID that depends on nothing but how many there were before.
func (s *Server) newUID() string {
	s.uids++
	return fmt.Sprintf("00000000-0000-4000-8000-%012x", s.uids)
}
