// Package docs makes web pages from the description of the API. The pages need no network and no script.
package docs

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"strings"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/page"
	"go.yaml.in/yaml/v3"
)

// Pages are the pages that a service serves, in UTF-8.
type Pages struct {
	Reference []byte // every call and every type
	Policy    string // content-security policy of the page
}

//go:embed reference.html style.css
var files embed.FS

// New makes the pages. An error means that the description is invalid.
func New() (*Pages, error) {
	var d description
	if err := yaml.Unmarshal(api.Description(), &d); err != nil {
		return nil, fmt.Errorf("reading the description of the API: %w", err)
	}
	if err := d.resolve(); err != nil {
		return nil, fmt.Errorf("reading the description of the API: %w", err)
	}
	own, err := files.ReadFile("style.css")
	if err != nil {
		return nil, err
	}
	style := page.Style(own)
	templates, err := template.New("").Funcs(template.FuncMap{
		"paragraphs": paragraphs, "json": jsonOf, "path": func(name string) string { return paths[name] },
	}).ParseFS(files, "reference.html")
	if err != nil {
		return nil, fmt.Errorf("reading the pages of the API: %w", err)
	}
	pages := &Pages{Policy: page.Policy(style, nil)}
	var out bytes.Buffer
	err = templates.ExecuteTemplate(&out, "reference.html", struct {
		*description
		Style template.CSS
	}{&d, template.CSS(style)})
	if err != nil {
		return nil, fmt.Errorf("writing the page of the API: %w", err)
	}
	pages.Reference = out.Bytes()
	return pages, nil
}

// paths are the targets of the page's links.
var paths = map[string]string{"runs": api.RunsPath, "docs": api.DocsPath, "openapi": api.DescriptionPath}

// A span is a piece of a text. Code is true if the piece was between backticks.
type span struct {
	Code bool
	Text string
}

// paragraphs splits a text at its empty lines.
func paragraphs(text string) (all [][]span) {
	for paragraph := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		var spans []span
		for i, piece := range strings.Split(paragraph, "`") {
			if piece != "" {
				spans = append(spans, span{i%2 == 1, piece})
			}
		}
		if len(spans) > 0 {
			all = append(all, spans)
		}
	}
	return all
}

// jsonOf returns a value of the description as JSON, in one line.
func jsonOf(value any) (string, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err := enc.Encode(value)
	return strings.TrimSpace(out.String()), err
}
