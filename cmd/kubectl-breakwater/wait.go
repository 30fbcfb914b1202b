// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
)

func newWaitCommand(flags *genericclioptions.ConfigFlags) *cobra.Command {
	var region string
	var timeout time.Duration
	command := &cobra.Command{
		Use:   "wait NAME --for-region REGION",
		Short: "Wait until traffic goes to a region.",
		Long: `Wait until traffic goes to a region: it is active, and the EndpointSlices show it.

Exit codes: 0 it does, 2 there is no such LLMBackend or region, 3 it does not within --timeout.`,
		Example: `  # In a script, after the primary region was repaired
  kubectl breakwater wait chat --for-region us-east --timeout 5m`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeBackends(flags),
		RunE: func(command *cobra.Command, args []string) error {
			cluster, name, err := connect(flags, args[0])
			if err != nil {
				return err
			}
			ctx := command.Context()
			b, err := cluster.AwaitRegion(ctx, name, region, timeout)
			switch {
			case err == nil:
				_, err = fmt.Fprintf(command.OutOrStdout(), "%s/%s: traffic goes to %s\n", b.Namespace, b.Name, region)
				return err
			case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
				fmt.Fprintf(command.ErrOrStderr(), "%s/%s: after %s traffic goes to %s: see kubectl breakwater explain %s -n %s\n",
					b.Namespace, b.Name, timeout, b.Status.ActiveRegion, b.Name, b.Namespace)
				return errTimeout
			default:
				return err
			}
		},
	}
	command.Flags().StringVar(&region, "for-region", "", "Region that traffic is to go to.")
	command.Flags().DurationVar(&timeout, "timeout", time.Minute, "How long to wait: 0 to look once, less than 0 for ever.")
	complete(command, "for-region", completeRegions(flags))
	if err := command.MarkFlagRequired("for-region"); err != nil {
		panic(err) // there is no such flag: cannot be put right at run time
	}
	return command
}
