// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"io"
	"time"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/explain"
)

// View shows LLMBackends: one, or a list.
type View struct {
	Selection

	// Namespaces has a list tell them.
	Namespaces bool
	Format     Format
	Out        io.Writer

	continued bool // something is shown already
}

// Show shows what there is.
func (v *View) Show(ctx context.Context, cluster *Cluster) error {
	found, err := cluster.find(ctx, v.Selection)
	if err != nil {
		return err
	}
	if v.Name != "" {
		return v.showOne(found[0])
	}
	text, err := v.text(found, true)
	if err != nil {
		return err
	}
	pictures, err := picturesOf(found, time.Now())
	if err != nil {
		return err
	}
	list := struct {
		Items []*explain.Picture `json:"items"`
	}{pictures}
	return v.Format.write(v.Out, list, func() string { return text })
}

// Follow shows what there is, and every change, until ctx ends: on a terminal in place, else one after the other.
func (v *View) Follow(ctx context.Context, cluster *Cluster) error {
	// A missing LLMBackend or right is told at once, and not waited for.
	if _, err := cluster.find(ctx, v.Selection); err != nil {
		return err
	}
	if !terminal(v.Out) || v.Format.forMachines() {
		return cluster.Watch(ctx, v.Selection, 0, func(_, changed []*llmv1alpha1.LLMBackend) error { return v.add(changed) })
	}
	return cluster.Watch(ctx, v.Selection, time.Second, func(all, _ []*llmv1alpha1.LLMBackend) error {
		text, err := v.text(all, true)
		if err != nil {
			return err
		}
		return redraw(v.Out, text)
	})
}

// add shows what has changed after what is shown already.
func (v *View) add(changed []*llmv1alpha1.LLMBackend) error {
	if v.Name == "" && !v.Format.forMachines() {
		text, err := v.text(changed, !v.continued)
		if err != nil {
			return err
		}
		v.continued = true
		_, err = io.WriteString(v.Out, text)
		return err
	}
	for _, b := range changed {
		if v.continued && !v.Format.forMachines() {
			if _, err := io.WriteString(v.Out, "\n"); err != nil {
				return err
			}
		}
		v.continued = true
		if err := v.showOne(b); err != nil {
			return err
		}
	}
	return nil
}

func (v *View) showOne(b *llmv1alpha1.LLMBackend) error {
	now := time.Now()
	p, err := explain.Describe(b, now)
	if err != nil {
		return err
	}
	return v.Format.write(v.Out, p, func() string {
		return statusText(p, now, v.Format == Wide, coloured(v.Out))
	})
}

// text is what a person is shown of these LLMBackends.
func (v *View) text(backends []*llmv1alpha1.LLMBackend, headers bool) (string, error) {
	now := time.Now()
	pictures, err := picturesOf(backends, now)
	if err != nil {
		return "", err
	}
	wide, colours := v.Format == Wide, coloured(v.Out)
	switch {
	case v.Name != "" && len(pictures) == 1:
		return statusText(pictures[0], now, wide, colours), nil
	case len(pictures) == 0:
		return "There are no LLMBackends here: see kubectl breakwater status -A\n", nil
	default:
		return listText(pictures, now, v.Namespaces, wide, headers, colours), nil
	}
}

func picturesOf(backends []*llmv1alpha1.LLMBackend, now time.Time) ([]*explain.Picture, error) {
	pictures := []*explain.Picture{}
	for _, b := range backends {
		p, err := explain.Describe(b, now)
		if err != nil {
			return nil, err
		}
		pictures = append(pictures, p)
	}
	return pictures, nil
}
