// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/breakwater-dev/breakwater/internal/plugin"
)

func newHistoryCommand(flags *genericclioptions.ConfigFlags) *cobra.Command {
	var format string
	var follow bool
	command := &cobra.Command{
		Use:   "history NAME",
		Short: "Show the decision log: breakers that opened and closed, and moves of traffic, oldest first.",
		Long: `Show the decision log: breakers that opened and closed, and moves of traffic, oldest first.

The status keeps the newest 8 moves and the newest 8 other transitions.`,
		Example: `  # With messages and exact times
  kubectl breakwater history chat -o wide

  # And what comes, as it comes
  kubectl breakwater history chat -w`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeBackends(flags),
		RunE: func(command *cobra.Command, args []string) error {
			cluster, name, err := connect(flags, args[0])
			if err != nil {
				return err
			}
			return cluster.ShowHistory(command.Context(), name, plugin.Format(format), follow, command.OutOrStdout())
		},
	}
	addOutput(command, &format, plugin.JSON, plugin.YAML, plugin.Wide)
	command.Flags().BoolVarP(&follow, "watch", "w", false, "Go on showing transitions as they come.")
	return command
}

// connect returns the cluster that the flags lead to, and the name of the LLMBackend that an argument means.
func connect(flags *genericclioptions.ConfigFlags, arg string) (*plugin.Cluster, string, error) {
	name, err := plugin.Name(arg)
	if err != nil {
		return nil, "", err
	}
	cluster, err := plugin.Connect(flags)
	return cluster, name, err
}
