// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

const top = "../.."

// TestFaultsApply keeps the list from rotting: each fault still finds its text, and makes a program.
func TestFaultsApply(t *testing.T) {
	all, err := faults()
	if err != nil {
		t.Fatal(err)
	}
	packages := listPackages(t)
	for _, f := range all {
		text, err := os.ReadFile(filepath.Join(top, f.File))
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		broken, err := f.in(string(text))
		if err == nil {
			err = packages.check(path.Dir(f.File), path.Base(f.File), broken)
		}
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
}

// TestDocumented holds the document against the list, and against the tests that there are.
func TestDocumented(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join(top, "docs/mutants.md"))
	if err != nil {
		t.Fatal(err)
	}
	all, err := faults()
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for line := range strings.Lines(string(doc)) {
		if cells := strings.Split(line, " | "); strings.HasPrefix(line, "| ") && len(cells) == 3 {
			rows[strings.Join(cells[:2], " | ")+" |"] = cells[2]
		}
	}
	delete(rows, "| fault | breaks |")
	for _, f := range all {
		if _, there := rows[f.row()]; !there {
			t.Errorf("docs/mutants.md does not name the fault %q as it is; see there how it is written", f.Name)
		}
		delete(rows, f.row())
	}
	for row := range rows {
		t.Errorf("docs/mutants.md names a fault that is not in the list: %s", row)
	}
}

func TestFaultIn(t *testing.T) {
	f := fault{File: "a.go", Old: "x == 1", New: "x == 2"}
	for text, want := range map[string]string{
		"if x == 1 {":              "if x == 2 {",
		"if x == 3 {":              "",
		"if x == 1 || not(x == 1)": "",
	} {
		if got, err := f.in(text); got != want || (err == nil) != (want != "") {
			t.Errorf("in(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestFailure(t *testing.T) {
	for _, c := range []struct {
		name, out, want string
		compiles        bool
	}{
		{"a part of a test", `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestA/b"}
{"Action":"fail","Package":"p","Test":"TestA/b"}
{"Action":"fail","Package":"p","Test":"TestA"}`, "p TestA/b", true},
		{"a panic", `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestB"}
{"Action":"run","Package":"q","Test":"TestC"}
{"Action":"fail","Package":"p"}`, "p TestB", true},
		{"before any test", `{"Action":"fail","Package":"github.com/breakwater-dev/breakwater/p"}`, "p", true},
		{"other output", "hello\n" + `{"Action":"fail","Package":"p","Test":"TestA"}`, "p TestA", true},
		{"no program", `{"Action":"build-output","Output":"undefined: x"}
{"Action":"fail","Package":"p","FailedBuild":"p"}`, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := failure([]byte(c.out))
			if got != c.want || errors.Is(err, errDoesNotCompile) == c.compiles {
				t.Errorf("failure = %q, %v; want %q", got, err, c.want)
			}
		})
	}
}

// goPackage is what go list says of a package.
type goPackage struct {
	Dir, ImportPath, Export string
	GoFiles                 []string
}

type goPackages struct {
	fset     *token.FileSet
	importer types.Importer
	byDir    map[string]goPackage // relative to the top
	parsed   map[string]*ast.File
}

// listPackages asks for the packages of the operator and for what they export.
func listPackages(t *testing.T) *goPackages {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-export", "-deps", "-json=Dir,ImportPath,Export,GoFiles", "./internal/...")
	cmd.Dir = top
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs(top)
	if err != nil {
		t.Fatal(err)
	}
	p := &goPackages{fset: token.NewFileSet(), byDir: map[string]goPackage{}, parsed: map[string]*ast.File{}}
	exports := map[string]string{}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var g goPackage
		if err := decoder.Decode(&g); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		exports[g.ImportPath] = g.Export
		if dir, err := filepath.Rel(root, g.Dir); err == nil {
			p.byDir[dir] = g
		}
	}
	p.importer = importer.ForCompiler(p.fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	return p
}

// check type-checks the package in dir with another text in one of its files.
func (p *goPackages) check(dir, file, text string) error {
	g := p.byDir[dir]
	var files []*ast.File
	for _, name := range g.GoFiles {
		full := filepath.Join(g.Dir, name)
		if name == file {
			parsed, err := parser.ParseFile(p.fset, full, text, 0)
			if err != nil {
				return err
			}
			files = append(files, parsed)
			continue
		}
		if p.parsed[full] == nil {
			parsed, err := parser.ParseFile(p.fset, full, nil, 0)
			if err != nil {
				return err
			}
			p.parsed[full] = parsed
		}
		files = append(files, p.parsed[full])
	}
	config := types.Config{Importer: p.importer, GoVersion: "go1.26"}
	_, err := config.Check(g.ImportPath, p.fset, files, nil)
	return err
}
