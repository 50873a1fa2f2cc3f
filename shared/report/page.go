package report

import (
	"bytes"
	"embed"
	"html/template"
	"io"
	"regexp"

	webpage "github.com/harvest-ml/harvest/shared/page"
)

//go:embed page.html style.css chart.css script.js
var files embed.FS

// A page is the input of the template: a model, and the parts that all reports have.
type page struct {
	*Model
	Policy string // content-security policy
	Style  template.CSS
	Script template.JS
}

// comparisonTag is in page.html if the page is a comparison.
const comparisonTag = `<meta name="generator" content="harvest compare">`

// IsComparison reports whether the content of a file is a page that WriteComparison wrote.
func IsComparison(file []byte) bool {
	return bytes.Contains(file[:min(len(file), 4096)], []byte(comparisonTag))
}

// lightDark matches a pair of colours, for a light and for a dark background.
var lightDark = regexp.MustCompile(`light-dark\((#[0-9a-f]{6}), #[0-9a-f]{6}\)`)

// write writes the page of a model.
func (m *Model) write(w io.Writer) error {
	var parts [3][]byte
	for i, file := range []string{"style.css", "chart.css", "script.js"} {
		var err error
		if parts[i], err = files.ReadFile(file); err != nil {
			return err
		}
	}
	style, script := webpage.Style(parts[0], parts[1]), parts[2]
	var t *template.Template
	t, err := template.New("page.html").Funcs(template.FuncMap{
		"jpeg": func(data []byte) template.URL { return dataURL("image/jpeg", data) },
		"svgFile": func(d drawing) (template.URL, error) {
			var file bytes.Buffer
			err := t.ExecuteTemplate(&file, "svg", d)
			// An SVG file has only its own style, and is shown on a light background.
			own := append([]byte("><style>"), lightDark.ReplaceAll(parts[1], []byte("$1"))...)
			content := bytes.Replace(file.Bytes(), []byte(">"), append(own, "</style>"...), 1)
			return dataURL("image/svg+xml", content), err
		},
	}).ParseFS(files, "page.html")
	if err != nil {
		return err
	}
	return t.Execute(w, page{m, webpage.Policy(style, script), template.CSS(style), template.JS(script)})
}
