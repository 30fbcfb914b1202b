// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/breakwater-dev/breakwater/internal/plugin"
)

func newExplainCommand(flags *genericclioptions.ConfigFlags) *cobra.Command {
	var format string
	command := &cobra.Command{
		Use:   "explain NAME",
		Short: "Tell why traffic is where it is, and what it would take to move it.",
		Example: `  # Why is traffic not on the primary region?
  kubectl breakwater explain chat`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeBackends(flags),
		RunE: func(command *cobra.Command, args []string) error {
			cluster, name, err := connect(flags, args[0])
			if err != nil {
				return err
			}
			return cluster.ShowExplanation(command.Context(), name, plugin.Format(format), command.OutOrStdout())
		},
	}
	addOutput(command, &format, plugin.JSON, plugin.YAML)
	return command
}
