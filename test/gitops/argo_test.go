// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package gitops_test

import (
	"os"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// health runs the shipped script as Argo CD does: with the object as the global obj, and the libraries that it opens.
func health(t *testing.T, object map[string]any) (status, message string) {
	t.Helper()
	script, err := os.ReadFile("../../config/argocd/health.lua")
	if err != nil {
		t.Fatal(err)
	}
	l := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer l.Close()
	for name, open := range map[string]lua.LGFunction{
		lua.LoadLibName: lua.OpenPackage, lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable,
	} {
		if err := l.CallByParam(lua.P{Fn: l.NewFunction(open), Protect: true}, lua.LString(name)); err != nil {
			t.Fatal(err)
		}
	}
	l.SetGlobal("obj", toLua(l, object))
	if err := l.DoString(string(script)); err != nil {
		t.Fatal(err)
	}
	result, ok := l.Get(-1).(*lua.LTable)
	if !ok {
		t.Fatalf("the script returned %s, want a table", l.Get(-1))
	}
	return lua.LVAsString(result.RawGetString("status")), lua.LVAsString(result.RawGetString("message"))
}

// toLua is a value of JSON in Lua.
func toLua(l *lua.LState, value any) lua.LValue {
	switch v := value.(type) {
	case map[string]any:
		table := l.CreateTable(0, len(v))
		for key, item := range v {
			table.RawSetString(key, toLua(l, item))
		}
		return table
	case []any:
		table := l.CreateTable(len(v), 0)
		for _, item := range v {
			table.Append(toLua(l, item))
		}
		return table
	case string:
		return lua.LString(v)
	case bool:
		return lua.LBool(v)
	case int64:
		return lua.LNumber(v)
	case float64:
		return lua.LNumber(v)
	default:
		return lua.LNil
	}
}

func TestArgo(t *testing.T) {
	all := append(states(t),
		state{name: "without a status", object: withoutStatus(observed(t, -1)), argo: "Progressing: the operator has not read the newest change yet"},
		state{name: "with a status that is empty", object: observed(t, 0), argo: "Progressing: the operator has not read the newest change yet"},
		state{name: "with conditions and none of them Ready", object: observed(t, 3, published), argo: "Progressing: the operator has not reported yet"},
	)
	for _, s := range all {
		t.Run(s.name, func(t *testing.T) {
			status, message := health(t, s.object)
			if got := status + ": " + message; !strings.HasPrefix(got, s.argo) {
				t.Errorf("Argo CD sees %q, want %q", got, s.argo)
			}
		})
	}
}
