// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package expression

import "sync"

// maxCached is how many expressions a Cache remembers. Clusters have few different ones.
const maxCached = 1024

// Cache compiles each expression once. It is safe for concurrent use; its zero value is ready for it.
type Cache struct {
	mu       sync.Mutex
	env      *Environment
	compiled map[string]compiled
}

type compiled struct {
	program *Program
	err     error
}

// Get returns the compiled expression, or what is wrong with it.
func (c *Cache) Get(source string) (*Program, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.compiled[source]; ok {
		return known.program, known.err
	}
	if c.env == nil {
		env, err := NewEnvironment()
		if err != nil {
			return nil, err
		}
		c.env = env
	}
	if c.compiled == nil || len(c.compiled) >= maxCached {
		c.compiled = map[string]compiled{}
	}
	program, err := c.env.Compile(source)
	c.compiled[source] = compiled{program, err}
	return program, err
}
