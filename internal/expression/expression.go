// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Package expression evaluates CEL expressions on JSON, bounded in time whatever the two are.
package expression

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/ext"
)

// maxCost bounds an evaluation, in CEL's units: about a millisecond of work.
const maxCost = 100_000

// Program is a compiled expression. It is safe for concurrent use.
type Program struct{ program cel.Program }

// Environment compiles expressions. One is enough, since making it is costly. It is safe for concurrent use.
type Environment struct{ env *cel.Env }

// NewEnvironment returns an Environment in which an expression knows one variable, body, of any type, and the
// standard functions of CEL and those for strings.
func NewEnvironment() (*Environment, error) {
	env, err := cel.NewEnv(cel.Variable("body", cel.DynType), ext.Strings(), cel.CrossTypeNumericComparisons(true))
	if err != nil {
		return nil, fmt.Errorf("set up CEL: %w", err)
	}
	return &Environment{env}, nil
}

// Compile compiles an expression. Its error says what is wrong and where, in several lines.
func (e *Environment) Compile(source string) (*Program, error) {
	ast, issues := e.env.Compile(source)
	if err := issues.Err(); err != nil {
		return nil, err
	}
	if t := ast.OutputType(); !t.IsExactType(cel.BoolType) && !t.IsExactType(cel.DynType) {
		return nil, fmt.Errorf("the expression is of type %s: write one that is true or false, such as body.status == \"ok\"", t)
	}
	program, err := e.env.Program(ast, cel.CostLimit(maxCost), cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return nil, err
	}
	return &Program{program}, nil
}

// Holds reports whether the expression is true of a body. It is not for one that is not JSON, or on which the
// expression cannot be evaluated, or only at too great a cost.
func (p *Program) Holds(body []byte) bool {
	holds, err := p.evaluate(body)
	return err == nil && holds
}

func (p *Program) evaluate(body []byte) (bool, error) {
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return false, err
	}
	result, _, err := p.program.Eval(map[string]any{"body": value})
	if err != nil {
		return false, err
	}
	holds, ok := result.Value().(bool)
	if !ok {
		return false, errors.New("neither true nor false")
	}
	return holds, nil
}
