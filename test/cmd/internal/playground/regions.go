// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package playground

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/breakwater-dev/breakwater/test/lab"
)

// Region is a region server as its clients and its operator know it.
type Region struct {
	Name    string
	Address string // IP address
}

// Endpoint is where clients connect to.
func (r Region) Endpoint() string { return r.Address + ":8000" }

// Admin is where the region is controlled.
func (r Region) Admin() string { return r.Address + ":9000" }

// Regions returns the regions of the sample, in the order of its spec. The
// address of the first is in the network of region 1, and so on.
func Regions() []Region {
	return []Region{
		{Name: "us-east", Address: "10.1.0.10"},
		{Name: "eu-west", Address: "10.2.0.10"},
		{Name: "ap-south", Address: "10.3.0.10"},
	}
}

// regionStartTimeout bounds the start of one region server.
const regionStartTimeout = 30 * time.Second

// StartRegions starts the region servers, each a process of its own, on a host
// of its own if there are hosts, and waits until they serve.
func (p *Playground) StartRegions(ctx context.Context) error {
	program, err := p.program("region", "make build-lab")
	if err != nil {
		return err
	}
	for i, region := range Regions() {
		start := startProcess(lab.StartProcess)
		if p.cluster != nil {
			host, err := p.cluster.Network.AddRegion(region.Name, i+1)
			if err != nil {
				return err
			}
			start = host.StartProcess
		}
		process, err := start("region "+region.Name, filepath.Join(p.dir, region.Name+".log"), program,
			"--name", region.Name, "--listen", region.Endpoint(), "--admin", region.Admin())
		if err != nil {
			return err
		}
		p.regions = append(p.regions, process)
		if err := awaitRegion(ctx, region, process); err != nil {
			return fmt.Errorf("starting region %s: %w\n%s", region.Name, err, process.Tail(5))
		}
	}
	return nil
}

// awaitRegion waits until a region answers its admin endpoint, which it opens last.
func awaitRegion(ctx context.Context, region Region, process *lab.Process) error {
	ctx, cancel := context.WithTimeout(ctx, regionStartTimeout)
	defer cancel()
	retry := time.NewTicker(10 * time.Millisecond)
	defer retry.Stop()
	for {
		_, err := lab.ReadState(ctx, region.Admin())
		if err == nil {
			return nil
		}
		select {
		case <-process.Done():
			return fmt.Errorf("it ended: %w", err)
		case <-ctx.Done():
			return err
		case <-retry.C:
		}
	}
}

// AdminEndpoints is the value of BREAKWATER_REGIONS for the command region.
func AdminEndpoints() string {
	var fields []string
	for _, region := range Regions() {
		fields = append(fields, region.Name+"="+region.Admin())
	}
	return strings.Join(fields, " ")
}
