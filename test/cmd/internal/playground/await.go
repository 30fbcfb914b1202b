// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package playground

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
)

// errOperatorEnded is a step that cannot happen any more.
var errOperatorEnded = errors.New("the operator has ended")

// AwaitBackend watches the LLMBackend until reached says true of it, and
// returns it. The text says what is expected, for the error when bound ends first.
func (p *Playground) AwaitBackend(
	ctx context.Context, bound time.Duration, expected string, reached func(*llmv1alpha1.LLMBackend) bool,
) (*llmv1alpha1.LLMBackend, error) {
	return await(ctx, p, bound, expected, &llmv1alpha1.LLMBackendList{}, reached,
		client.MatchingFields{"metadata.name": Name})
}

// AwaitAddresses watches the EndpointSlices of the Service until they hold
// exactly these addresses, and returns the name of the slice.
func (p *Playground) AwaitAddresses(ctx context.Context, bound time.Duration, addresses ...string) (string, error) {
	slice, err := await(ctx, p, bound, "EndpointSlice with "+strings.Join(addresses, ", "),
		&discoveryv1.EndpointSliceList{},
		func(slice *discoveryv1.EndpointSlice) bool { return slices.Equal(addressesOf(slice), addresses) },
		client.MatchingLabels{discoveryv1.LabelServiceName: Name})
	if err != nil {
		return "", err
	}
	return slice.Name, nil
}

func addressesOf(slice *discoveryv1.EndpointSlice) []string {
	var addresses []string
	for _, endpoint := range slice.Endpoints {
		addresses = append(addresses, endpoint.Addresses...)
	}
	return addresses
}

// await watches until an object is as expected. A watch that the API server
// ends is started again: it begins with what is there.
func await[T client.Object](
	ctx context.Context, p *Playground, bound time.Duration, expected string,
	list client.ObjectList, reached func(T) bool, which client.ListOption,
) (T, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, bound, fmt.Errorf("it did not happen within %s", bound))
	defer cancel()
	for {
		object, err := watchOnce(ctx, p, list, reached, which)
		if err == nil || !errors.Is(err, errWatchEnded) {
			if err != nil {
				err = fmt.Errorf("expected: %s, but %w", expected, err)
			}
			return object, err
		}
	}
}

var errWatchEnded = errors.New("the watch has ended")

func watchOnce[T client.Object](
	ctx context.Context, p *Playground, list client.ObjectList, reached func(T) bool, which client.ListOption,
) (none T, err error) {
	w, err := p.Client.Watch(ctx, list, client.InNamespace(Namespace), which)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return none, err
	}
	defer w.Stop()
	for {
		select {
		case event, ok := <-w.ResultChan():
			object, isObject := event.Object.(T)
			switch {
			case !ok || event.Type == watch.Error:
				if ctx.Err() != nil {
					return none, context.Cause(ctx)
				}
				return none, errWatchEnded
			case isObject && event.Type != watch.Deleted && reached(object):
				return object, nil
			}
		case <-p.Operator.Done():
			return none, errOperatorEnded
		case <-ctx.Done():
			return none, context.Cause(ctx)
		}
	}
}
