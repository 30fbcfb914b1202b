// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/breakwater-dev/breakwater/test/lab"
)

// regionsVariable names the admin endpoints: name=address, separated by spaces.
const regionsVariable = "BREAKWATER_REGIONS"

func usage() string {
	return `Usage:
  region                                show what every region does
  region NAME MODE [ARGUMENT...]        change what one does
Modes:
  healthy, hang, endless-body, nonsense, reset, refuse, silent
  status CODE [HEADER=VALUE...]         such as: status 429 Retry-After=300
  redirect URL
  slow DURATION, drip DURATION          latency; time between two bytes
A server's flags:
`
}

// target is a region to control.
type target struct{ name, admin string }

// control does what the arguments of the command line say.
func control(ctx context.Context, out io.Writer, regions string, args []string) error {
	targets, err := parseTargets(regions)
	if err != nil {
		return err
	}
	if len(args) == 0 {
		return show(ctx, out, targets)
	}
	i := slices.IndexFunc(targets, func(t target) bool { return t.name == args[0] })
	if i < 0 {
		return fmt.Errorf("no region %q: there are %s", args[0], regions)
	}
	behaviour, err := parseBehaviour(args[1:])
	if err != nil {
		return err
	}
	if _, err := lab.SetBehaviour(ctx, targets[i].admin, behaviour); err != nil {
		return err
	}
	return show(ctx, out, targets[i:i+1])
}

func parseTargets(regions string) ([]target, error) {
	var targets []target
	for field := range strings.FieldsSeq(regions) {
		name, admin, ok := strings.Cut(field, "=")
		if !ok {
			return nil, fmt.Errorf("%s has %q: write name=address", regionsVariable, field)
		}
		targets = append(targets, target{name, admin})
	}
	if len(targets) == 0 {
		return nil, fmt.Errorf("no regions to control: run this in the lab's shell, or set %s", regionsVariable)
	}
	return targets, nil
}

// parseBehaviour reads a mode and its arguments.
func parseBehaviour(args []string) (lab.Behaviour, error) {
	if len(args) == 0 {
		return lab.Behaviour{}, fmt.Errorf("which mode? Use one of %q", lab.Modes())
	}
	b := lab.Behaviour{Mode: lab.Mode(args[0])}
	rest := args[1:]
	var err error
	switch b.Mode {
	case lab.ModeStatus:
		rest, err = parseStatus(&b, rest)
	case lab.ModeRedirect:
		if len(rest) > 0 {
			b.Location, rest = rest[0], rest[1:]
		}
	case lab.ModeSlow, lab.ModeDrip:
		if len(rest) == 0 {
			return b, fmt.Errorf("%s: how long? Give a duration such as 2s", b.Mode)
		}
		var d time.Duration
		d, err = time.ParseDuration(rest[0])
		b.Delay, rest = metav1.Duration{Duration: d}, rest[1:]
	}
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%s takes no argument %q", b.Mode, rest[0])
	}
	return b, errors.Join(err, b.Validate())
}

func parseStatus(b *lab.Behaviour, args []string) (rest []string, err error) {
	if len(args) == 0 {
		return nil, errors.New("status: which code? Give one such as 503")
	}
	if b.Status, err = strconv.Atoi(args[0]); err != nil {
		return nil, fmt.Errorf("status %q: give a code such as 503", args[0])
	}
	b.Header = map[string]string{}
	for _, header := range args[1:] {
		name, value, ok := strings.Cut(header, "=")
		if !ok {
			return nil, fmt.Errorf("header %q: write it as Name=value", header)
		}
		b.Header[name] = value
	}
	return nil, nil
}

// show prints a line for each region.
func show(ctx context.Context, out io.Writer, targets []target) error {
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	_, _ = fmt.Fprintln(table, "REGION\tDOES\tPROBES\tREQUESTS")
	for _, t := range targets {
		state, err := lab.ReadState(ctx, t.admin)
		if err != nil {
			return err
		}
		total := 0
		for _, n := range state.Requests {
			total += n
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%d\t%d\n", state.Name, state.Behaviour, state.Requests["/health"], total)
	}
	return table.Flush()
}
