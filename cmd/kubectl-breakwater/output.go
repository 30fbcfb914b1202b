// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/breakwater-dev/breakwater/internal/plugin"
)

// addOutput adds -o for text and these formats.
func addOutput(command *cobra.Command, o *string, formats ...plugin.Format) {
	var names []string
	for _, f := range formats {
		names = append(names, string(f))
	}
	usage := fmt.Sprintf("Output format: %s, or text for people if left out.", strings.Join(names, ", "))
	command.Flags().StringVarP(o, "output", "o", "", usage)
	complete(command, "output", cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp))
	command.PreRunE = func(*cobra.Command, []string) error {
		if *o != "" && !slices.Contains(names, *o) {
			return fmt.Errorf("there is no output format %q: write -o %s, or leave it out", *o, strings.Join(names, ", -o "))
		}
		return nil
	}
}
