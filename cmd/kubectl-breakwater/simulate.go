// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/breakwater-dev/breakwater/internal/simulate"
)

// simulation is what simulate was asked to do.
type simulation struct {
	paths []string
	json  bool

	out, err io.Writer
}

func newSimulateCommand() *cobra.Command {
	var paths []string
	var output string
	command := &cobra.Command{
		Use:   "simulate -f FILE|FOLDER [-f ...] [-o json]",
		Short: "Test a failover policy before it runs.",
		Long: `Play what happens to the regions of an LLMBackend, in virtual time and without a cluster, and show what
the operator would decide. A manifest is refused here if the API server would refuse it.

Exit codes: 0 if everything was as expected, 1 if something was not, 2 if a scenario cannot be read.`,
		Example: `  # Play one scenario
  kubectl breakwater simulate -f outage.yaml

  # Play every scenario in a folder, and print one JSON object per transition
  kubectl breakwater simulate -f scenarios/ -o json`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if output != "" && output != "json" {
				return fmt.Errorf("there is no output format %q: use -o json, or leave it out for a table", output)
			}
			s := simulation{paths, output == "json", command.OutOrStdout(), command.ErrOrStderr()}
			return s.run()
		},
	}
	command.Flags().StringArrayVarP(&paths, "filename", "f", nil, "Scenario file, or folder of them; may be given several times.")
	command.Flags().StringVarP(&output, "output", "o", "", "Output format: json, or a table if left out.")
	if err := command.MarkFlagRequired("filename"); err != nil {
		panic(err) // there is no such flag: cannot be put right at run time
	}
	return command
}

// run plays all scenarios, one after the other, also after one that could not be read.
func (s simulation) run() error {
	files, err := simulate.Files(s.paths)
	if err != nil {
		return err
	}
	loader, err := simulate.NewLoader()
	if err != nil {
		return err
	}
	var unreadable []error
	failed := false
	for i, file := range files {
		scenario, err := loader.Load(file)
		if err != nil {
			unreadable = append(unreadable, err)
			continue
		}
		result, err := simulate.Run(scenario)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if i > 0 && !s.json {
			fmt.Fprintln(s.out)
		}
		if err := s.report(scenario, result); err != nil {
			return err
		}
		failed = failed || len(result.Failures) > 0
	}
	switch {
	case len(unreadable) > 0:
		return errors.Join(unreadable...)
	case failed:
		return errFailed
	default:
		return nil
	}
}

func (s simulation) report(scenario *simulate.Scenario, result *simulate.Result) error {
	for _, f := range result.Failures {
		fmt.Fprintln(s.err, f.Describe(scenario.File))
	}
	if s.json {
		return result.WriteJSON(s.out)
	}
	fmt.Fprintln(s.out, scenario.File)
	if err := result.WriteTable(s.out); err != nil {
		return err
	}
	_, err := fmt.Fprintf(s.out, "After %s: active region %s, %d of %d expected fields as expected.\n",
		scenario.Duration, result.ActiveRegion, result.Expected-len(result.Failures), result.Expected)
	return err
}
