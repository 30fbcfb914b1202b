// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"fmt"
	"time"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
)

// AwaitRegion waits until traffic goes to a region: active, and published. patience is as kubectl wait has it: 0 to
// look once, less to wait for ever. The error is [context.DeadlineExceeded] if it does not in time.
func (c *Cluster) AwaitRegion(ctx context.Context, name, region string, patience time.Duration) (*llmv1alpha1.LLMBackend, error) {
	b, err := c.Get(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := CheckRegion(b, region); err != nil {
		return nil, err
	}
	there := func(b *llmv1alpha1.LLMBackend) bool { return b.Status.ActiveRegion == region && published(b) }
	switch {
	case there(b):
		return b, nil
	case patience == 0:
		return b, context.DeadlineExceeded
	case patience > 0:
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	err = c.Follow(ctx, Selection{Name: name}, func(now *llmv1alpha1.LLMBackend) (bool, error) {
		if now.DeletionTimestamp != nil {
			return false, fmt.Errorf("LLMBackend %s was deleted", key(now))
		}
		b = now
		return there(now), nil
	})
	return b, err
}
