// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
)

// settle is how long changes are collected before they are shown, so that what is there at the beginning is shown at
// once, and two writes that belong together do not flicker.
const settle = 50 * time.Millisecond

// Watch shows LLMBackends and every change of them until ctx ends, which is no error. show gets all that there are, by
// namespace and name, and those of them that are new or changed. With a tick above 0 it is called each tick as
// well, because what it shows depends on the time; then nothing has changed.
func (c *Cluster) Watch(ctx context.Context, which Selection, tick time.Duration, show func(all, changed []*llmv1alpha1.LLMBackend) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	seen := make(chan *llmv1alpha1.LLMBackend)
	ended := make(chan error, 1)
	go func() {
		ended <- c.Follow(ctx, which, func(b *llmv1alpha1.LLMBackend) (bool, error) {
			select {
			case seen <- b:
			case <-ctx.Done():
			}
			return false, nil
		})
	}()
	var ticks <-chan time.Time
	if tick > 0 {
		ticker := time.NewTicker(tick)
		defer ticker.Stop()
		ticks = ticker.C
	}
	all := map[string]*llmv1alpha1.LLMBackend{}
	var changed []*llmv1alpha1.LLMBackend
	var due <-chan time.Time
	for {
		var err error
		select {
		case b := <-seen:
			all[key(b)] = b
			changed = append(changed, b)
			if b.DeletionTimestamp != nil {
				delete(all, key(b))
			}
			if due == nil {
				due = time.After(settle)
			}
		case <-due:
			err, changed, due = show(sorted(all), newestOf(changed)), nil, nil
		case <-ticks:
			err = show(sorted(all), nil)
		case err := <-ended:
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		if err != nil {
			return err
		}
	}
}

func sorted(all map[string]*llmv1alpha1.LLMBackend) []*llmv1alpha1.LLMBackend {
	list := make([]*llmv1alpha1.LLMBackend, 0, len(all))
	for _, b := range all {
		list = append(list, b)
	}
	slices.SortFunc(list, func(a, b *llmv1alpha1.LLMBackend) int { return strings.Compare(key(a), key(b)) })
	return list
}

// newestOf leaves out states that were followed by another of the same LLMBackend, and what is gone.
func newestOf(changed []*llmv1alpha1.LLMBackend) []*llmv1alpha1.LLMBackend {
	newest := map[string]*llmv1alpha1.LLMBackend{}
	for _, b := range changed {
		newest[key(b)] = b
		if b.DeletionTimestamp != nil {
			delete(newest, key(b))
		}
	}
	return sorted(newest)
}

// redraw writes text to a terminal in place of all that is on it.
func redraw(w io.Writer, text string) error {
	_, err := fmt.Fprint(w, "\x1b[H\x1b[2J", text)
	return err
}
