package export

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/template"
)

// CardFile is the name of the card in an export. It is written last, so an export with a card is complete.
const CardFile = "README.md"

// NotStated stands for an unknown licence of a source.
const NotStated = "not stated"

// A Source describes the samples of one source in an export.
type Source struct {
	Name    string
	Samples int
	// Licence is the licence as a text; NotStated if it is not known.
	Licence string
}

// A Manifest is a file from which the subset was selected.
type Manifest struct {
	Name     string
	Bytes    int64
	CRC32C   string // eight hex digits
	Selected int    // number of samples in the subset
}

// A Card describes an export for people.
type Card struct {
	Request Request // a complete request
	Dataset string
	// Run and Selection are ids.
	Run, Selection string
	// Selected of Total samples are in the export. Shortfall is the part of the budget that could not be filled, in
	// samples or tokens.
	Selected, Total, Shortfall int
	// Replaced is the number of samples with an image that has changed since it was rated. ReplacedImage is one such
	// image.
	Replaced      int
	ReplacedImage string
	// ImageCount is the number of images in the records, ImageFiles the number of different images, and ImageBytes their
	// total size.
	ImageCount, ImageFiles int
	ImageBytes             int64
	Sources                []Source
	Manifests              []Manifest
	// Parameters are the parameters of the selection, as JSON.
	Parameters json.RawMessage
	// Scorer is the kind of scorer. ScorerID and Rubric are hashes. Algorithm is the version of the selection algorithm.
	Scorer, ScorerID, Rubric, Algorithm string
	// Program is the version of the program that wrote the export. Layout and Reading are the versions of a run's objects
	// and of the reading of records.
	Program         string
	Layout, Reading int
	// Commands are the commands that make the export again.
	Commands []string
}

//go:embed card.md.tmpl
var cardText string

// Write writes the card as Markdown. Equal cards give equal bytes.
func (c Card) Write(w io.Writer) error {
	usage, err := c.Request.usage(c.Dataset)
	if err != nil {
		return err
	}
	var parameters bytes.Buffer
	if err := json.Indent(&parameters, c.Parameters, "", "  "); err != nil {
		return fmt.Errorf("the parameters of the selection: %w", err)
	}
	parsed, err := template.New("card").Funcs(template.FuncMap{"cell": cell}).Parse(cardText)
	if err != nil {
		return err
	}
	return parsed.Execute(w, struct {
		Card
		Usage, Indented string
	}{c, usage, parameters.String()})
}

// InParquet returns Request.InParquet.
func (c Card) InParquet() bool { return c.Request.InParquet() }

// cell formats a text for a cell of a table. A text of a dataset must not become Markdown or HTML.
func cell(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	return strings.NewReplacer("\\", `\\`, "|", `\|`, "<", "&lt;", ">", "&gt;", "&", "&amp;", "`", "\\`", "*", `\*`,
		"_", `\_`, "[", `\[`, "]", `\]`).Replace(text)
}
