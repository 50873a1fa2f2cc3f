// Package markdown reads the pages of this repository for tests: their links, anchors, commands and generated parts.
package markdown

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

// A Page is a file in Markdown.
type Page struct {
	Path   string // below the folder that was read, with slashes
	Source []byte
	// Anchors are the anchors of the headings, as GitHub makes them.
	Anchors map[string]bool
	Links   []Link
	Blocks  []Block
	// Spans are pieces of code in a line of text.
	Spans []Span
}

// A Link is a link or a picture of a page.
type Link struct {
	Line        int // line of the link's paragraph, from 1
	Destination string
}

// A Span is code in a line of text.
type Span struct {
	Line int // line of the code's paragraph, from 1
	Text string
}

// A Block is a block of code.
type Block struct {
	Line int // line of the first line of code, from 1
	// Language and Needs are the first and the second word after the fence, as in "sh cloud". Both are empty if the block
	// is indented.
	Language, Needs string
	Fenced          bool
	Text            string
}

// Pages returns all pages below a folder. It leaves out hidden folders except .github, and folders named out.
func Pages(root string) ([]*Page, error) {
	var pages []*Page
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			hidden := strings.HasPrefix(name, ".") && name != ".github"
			if file != root && (hidden || name == "out" || name == "node_modules") {
				return filepath.SkipDir
			}
			return nil
		}
		if path.Ext(name) != ".md" {
			return nil
		}
		source, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		below, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		pages = append(pages, Parse(filepath.ToSlash(below), source))
		return nil
	})
	return pages, err
}

// Parse reads a page.
func Parse(name string, source []byte) *Page {
	p := &Page{Path: name, Source: source, Anchors: map[string]bool{}}
	parser := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser()
	_ = ast.Walk(parser.Parse(text.NewReader(source)), func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			p.add(node)
		}
		return ast.WalkContinue, nil
	})
	return p
}

func (p *Page) add(node ast.Node) {
	switch n := node.(type) {
	case *ast.Heading:
		p.addAnchor(plain(n, p.Source))
	case *ast.Link:
		p.Links = append(p.Links, Link{p.line(n), string(n.Destination)})
	case *ast.Image:
		p.Links = append(p.Links, Link{p.line(n), string(n.Destination)})
	case *ast.CodeSpan:
		p.Spans = append(p.Spans, Span{p.line(n), strings.ReplaceAll(plain(n, p.Source), "\n", " ")})
	case *ast.CodeBlock:
		p.Blocks = append(p.Blocks, Block{Line: p.line(n), Text: string(n.Lines().Value(p.Source))})
	case *ast.FencedCodeBlock:
		b := Block{Line: p.line(n), Fenced: true, Text: string(n.Lines().Value(p.Source))}
		if n.Info != nil {
			words := strings.Fields(string(n.Info.Value(p.Source)))
			b.Language = words[0]
			b.Needs = strings.Join(words[1:], " ")
		}
		p.Blocks = append(p.Blocks, b)
	}
}

// addAnchor adds the anchor of a heading. If headings are equal, the anchor of the second one ends in "-1", of the
// third one in "-2", and so on.
func (p *Page) addAnchor(heading string) {
	anchor := Anchor(heading)
	unique := anchor
	for n := 1; p.Anchors[unique]; n++ {
		unique = fmt.Sprintf("%s-%d", anchor, n)
	}
	p.Anchors[unique] = true
}

// Anchor returns the anchor that GitHub makes from a heading: in lower case, without punctuation, with dashes for
// blanks.
func Anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			return unicode.ToLower(r)
		}
		return -1
	}, heading)
}

// line returns the number, from 1, of the first line of the node's block.
func (p *Page) line(node ast.Node) int {
	for n := node; n != nil; n = n.Parent() {
		if n.Type() == ast.TypeBlock && n.Lines() != nil && n.Lines().Len() > 0 {
			return bytes.Count(p.Source[:n.Lines().At(0).Start], []byte("\n")) + 1
		}
	}
	return 1
}

// plain returns the text of a node without Markdown's marks.
func plain(node ast.Node, source []byte) string {
	var b strings.Builder
	_ = ast.Walk(node, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if leaf, ok := n.(*ast.Text); ok && entering {
			b.Write(leaf.Value(source))
			if leaf.SoftLineBreak() {
				b.WriteByte(' ')
			}
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}
