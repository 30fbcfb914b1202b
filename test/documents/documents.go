// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Package documents reads the project's Markdown as its tests need it: the
// commands that it tells people to run, and what it links to.
package documents

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Page is a Markdown file.
type Page struct {
	Path   string // from the root of the repository
	Blocks []Block
	Links  []Link
	// Code is what stands between backticks in the text.
	Code []Code
	// Anchors are the fragments under which the headings can be linked to.
	Anchors []string
}

// Block is a fenced block.
type Block struct {
	Line     int // of its fence, from 1
	Language string
	Text     string
	// NotRun is why the commands in it are not run; empty where they are.
	NotRun string
}

// Link is a link of the page, without its text.
type Link struct {
	Line   int
	Target string
}

// Code is a piece of code in the text.
type Code struct {
	Line int
	Text string
}

// The languages of blocks that hold commands. In a console those have a prompt,
// and the other lines are what they print.
const (
	Shell   = "sh"
	Console = "console"
)

const prompt = "$ "

// HoldsCommands says whether a block tells people to run something.
func (b Block) HoldsCommands() bool { return b.Language == Shell || b.Language == Console }

// Commands are the lines to run.
func (b Block) Commands() string {
	if b.Language != Console {
		return b.Text
	}
	var script strings.Builder
	continued := false
	for line := range strings.Lines(b.Text) {
		command, isCommand := strings.CutPrefix(line, prompt)
		if isCommand || continued {
			script.WriteString(command)
			continued = strings.HasSuffix(strings.TrimSpace(command), `\`)
		}
	}
	return script.String()
}

// Read reads all pages below the root of the repository, in order of their paths.
func Read(root string) ([]Page, error) {
	var pages []Page
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && slices.Contains([]string{".git", "bin", "dist", "testdata"}, entry.Name()) {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".md" {
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		pages = append(pages, parse(name, string(content)))
		return nil
	})
	return pages, err
}

var (
	fence   = regexp.MustCompile("^ *```(.*)$")
	notRun  = regexp.MustCompile(`^\s*<!-- not run: (.+) -->\s*$`)
	heading = regexp.MustCompile(`^#{1,6} (.+)$`)
	link    = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	code    = regexp.MustCompile("`([^`]+)`")
	// What of a heading does not become part of its anchor.
	unanchored = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

func parse(path, content string) Page {
	page := Page{Path: path}
	var block *Block
	reason := ""
	for i, line := range strings.Split(content, "\n") {
		mark := fence.FindStringSubmatch(line)
		switch {
		case mark != nil && block == nil:
			block = &Block{Line: i + 1, Language: mark[1], NotRun: reason}
		case mark != nil:
			page.Blocks = append(page.Blocks, *block)
			block, reason = nil, ""
		case block != nil:
			block.Text += strings.TrimPrefix(line, "   ") + "\n"
		default:
			page.read(i+1, line)
			if why := notRun.FindStringSubmatch(line); why != nil {
				reason = why[1]
			} else if strings.TrimSpace(line) != "" {
				reason = ""
			}
		}
	}
	return page
}

// read reads a line of text.
func (p *Page) read(number int, line string) {
	if title := heading.FindStringSubmatch(line); title != nil {
		anchor := unanchored.ReplaceAllString(strings.ToLower(link.ReplaceAllString(title[1], "")), "")
		p.Anchors = append(p.Anchors, strings.ReplaceAll(anchor, " ", "-"))
	}
	for _, found := range code.FindAllStringSubmatch(line, -1) {
		p.Code = append(p.Code, Code{number, found[1]})
	}
	for _, found := range link.FindAllStringSubmatch(code.ReplaceAllString(line, ""), -1) {
		p.Links = append(p.Links, Link{number, found[1]})
	}
}
